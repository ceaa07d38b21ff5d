"""Check what docstrings and comments must say beyond being there, by reading the syntax tree.

Four rules, for every public definition of a product room:

- a function whose own body raises a named exception says `Raises NAME`;
- a function that returns an int or a float names the unit, or what is counted;
- a function that returns a dict, a Mapping or a tuple says what its keys, values or parts are;
- a constant in core/facts names its `Source:`, in the comment above it or in the text below it.

That a docstring exists at all is ruff's rule (D1).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef

# What a number can be: a unit, or a word for something counted.
NUMBER = re.compile(
    r"\b(seconds?|minutes?|hours?|days?|weeks?|months?|years?|milliseconds?|ms|percent|percentage|ratios?|factor|fraction"
    r"|bytes?|[KMGT]i?B|[kmgt]ibibytes?|sectors?|[Kk]ilobytes|[Mm]egabytes|[Gg]igabytes|bits?|[Mm]illicores|cores"
    r"|ports?|PID|process ID|exit (code|status)|status code|VLAN|MTU|mode|port|generation|ID|major|minor"
    r"|numbers?|counts?|index|position|line|column|length|size|rank|score|how many|epoch|timestamp|descriptor|year)\b",
    re.IGNORECASE,
)
# Words that describe the shape of a mapping, or name a document whose shape is known.
MAPPING = re.compile(
    r"->|→|\bby\b|\bkeys?\b|\bkeyed\b|\bnames? to\b|\beach \w+.* to\b"
    r"|\bto (its|the|their)\b|\bmaps?\b|\bmapping\b|\bper\b|\bfields?\b"
    r"|\b(manifests?|documents?|patch(es)?|spec|objects?|inputs|outputs|headers|environment|JSON|YAML|schema|config)\b",
    re.IGNORECASE,
)
TUPLE = re.compile(r",|\band\b|\bpairs?\b|\bthen\b|->|→")
MAPPINGS = {"dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}
FACTS = ("core", "facts")


def check(file: Path, shown: str) -> Iterator[str]:
    """Yield one line per finding in a file: `PATH:LINE: docstring: what is missing`. `shown` is the path to print."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    for function in _public(tree.body):
        for finding in _faults(function):
            yield f"{shown}:{function.lineno}: docstring: {finding}"
    if file.parts[-3:-1] == FACTS:
        for line, name in _without_source(tree, text.splitlines()):
            yield (
                f"{shown}:{line}: docstring: the constant {name} names no source; write `# Source: ...` above it: "
                "where its value can be looked up again"
            )


def _public(body: list[ast.stmt]) -> Iterator[Function]:
    """Public functions of a module, and public methods of its public classes."""
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node.body)


def _faults(function: Function) -> Iterator[str]:
    doc = ast.get_docstring(function)
    if doc is None or _is_overload(function):
        return
    for name in sorted(_raised(function)):
        if not re.search(rf"\bRaises\b(?:[^\n]|\n(?!\n))*?\b{re.escape(name)}\b", doc):
            yield f"{function.name}() raises {name} and does not say so; write `Raises {name} when ...`"
    returned = _returned(function.returns)
    if returned in {"int", "float"} and not NUMBER.search(doc):
        yield f"{function.name}() returns a number with no unit; say what is counted, or in which unit"
    elif returned in MAPPINGS and not MAPPING.search(doc):
        yield f"{function.name}() returns a {returned} of unknown shape; say what its keys and values are"
    elif returned == "tuple" and not TUPLE.search(doc):
        yield f"{function.name}() returns a tuple of unknown parts; say what each part is, in order"


def _is_overload(function: Function) -> bool:
    return any(ast.unparse(each).rsplit(".", 1)[-1] == "overload" for each in function.decorator_list)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, without the bodies of functions and classes defined in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        yield child
        yield from _own(child)


def _raised(function: Function) -> set[str]:
    """Names of the exception classes that the body itself raises, and does not catch itself."""
    caught = {
        ast.unparse(kind).rsplit(".", 1)[-1]
        for node in _own(function)
        if isinstance(node, ast.Try)
        and any(isinstance(each, ast.Raise) for part in node.body for each in _within(part))
        for handler in node.handlers
        if handler.type
        for kind in (handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type])
    }
    names: set[str] = set()
    for node in _own(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rsplit(".", 1)[-1]
            if name[:1].isupper():
                names.add(name)
    return names - caught


def _within(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    yield from _own(node)


def _returned(annotation: ast.expr | None) -> str:
    """The name of the type that a function returns, without `| None`; empty for a sequence written `tuple[X, ...]`."""
    if annotation is None:
        return ""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.BinOp):
        sides = [each for each in (annotation.left, annotation.right) if ast.unparse(each) != "None"]
        return _returned(sides[0]) if len(sides) == 1 else ""
    if isinstance(annotation, ast.Subscript):
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
        if any(isinstance(each, ast.Constant) and each.value is Ellipsis for each in parts):
            return ""
        return _returned(annotation.value)
    return ast.unparse(annotation).rsplit(".", 1)[-1]


def _without_source(tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each public constant that has no `Source:` in the comment above it or the text below it."""
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if not isinstance(target, ast.Name) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", target.id):
                continue
            text = _comment_above(node, lines)
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                text += str(following.value.value)
            if "Source:" not in text:
                yield node.lineno, target.id


def _comment_above(node: ast.stmt, lines: list[str]) -> str:
    first = node.lineno - 1
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.lineno - 1])
