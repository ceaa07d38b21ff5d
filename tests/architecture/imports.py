"""Which room imports which, read from the syntax trees of a checkout."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PULUMI = ("pulumi", "pulumi_kubernetes", "pulumi_policy", "pulumiverse_talos", "pulumiverse_matchbox", "google", "grpc")


@dataclass(frozen=True)
class Room:
    """What the modules of a room may import beside their own room and the standard library."""

    rooms: tuple[str, ...] = ()
    """Other rooms, or single modules of them."""
    packages: tuple[str, ...] = ()
    """Packages of requirements.txt."""


ROOMS: Mapping[str, Room] = {
    "core": Room((), ("pydantic", "pydantic_core", "yaml", "cryptography")),
    "clients": Room(("core",), ("google", "grpclib", "yaml", "cryptography")),
    "components": Room(("core", "clients"), (*PULUMI, "yaml")),
    "provider": Room(("core", "clients"), (*PULUMI, "requests", "sushy", "urllib3", "yaml", "cryptography")),
    "policy": Room(("core",), PULUMI),
    "operations": Room(
        ("core", "clients", "runner.pipes", "provider.redfish.fencing"),
        ("cryptography", "google", "grpc", "pulumi", "pulumiverse_talos", "yaml"),
    ),
    # Facts are plain data: a test loads the command line, and the facts with it, without any package.
    "toolchain": Room(("core.facts", "core.printable")),
    "runner": Room(("core.facts", "core.printable", "toolchain")),
    "lab": Room(("core", "clients", "operations", "runner", "toolchain"), ("yaml", "cryptography", "grpc", "pytest")),
    "__main__": Room(("core", "components"), ("pulumi",)),
}

FLOORS = ("core.facts", "core.model", "core.machineconfig", "core.effective", "core.loading")
"""Folders of core, each built on those before it: none imports one after it, inside a function neither."""


@dataclass(frozen=True)
class Import:
    """One import statement: the module that has it, and the module that it names."""

    importer: str
    imported: str
    line: int
    at_load: bool
    """Runs when the module is loaded: it is in no function and not for type checkers alone."""


def modules(root: Path) -> dict[str, Path]:
    """Name of each product module -> its file."""
    files = [file for room in ROOMS if room != "__main__" for file in sorted((root / room).rglob("*.py"))]
    named = {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
    main = root / "__main__.py"
    return {**named, **({"__main__": main} if main.exists() else {})}


def imports(root: Path) -> Iterator[Import]:
    """Yield each import of each product module."""
    known = modules(root)
    for name, file in known.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node, at_load in _statements(tree, True):
            for imported in _named(node, package, known):
                yield Import(name, imported, node.lineno, at_load)


def _statements(node: ast.AST, at_load: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_load
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            yield from _statements(child, False)
        else:
            yield from _statements(child, at_load)


def _named(node: ast.Import | ast.ImportFrom, package: str, known: Mapping[str, Path]) -> Iterator[str]:
    """Full names of the modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
        return
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    for each in node.names:
        inner = f"{base}.{each.name}"
        yield inner if inner in known else base


def misdirected(found: Iterable[Import]) -> Iterator[str]:
    """Yield one line for each import that its room may not have."""
    for each in found:
        room, target = each.importer.split(".")[0], each.imported.split(".")[0]
        allowed = ROOMS[room]
        if target == room or (target in sys.stdlib_module_names and target not in ROOMS):
            continue
        if target in ROOMS or target == "tests":
            fine = any(each.imported == name or each.imported.startswith(f"{name}.") for name in allowed.rooms)
        else:
            fine = target in allowed.packages
        if not fine:
            may = ", ".join((*allowed.rooms, *allowed.packages)) or "the standard library alone"
            yield f"{each.importer}:{each.line} imports {each.imported}; {room} may import {may}"


def upwards(found: Iterable[Import]) -> Iterator[str]:
    """Yield one line for each import of a folder of core that is built on the importer's own."""
    for each in found:
        own, target = (".".join(name.split(".")[:2]) for name in (each.importer, each.imported))
        if own in FLOORS and target in FLOORS[FLOORS.index(own) + 1 :]:
            yield f"{each.importer}:{each.line} imports {each.imported}; {target} is built on {own}"


def circles(found: Iterable[Import]) -> list[list[str]]:
    """Groups of modules that import each other while they load, each sorted by name."""
    pairs = {(each.importer, each.imported) for each in found if each.at_load}
    edges: dict[str, set[str]] = {name: set() for name, _ in pairs}
    for importer, imported in pairs:
        # A module that imports nothing is in no circle.
        if imported in edges:
            edges[importer].add(imported)
    return _components(edges)


def _components(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Strongly connected parts of a graph with more than one node, or with an edge to itself."""
    reach = {name: _reachable(name, edges) for name in edges}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other])) for name in edges if name in reach[name]
    }
    return sorted(map(list, groups))


def _reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges[name]
    return seen
