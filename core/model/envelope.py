"""What a stack file contains around the platform: its own keys, and the config of the program and of plugins."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from .faults import Fault, Place, sentence
from .platform import Platform
from .yamlfile import Document

NAMESPACE = "bedplate:"
KEY = f"{NAMESPACE}platform"
"""The key of a stack's config that contains the platform."""
SETTINGS = (KEY, *(f"{NAMESPACE}{kind}" for kind in ("matchbox", "bmc", "registries")))
"""All keys of a stack's config that the program reads."""
# Source: github.com/pulumi/pulumi sdk/go/common/workspace/project.go, ProjectStack.
OF_THE_ENGINE = ("config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment")
"""The keys of a stack file that the engine reads."""
# How alike two words are: below, one is not a misspelling of the other.
_NEAR = 0.75
_IGNORED = "nothing reads this key, so everything in it would silently be ignored"
_BENEATH = f"move it beneath config: {KEY}:, indented by two blanks more than that line"


def faults(document: Document) -> Iterator[Fault]:
    """What is wrong around the platform, or where it should be."""
    if document.version not in (None, (1, 1)):
        version = ".".join(map(str, document.version or ()))
        why = "the engine reads files of YAML 1.1 alone, and refuses this one"
        instead = "remove that line"
        yield _fault((), f"the file starts with %YAML {version}", why, instead, Place(document.name, 1, 1))
    if document.value is not None and not isinstance(document.value, Mapping):
        why, instead = "a stack file names its settings", f"write config: {{{KEY}: {{…}}}}"
        yield _fault((), "the file is not a mapping", why, instead, document.place(())[0])
        return
    keys = document.value or {}
    for key in keys:
        if key not in OF_THE_ENGINE:
            yield _fault((key,), "is not a key of a stack file", _IGNORED, _beside(key), document.place((key,))[0])
    config = keys.get("config")
    if config is not None and not isinstance(config, Mapping):
        at = document.place(("config",))[0]
        yield _fault(("config",), "is not a mapping", "its keys say what is set", f"write {KEY}: {{…}} beneath it", at)
        return
    strange = [*unknown_settings(config or {}), *_without_namespace(config or {})]
    yield from (replace(each, at=document.place(("config", *each.path))[0]) for each in strange)


def unknown_settings(keys: Iterable[str]) -> Iterator[Fault]:
    """The keys of a stack's config that are meant for the program, and that it does not read."""
    for key in keys:
        if key.startswith(NAMESPACE) and key not in SETTINGS:
            yield _fault((key,), "is not a setting of Bedplate", _IGNORED, _within(key.removeprefix(NAMESPACE)))


def _without_namespace(keys: Iterable[str]) -> Iterator[Fault]:
    why = "the engine refuses a key that does not name whom it is for"
    yield from (_fault((key,), "has no namespace", why, _within(key)) for key in keys if ":" not in key)


def config_of(value: Any) -> Mapping[str, Any]:
    """What a stack file has under `config:`; nothing where it has no mapping there."""
    config = value.get("config") if isinstance(value, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _sections() -> set[str]:
    return {field.alias or name for name, field in Platform.model_fields.items()}


def _beside(key: str) -> str:
    if key in SETTINGS:
        return "move it beneath config:, indented by two blanks more than that line"
    if key in _sections():
        return _BENEATH
    near = get_close_matches(key, OF_THE_ENGINE, n=1, cutoff=_NEAR)
    return f"did you mean {near[0]}?" if near else f"remove it; known keys here: {', '.join(OF_THE_ENGINE)}"


def _within(name: str) -> str:
    if name in _sections():
        return _BENEATH
    near = get_close_matches(name, [setting.removeprefix(NAMESPACE) for setting in SETTINGS], n=1)
    return f"did you mean {NAMESPACE}{near[0]}?" if near else f"remove it; known keys here: {', '.join(SETTINGS)}"


def _fault(path: tuple[str, ...], what: str, why: str, instead: str, at: Place | None = None) -> Fault:
    return Fault(path, sentence(what, why, instead), root="", at=at)
