"""The words of the business, which the kit doesn't know."""

import ast
import re
from collections.abc import Iterator

BUSINESS = frozenset(
    [
        "agreement",
        "agreements",
        "billing",
        "charge",
        "charges",
        "club",
        "clubs",
        "cycle",
        "cycles",
        "debtor",
        "debtors",
        "dunning",
        "dues",
        "gym",
        "invoice",
        "invoices",
        "member",
        "members",
        "membership",
        "payment",
        "payments",
        "suspension",
        "suspensions",
    ]
)
# `__members__` and its kind are Python's words.
_DUNDER = re.compile(r"__\w+__")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def check(tree: ast.Module) -> Iterator[str]:
    """Give every business word in a name or a string; docstrings may give examples."""
    examples = _docstrings(tree)
    for node in ast.walk(tree):
        if id(node) in examples:
            continue
        for text in _texts(node):
            for word in sorted({word.lower() for word in _WORD.findall(_DUNDER.sub("", text))} & BUSINESS):
                yield f"{getattr(node, 'lineno', 0)}: {word}"


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, (ast.arg, ast.keyword)):
        yield node.arg or ""
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.alias)):
        yield node.name


def _docstrings(tree: ast.Module) -> set[int]:
    """Give the strings that stand alone as a statement: of a module, a class, a function, or under a constant."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
