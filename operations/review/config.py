"""The config of a stack file with a stand-in for each encrypted value."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from core.credentials.hosts import HOSTS, host_of
from core.model import StackFileError, stackfile
from core.model.faults import fault
from core.model.stackfile import KEY

# Config of other namespaces configures plugins: a kubeconfig in it could name a command to run.
_NAMESPACE = "bedplate:"
# What a secret that is encrypted as a whole contains.
_PARTS = {"bedplate:matchbox": ("ca", "certificate", "key"), "bedplate:bmc": ("username", "password")}
_REGISTRIES = "bedplate:registries"


def without_secrets(document: Any, root: Path) -> dict[str, Any]:
    """The value of a stack file's `config`, under that key, without secrets. Other settings of the file are left out.

    root: the folder that paths under include: start from. Raises StackFileError for config that is not Bedplate's, and
    for an encrypted value in the platform.
    """
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        return {}
    if others := [key for key in config if not str(key).startswith(_NAMESPACE)]:
        raise _refused(
            f"the stack file has config for {', '.join(map(repr, others))}",
            "config of a plugin, such as a kubeconfig, could run a command on the computer that reviews it",
            f"leave only keys that start with {_NAMESPACE}",
        )
    if _is_encrypted(config.get(KEY)):
        raise _refused(
            "has an encrypted value",
            "it would leave in plain text, in a plan or on a machine",
            "write it in plain text, and passwords under bedplate:bmc, bedplate:registries or bedplate:matchbox",
        )
    used = _addresses(config.get(KEY), root)
    return {"config": {key: value if key == KEY else _open(value, key, used) for key, value in config.items()}}


def _is_encrypted(value: Any) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))


def _addresses(raw: Any, root: Path) -> Mapping[str, list[str]]:
    """The addresses that each secret is sent to, by the secret's key; none of a platform with faults."""
    try:
        platform = stackfile.assemble(raw, root=root, today=date.today())
    except StackFileError:
        return {}  # The program reports it.
    return {
        "bedplate:matchbox": [platform.boot.matchbox.endpoint] if platform.boot else [],
        "bedplate:bmc": [machine.bmc.url for machine in platform.machines.values() if machine.bmc],
        _REGISTRIES: list(platform.registries.auth),
    }


def _open(value: Any, path: str, used: Mapping[str, list[str]]) -> Any:
    """A secret of the stack with stand-ins; its hosts are those that the platform names."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return _whole(path, used)
        return {
            key: _hosts(path, used) if key == HOSTS else _open(part, f"{path}.{key}", used)
            for key, part in value.items()
        }
    return [_open(part, f"{path}[]", used) for part in value] if isinstance(value, list) else value


def _whole(path: str, used: Mapping[str, list[str]]) -> Any:
    """The stand-in for a value that is encrypted as a whole."""
    if path == _REGISTRIES:
        return {host: _login(f"{path}.{host}", _PARTS["bedplate:bmc"], used) for host in used.get(path, ())}
    return _login(path, _PARTS[path], used) if path in _PARTS else _text(path)


def _login(path: str, parts: tuple[str, ...], used: Mapping[str, list[str]]) -> dict[str, str]:
    return {**{part: _text(f"{path}.{part}") for part in parts}, HOSTS: _hosts(path, used)}


def _hosts(path: str, used: Mapping[str, list[str]]) -> str:
    kind = next((key for key in used if path.startswith(key)), "")
    return ", ".join(sorted({host_of(address) for address in used.get(kind, ())} - {""}))


def _text(path: str) -> str:
    return f"stand-in for {path}"


def _refused(what: str, why: str, instead: str) -> StackFileError:
    return StackFileError([fault((), what, why, instead)])
