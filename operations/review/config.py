"""The config of a stack file with a stand-in for each encrypted value."""

from collections.abc import Mapping
from typing import Any

from core.loading.stackfile import KEY
from core.model import StackFileError, sealed
from core.model.faults import fault

# Config of other namespaces configures plugins: a kubeconfig in it could name a command to run.
_NAMESPACE = "bedplate:"
# What a secret that is encrypted as a whole contains.
_PARTS = {"bedplate:matchbox": ("ca", "certificate", "key"), "bedplate:bmc": ("username", "password")}
_REGISTRIES = "bedplate:registries"


def without_secrets(document: Any) -> dict[str, Any]:
    """The value of a stack file's `config`, under that key, without secrets. Other settings of the file are left out.

    The hosts of a secret are secret too, and the program compares no address with a stand-in. Raises StackFileError for
    config that is not Bedplate's.
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
    hosts = _registries(config.get(KEY))
    opened = {key: _open(value, key, hosts) for key, value in config.items() if key != KEY}
    return {"config": opened | ({KEY: sealed.made_up(config[KEY])} if KEY in config else {})}


def _registries(platform: Any) -> list[str]:
    """The registries whose logins the platform needs."""
    registries = platform.get("registries") if isinstance(platform, Mapping) else None
    hosts = registries.get("auth") if isinstance(registries, Mapping) else None
    return [host for host in hosts if isinstance(host, str)] if isinstance(hosts, list) else []


def _open(value: Any, path: str, registries: list[str]) -> Any:
    """A secret of the stack with stand-ins."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return _whole(path, registries)
        return {key: _open(part, f"{path}.{key}", registries) for key, part in value.items()}
    return [_open(part, f"{path}[]", registries) for part in value] if isinstance(value, list) else value


def _whole(path: str, registries: list[str]) -> Any:
    """The stand-in for a value that is encrypted as a whole."""
    if path == _REGISTRIES:
        return {host: _login(f"{path}.{host}", _PARTS["bedplate:bmc"]) for host in registries}
    return _login(path, _PARTS[path]) if path in _PARTS else _text(path)


def _login(path: str, parts: tuple[str, ...]) -> dict[str, str]:
    return {part: _text(f"{path}.{part}") for part in parts}


def _text(path: str) -> str:
    return f"stand-in for {path}"


def _refused(what: str, why: str, instead: str) -> StackFileError:
    return StackFileError([fault((), what, why, instead)])
