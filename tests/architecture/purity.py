"""What a rule and a service may not do: read a clock, roll dice, touch the world, count money in floats."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import dotted, imports

# All of these give the same answer to the same question, for ever.
_PURE = frozenset(
    [
        "__future__",
        "base64",
        "bisect",
        "calendar",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "email",
        "email_validator",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "hmac",
        "itertools",
        "jinja2",
        "json",
        "math",
        "operator",
        "phonenumbers",
        "re",
        "statistics",
        "string",
        "struct",
        "textwrap",
        "types",
        "typing",
        "unicodedata",
        "uuid",
        "zoneinfo",
    ]
)
_PURE_KIT = ("money", "days", "ids", "errors", "names", "cards", "context")
_IMPURE_NAMES = {"boss_kit.ids.new_id", "uuid.uuid1", "uuid.uuid4"}
_IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "__import__", "uuid.uuid1", "uuid.uuid4"}
_CLOCKS = re.compile(r"(^|\.)((datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime))$")
_SLEEP = "time.sleep"
_MONEY = re.compile(r"(^|_)(amount|balance|charge|cost|dues|fee|money|price|rate|tax|total)s?(_|$)")


def check_rules(tree: ast.Module, package: str) -> Iterator[str]:
    """Give what makes a rule answer differently tomorrow."""
    for imported in imports(tree, package):
        own = imported.name.split(".")[0]
        kit_ok = imported.is_of(*(f"boss_kit.{module}" for module in _PURE_KIT))
        # What a rule imports of its own service is the layers' business.
        if own not in _PURE and not kit_ok and own != package.split(".", 1)[0]:
            yield f"{imported.line}: a rule imports {imported.name}"
        if imported.name in _IMPURE_NAMES:
            yield f"{imported.line}: a rule imports {imported.name}; ids are arguments"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in _IMPURE_CALLS:
            yield f"{node.lineno}: a rule calls {dotted(node.func)}"
    yield from check_clock(tree)
    yield from check_floats(tree)


def check_clock(tree: ast.Module) -> Iterator[str]:
    """Give every look at the wall clock and every sleep: time comes with the transaction or the event."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if _CLOCKS.search(called) or called == _SLEEP:
                yield f"{node.lineno}: calls {called}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield f"{node.lineno}: imports names of time, which hides what is called"


def check_floats(tree: ast.Module) -> Iterator[str]:
    """Give every amount of money that is a float."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.AnnAssign, ast.arg)) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else dotted(node.target)
            if _MONEY.search(target.split(".")[-1]) and _says_float(node.annotation):
                yield f"{node.lineno}: {target} is a float"
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            if _MONEY.search(node.name) and _says_float(node.returns):
                yield f"{node.lineno}: {node.name} returns a float"
        elif isinstance(node, ast.Assign):
            names = [dotted(target).split(".")[-1] for target in node.targets]
            if any(_MONEY.search(name) for name in names) and _makes_float(node.value):
                yield f"{node.lineno}: {', '.join(names)} is a float"


def _says_float(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "float" for node in ast.walk(annotation))


def _makes_float(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return dotted(value.func) == "float"
    return isinstance(value, ast.Constant) and isinstance(value.value, float)
