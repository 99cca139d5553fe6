"""`python -m boss_bench [--only NAME] [--json FILE]`: run the benches; print and write one JSON object per line."""

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import boss_bench

_NOT_BENCHES = {"__main__", "result"}


def benches() -> dict[str, str]:
    """Give every bench and its module: the modules of this package, and nothing to register."""
    modules = (module.name for module in pkgutil.iter_modules(boss_bench.__path__))
    # A bench called like a word of Python's has a module with an underscore behind it.
    return {name.rstrip("_"): name for name in sorted(modules) if name not in _NOT_BENCHES and not name.startswith("_")}


def main(arguments: list[str]) -> int:
    """Run the benches asked for."""
    parser = argparse.ArgumentParser(prog="boss_bench", description=boss_bench.__doc__)
    parser.add_argument(
        "--only", action="append", choices=sorted(benches()), help="run only this one; may be given again"
    )
    parser.add_argument("--json", type=Path, help="also write the lines to this file")
    options = parser.parse_args(arguments)
    lines = []
    for name in options.only or benches():
        for result in importlib.import_module(f"boss_bench.{benches()[name]}").run():
            lines.append(json.dumps(result.as_dict()))
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    if options.json:
        options.json.write_text("".join(line + "\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
