"""How a stack file stores the credentials of the stack: which parts they have, and that their secrets are encrypted.

A value that is encrypted is {secure: TEXT} in the file. Where a whole credential is encrypted, only the program sees
its parts, and no message says how they are called.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from core.credentials.hosts import HOSTS

from .faults import sentence
from .sealed import is_encrypted
from .setting import STACK, property_path

Path = tuple[str, ...]
_LOGIN = ("username", "password", HOSTS)
_MACHINES = "machines"
_PARTS: Mapping[str, tuple[str, ...]] = {
    "matchbox": ("ca", "certificate", "key", HOSTS),
    "bmc": (*_LOGIN, _MACHINES),
    "registries": (),
}
KINDS = tuple(_PARTS)
"""The credentials of a stack, by their keys after the project's name."""
# The parts that must be encrypted. A user name and a certificate may be plain text.
_SECRET = frozenset(("password", "key", HOSTS))
_HOSTS_WHY = "a person who edits an address in that file could edit the hosts too, and would get the password"
_WHY = "whoever reads the file has it"


def faults(config: Mapping[str, Any], project: str = "bedplate", stack: str = STACK) -> Iterator[tuple[Path, str]]:
    """Path and message of each fault of the credentials in a stack file.

    config: what the file has under `config:`. The path's first key is a kind with its project, such as bedplate:bmc.
    """
    for key, value in config.items():
        # The engine reads bedplate:config:bmc as bedplate:bmc.
        namespace, _, kind = str(key).rpartition(":")
        if kind in _PARTS and namespace.partition(":")[0] == project:
            stored = _Stored(f"{project}:{kind}", kind, stack)
            yield from ((fault.path, fault.text) for fault in stored.faults(value))


def hidden_faults(kind: str, value: Any, project: str, stack: str) -> Iterator[tuple[Path, str]]:
    """The faults of a credential that was encrypted as a whole, decrypted. No message contains anything of it."""
    stored = _Stored(f"{project}:{kind}", kind, stack)
    found = [fault for fault in stored.faults(value) if not fault.in_plain_text]
    yield from sorted({((stored.root,), sentence(fault.hidden, fault.why, stored.afresh())) for fault in found})


@dataclass(frozen=True)
class _Fault:
    path: Path
    what: str
    why: str
    instead: str
    hidden: str = "has another shape than a credential"
    """What is wrong, without a word of the credential."""
    in_plain_text: bool = False

    @property
    def text(self) -> str:
        return sentence(self.what, self.why, self.instead)


@dataclass(frozen=True)
class _Stored:
    """One credential of a stack file, and what is said of it."""

    root: str
    """Its key, such as bedplate:bmc."""
    kind: str
    stack: str

    def faults(self, value: Any) -> Iterator[_Fault]:
        if is_encrypted(value) or value is None:
            return
        if isinstance(value, str):
            value = _json(value)
        if not isinstance(value, Mapping):
            what, why = "is not a mapping", f"a credential consists of {_and(_PARTS[self.kind] or _LOGIN)}"
            yield _Fault((self.root,), what, why, self.afresh(), hidden=what)
        elif self.kind == "registries":
            yield from self._each((self.root,), value)
        else:
            yield from self._login((self.root,), value, _PARTS[self.kind])

    def afresh(self) -> str:
        """How to set a credential again whose shape is wrong."""
        parts = _PARTS[self.kind] or _LOGIN
        first = (self.root, "HOST", parts[0]) if self.kind == "registries" else (self.root, parts[0])
        return (
            f"remove it with: ./bedplate pulumi config rm {self.root} --stack {self.stack}; then set each part by its "
            f"path, such as: {self._command(first)}"
        )

    def _each(self, path: Path, logins: Mapping[str, Any]) -> Iterator[_Fault]:
        for name, login in logins.items():
            yield from self._login((*path, str(name)), login, _LOGIN)

    def _login(self, path: Path, login: Any, parts: tuple[str, ...]) -> Iterator[_Fault]:
        if is_encrypted(login) or login is None:
            return
        if not isinstance(login, Mapping):
            why = f"a login consists of {_and(parts)}"
            yield _Fault(
                path, "is not a mapping", why, f"remove it, and set each part: {self._command((*path, parts[0]))}"
            )
            return
        for part, value in login.items():
            yield from self._part((*path, str(part)), value, parts)

    def _part(self, path: Path, value: Any, parts: tuple[str, ...]) -> Iterator[_Fault]:
        part = path[-1]
        if part not in parts:
            yield self._unknown(path, parts)
        elif part == _MACHINES and isinstance(value, Mapping) and not is_encrypted(value):
            yield from self._each(path, value)
        elif value is not None and not _is_text(value, lists=part == HOSTS) and not is_encrypted(value):
            why = "the parts of a login are sent as text"
            yield _Fault(
                path, "is not text", why, f"set it again: {self._command(path)}", hidden="has a part without text"
            )
        elif part in _SECRET and value is not None and not _encrypted(value):
            yield self._plain(path)

    def _plain(self, path: Path) -> _Fault:
        is_hosts = path[-1] == HOSTS
        what, command = (
            f"is plain text in Pulumi.{self.stack}.yaml",
            self._command(path, " 'HOSTS'" if is_hosts else ""),
        )
        return _Fault(path, what, _HOSTS_WHY if is_hosts else _WHY, f"encrypt it: {command}", in_plain_text=True)

    def _unknown(self, path: Path, parts: tuple[str, ...]) -> _Fault:
        near = get_close_matches(path[-1], parts, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? Set it with: {self._command((*path[:-1], near[0]))}" if near else ""
        return _Fault(
            path,
            "is not a part of a credential",
            "it would silently not be used",
            meant or f"remove it; known parts: {', '.join(parts)}",
            hidden=f"has a key that is none of {', '.join(parts)}",
        )

    def _command(self, path: Path, value: str = "") -> str:
        """The command that sets a part; without a value, it reads the value from stdin."""
        keys = property_path(path[1:])
        return f"./bedplate pulumi config set --secret --path '{path[0]}{keys}'{value} --stack {self.stack}"


def _and(parts: tuple[str, ...]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _is_text(value: Any, *, lists: bool) -> bool:
    """Whether a part is text, or a list of texts; a password of digits is a number in YAML."""
    if lists and isinstance(value, list):
        return all(is_encrypted(each) or _is_text(each, lists=False) for each in value)
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _encrypted(value: Any) -> bool:
    return is_encrypted(value) or (isinstance(value, list) and bool(value) and all(map(is_encrypted, value)))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
