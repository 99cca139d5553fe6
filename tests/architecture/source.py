"""The project's source as the checkers see it: files, their imports, their calls."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICES = ("agreements", "arm", "billing", "collections", "notifications")


@dataclass(frozen=True)
class Import:
    """One imported name: `from a.b import c` is `a.b.c`, because c may be a module."""

    name: str
    line: int

    def is_of(self, *packages: str) -> bool:
        """Whether it is one of the packages, or lies in one."""
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Give every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    """Give the Python files below some folders of the repository, or all."""
    tops = [ROOT / folder for folder in folders or ("",)]
    return [path for path in tracked_files() if path.suffix == ".py" and any(path.is_relative_to(top) for top in tops)]


def package_of(service: str) -> Path:
    """Give the folder of a service's package."""
    return ROOT / "services" / service / f"boss_{service}"


def service_files(service: str) -> list[Path]:
    """Give the modules of a service, without its migrations, which are history."""
    package = package_of(service)
    files = python_files(package.relative_to(ROOT).as_posix())
    return [path for path in files if "migrations" not in path.relative_to(package).parts]


def is_begun(service: str) -> bool:
    """Whether a service is more than a stub: from its app.py on every rule holds for it."""
    return (package_of(service) / "app.py").exists()


def parse(path: Path) -> ast.Module:
    """Read a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.Module, package: str = "") -> Iterator[Import]:
    """Give every import, wherever it stands; `package` is what a relative one is relative to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.expr) -> str:
    """Write `a.b.c` as text; "" where it is anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def relative(path: Path) -> str:
    """Name a file as in the repository."""
    return path.relative_to(ROOT).as_posix()
