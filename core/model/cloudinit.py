"""Where a VM's cloud-init has a secret in plain text."""

from collections.abc import Iterator
from typing import Any

from core import standins
from core.facts import secret_looks
from core.facts.secret_places import texts

Path = tuple[str | int, ...]
_PASSWORD = "a password"
# What cloud-init takes for "make one up".
_RANDOM = frozenset({"R", "RANDOM"})


def secrets(config: Any) -> Iterator[tuple[Path, str]]:
    """Path and kind of each secret in a cloud-config, such as "a password".

    Source: cloud-init 24.1, config/schemas/schema-cloud-config-v1.json.
    """
    for path, text in _scalars(config):
        if standins.is_one(text):
            continue
        name = secret_looks.called(config, path)
        found = _listed(path, text) or _named(path, text) or secret_looks.kind_of_variable(name, text)
        if found:
            yield path, found


def _scalars(config: Any) -> Iterator[tuple[Path, str]]:
    """The texts, and numbers as text: YAML reads a password of digits as a number."""
    yield from texts(_as_text(config))


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _listed(path: Path, text: str) -> str | None:
    """The users with their passwords of chpasswd.list, one a line: NAME:PASSWORD."""
    if path[:2] != ("chpasswd", "list"):
        return None
    given = [line.partition(":")[2].strip() for line in text.splitlines() if ":" in line]
    return _PASSWORD if any(password and password not in _RANDOM for password in given) else None


def _named(path: Path, text: str) -> str | None:
    """A value whose key says that it is secret."""
    name = path[-1] if path else ""
    if not isinstance(name, str) or not secret_looks.is_secret_name(name) or secret_looks.is_plain(text):
        return None
    if secret_looks.kind_of(text) == "the hash of a password":
        return "the hash of a password"
    return _PASSWORD if "pass" in name.lower() else "a password or a key"
