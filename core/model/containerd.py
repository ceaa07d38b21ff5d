"""Settings of containerd, which become one part of the configuration that Talos writes for it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from core.facts.containerd import LOOSE, OWNED, PLUGIN

from .faults import refuse
from .pattern import Pattern, Visible
from .types import ByName, sorted_deep

PluginName = Annotated[
    str,
    Pattern(
        PLUGIN,
        "a plugin of containerd with settings of its own",
        "other parts of containerd are configured by Talos",
        "write io.containerd.cri.v1.images, io.containerd.cri.v1.runtime, io.containerd.snapshotter.v1.NAME, "
        "io.containerd.transfer.v1.local or io.containerd.gc.v1.scheduler",
    ),
]
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/*-]{0,126}", re.ASCII)
_LARGEST = 2**63 - 1


def _settings(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value  # The model reports it.
    for path, setting in _leaves(value):
        name = ".".join(path)
        if bad := next((key for key in path if not _KEY.fullmatch(key)), None):
            refuse(
                f"{bad[:40]!r} is not the name of a setting",
                "containerd reads names of letters, digits and _ . : / * -",
                "write e.g. discard_unpacked_layers",
            )
        if owner := next((OWNED[key] for key in path if key in OWNED), None):
            refuse(f"{name} is set by {owner}", "containerd has one value of a setting", f"remove it, and use {owner}")
        if why := next((LOOSE[key] for key in path if key in LOOSE), None):
            refuse(f"{name} can't be set", why, "remove it")
        if not _is_plain(setting):
            refuse(
                f"{name} is not a setting",
                "containerd reads texts of one line, whole numbers, true, false, lists of texts, and mappings of those",
                "write e.g. discard_unpacked_layers: false",
            )
    return sorted_deep(value)


def _leaves(value: Mapping[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each setting that is no mapping: its keys from the plugin down, and its value."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, (*path, str(key)))
        else:
            yield (*path, str(key)), inner


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) and each.isprintable() for each in value)
    if isinstance(value, str):
        return value.isprintable()
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST)


Containerd = ByName[PluginName, Annotated[Mapping[str, Any], BeforeValidator(_settings), Visible]]
"""Plugin to its settings by name; a setting may be a mapping of settings."""
