"""Read `lock.toml`: every part, where it comes from and how it is pinned."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ToolchainError


@dataclass(frozen=True)
class Output:
    """One binary that a part yields, and how Go builds it."""

    name: str
    package: str
    ldflags: str = ""
    tags: str = ""
    cgo: bool = False


@dataclass(frozen=True)
class Copy:
    """A file that ships inside a pinned module and is used as it is."""

    name: str
    module: str
    path: str


@dataclass(frozen=True)
class Archive:
    """A folder that ships inside a pinned module, as one .tgz that holds the folder."""

    name: str
    module: str
    path: str


@dataclass(frozen=True)
class Compiled:
    """A program in C that ships as one file inside a pinned module."""

    name: str
    module: str
    path: str


@dataclass(frozen=True)
class Product:
    """A file that one of the part's own binaries prints."""

    name: str
    printed_by: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """The official archive of a part.

    An empty sha256 means that it is never downloaded. `checksums` is where the project publishes them: for a person who
    adds one, never for a program.
    """

    url: str
    checksums: str
    platforms: Mapping[str, str]
    sha256: Mapping[str, str]
    members: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """One thing the toolchain can set up."""

    name: str
    kind: str
    version: str
    folder: str
    outputs: tuple[Output, ...] = ()
    copies: tuple[Copy, ...] = ()
    archives: tuple[Archive, ...] = ()
    compiled: tuple[Compiled, ...] = ()
    products: tuple[Product, ...] = ()
    generate: str = ""
    plugin: str = ""
    beside: str = ""
    ask: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    wheels: Mapping[str, str] = field(default_factory=dict)
    suites: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    kernel: str = ""
    yields: tuple[str, ...] = ()
    release: Release | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all that the part yields."""
        named: tuple[Output | Copy | Archive | Compiled | Product, ...] = (
            *self.outputs,
            *self.copies,
            *self.archives,
            *self.compiled,
            *self.products,
        )
        return (*(each.name for each in named), *self.yields)


@dataclass(frozen=True)
class Lock:
    """All parts by name, and the named sets of them."""

    parts: Mapping[str, Part]
    sets: Mapping[str, tuple[str, ...]]

    def select(self, names: Iterable[str]) -> list[Part]:
        """The parts behind names of sets, parts or outputs, in the lock's order.

        Raises ToolchainError for a name that is none of these.
        """
        wanted: set[str] = set()
        for name in names:
            wanted |= self._parts_of(name)
        return [part for part in self.parts.values() if part.name in wanted]

    def _parts_of(self, name: str) -> set[str]:
        if name in self.sets:
            return set().union(*(self._parts_of(each) for each in self.sets[name]))
        if name in self.parts:
            return {name}
        owners = {part.name for part in self.parts.values() if name in part.files}
        if owners:
            return owners
        known = sorted({*self.sets, *self.parts})
        raise ToolchainError(f"toolchain: {name!r} is not a known part or set; known are {', '.join(known)}")


def load(path: Path) -> Lock:
    """Read a lock file. Raises ToolchainError when a fact is missing or of the wrong kind."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise ToolchainError(f"{path}: {fault}") from None
    sets = {name: tuple(parts) for name, parts in document.pop("sets", {}).items()}
    parts = {}
    for name, facts in document.items():
        try:
            parts[name] = _part(name, facts)
        except (KeyError, TypeError) as fault:
            raise ToolchainError(f"{path}: part {name}: {fault}") from None
    return Lock(parts, sets)


def _part(name: str, raw: Mapping[str, Any]) -> Part:
    facts = dict(raw)
    release = facts.pop("release", None)
    return Part(
        name=name,
        kind=facts.pop("kind"),
        version=facts.pop("version", ""),
        folder=facts.pop("folder", name),
        outputs=tuple(Output(n, **o) for n, o in facts.pop("outputs", {}).items()),
        copies=tuple(Copy(n, **c) for n, c in facts.pop("copies", {}).items()),
        archives=tuple(Archive(n, **a) for n, a in facts.pop("archives", {}).items()),
        compiled=tuple(Compiled(n, **c) for n, c in facts.pop("compiled", {}).items()),
        products=tuple(
            Product(n, p["printed_by"], tuple(p.get("arguments", ()))) for n, p in facts.pop("products", {}).items()
        ),
        ask=tuple(facts.pop("ask", ())),
        suites=tuple(facts.pop("suites", ())),
        packages=tuple(facts.pop("packages", ())),
        yields=tuple(facts.pop("yields", ())),
        release=Release(**release) if release else None,
        raw=raw,
        **facts,
    )
