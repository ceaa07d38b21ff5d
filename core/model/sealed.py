"""Encrypted values of the platform: where they stand, and what stands for them in everything that is plain.

In a stack file, an encrypted value is a mapping {secure: TEXT}. The engine hands the program its plain text, so only
the file says which values are secret. From here on, the platform contains stand-ins alone, with the engine and
without it, and the secrets are beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core import standins
from core.facts import secret_forms
from core.facts.secret_places import texts

from .faults import Fault, fault, sentence
from .places import at, document_of
from .setting import Path, command, property_path
from .yamlbounds import MOST_LEVELS

SECURE = "secure"


@dataclass(frozen=True)
class Sealed:
    """A platform with stand-ins, and what they stand for."""

    platform: Any
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret; empty where the secrets are not known."""
    faults: tuple[Fault, ...] = ()
    """What is wrong with encrypted values, wherever they stand."""


def is_encrypted(value: Any) -> bool:
    """Whether a value of a stack file is an encrypted one."""
    return isinstance(value, Mapping) and set(value) == {SECURE} and isinstance(value[SECURE], str)


def encrypted(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and encrypted text of each encrypted value."""
    if is_encrypted(value):
        yield path, value[SECURE]
    elif len(path) > MOST_LEVELS:
        return  # The loader refuses it.
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from encrypted(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from encrypted(inner, (*path, index))


def without_secrets(platform: Any, config: Mapping[str, Any]) -> Sealed:
    """The platform of a stack file with a stand-in for each encrypted value.

    config: what the file has under `config:`.
    """
    places = dict(encrypted(platform))
    return Sealed(_closed(platform, places) if places else platform, faults=(*_own_faults(platform, config),))


def sealed(platform: Any, config: Mapping[str, Any], key: str) -> Sealed:
    """The platform that the engine hands to the program, with a stand-in for each value that the file has encrypted.

    config: what the stack file has under `config:`. key: the platform's key there.
    """
    written = config.get(key)
    places = dict(encrypted(written))
    secrets, faults = {}, [*_own_faults(written, config)]
    for path, text in places.items():
        value = at(platform, path)
        if not isinstance(value, str):
            faults.append(_not_as_written(path))
        elif problem := secret_forms.problem(*document_of(written, path), value):
            faults.append(_unfit(path, problem))
        secrets[standins.of(text)] = str(value)
    if () in places:
        return Sealed(None, faults=tuple(faults))
    return Sealed(_closed(platform, places) if places else platform, secrets, tuple(faults))


def made_up(platform: Any) -> Any:
    """The platform of a stack file with a made-up text for each encrypted value, which its place can hold."""
    places = {path: f"stand-in for bedplate:platform{property_path(path)}" for path, _ in encrypted(platform)}
    texts = {path: secret_forms.made_up(*document_of(platform, path), text) for path, text in places.items()}
    return _with(platform, texts) if texts else platform


def judgeable(kind: str, document: Any) -> Any:
    """A document of machine config with made-up texts for its stand-ins, so that Talos' validation can judge it."""
    found = {path: text for path, text in texts(document) if standins.is_one(text)}
    made = {path: secret_forms.made_up(kind, path, text) for path, text in found.items()}
    return _with(document, made) if made else document


def names(path: Path) -> tuple[str, ...]:
    """The path as faults have it."""
    return tuple(map(str, path))


def included_faults(part: Any) -> Iterator[Fault]:
    """What is wrong with a file that the stack file includes: the engine decrypts nothing in it."""
    for path, _ in encrypted(part):
        why = "the engine decrypts the stack file alone"
        instead = f"move the entry to the stack file, and encrypt the value there: {command(path)}"
        yield fault(names(path), "is encrypted in an included file", why, instead)
    yield from _forged(part)


def _own_faults(platform: Any, config: Mapping[str, Any]) -> Iterator[Fault]:
    """Encrypted texts that stand in a second place, and plain text that looks like a stand-in.

    An encrypted text is not bound to its place: who can't read a password could copy it to where it gets out.
    """
    yield from _forged(platform)
    rest = [value for value in config.values() if value is not platform]
    others = {standins.identity(text) for value in rest for _, text in encrypted(value)}
    seen: dict[str, Path] = {}
    for path, text in encrypted(platform):
        if not path:
            yield _whole()
        elif standins.identity(text) in others:
            yield _copied(path, "of a credential of the stack")
        elif (first := seen.setdefault(standins.of(text), path)) is not path:
            yield _copied(path, f"of platform{property_path(first)}")


def _forged(platform: Any) -> Iterator[Fault]:
    for path, text in texts(platform):
        if standins.is_one(text):
            why = "it would be taken for a secret of another place"
            yield fault(names(path), "is a text like a stand-in", why, "write another text")


def _whole() -> Fault:
    text = sentence(
        "is encrypted as a whole",
        "people review the platform, and policies judge it",
        "write it in plain text, and encrypt single values: ./bedplate pulumi config set --path --secret",
    )
    return Fault(("bedplate:platform",), text, root="")


def _copied(path: Path, whose: str) -> Fault:
    return fault(
        names(path),
        f"has the encrypted text {whose}",
        "an encrypted text can be copied to another key by someone who can't read it",
        f"encrypt the value again for this place: {command(path)}",
    )


def _not_as_written(path: Path) -> Fault:
    return fault(
        names(path),
        "is encrypted in the stack file, and the engine has no text for it",
        "without the text nothing can be sent to its place",
        f"encrypt it again: {command(path)}",
    )


def _unfit(path: Path, problem: str) -> Fault:
    what, why = problem.split("; ", 1)
    return fault(names(path), f"holds a secret that {what}", why, f"encrypt another one: {command(path)}")


def _closed(value: Any, places: Mapping[Path, str]) -> Any:
    """The value with stand-ins at the places of encrypted texts."""
    return _with(value, {path: standins.of(text) for path, text in places.items()})


def _with(value: Any, texts: Mapping[Path, str]) -> Any:
    """The value with other texts at these places, of which each is in it."""
    if () in texts:
        return texts[()]
    below: dict[str | int, dict[Path, str]] = {}
    for path, text in texts.items():
        below.setdefault(path[0], {})[path[1:]] = text
    if isinstance(value, Mapping):
        return {key: _with(inner, below[str(key)]) if str(key) in below else inner for key, inner in value.items()}
    return [_with(inner, below[index]) if index in below else inner for index, inner in enumerate(value)]
