"""containerd: what Bedplate needs and what the stack file sets, in one part of its configuration."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.containerd import PART
from core.model import MachineSpec, Platform

from .document import Document, by_documents, document

# Source: CDI's doc/block_cri_ownership_config.md.
_BLOCK_VOLUMES = {"io.containerd.cri.v1.runtime": {"device_ownership_from_security_context": True}}
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def containerd(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """The one part of a machine; a machine's settings override those of all machines."""
    plugins: dict[str, Any] = {}
    for layer in (
        _BLOCK_VOLUMES if platform.kubevirt and platform.talos.block_volumes else {},
        platform.talos.containerd,
        machine.containerd,
    ):
        plugins = _merged(plugins, layer)
    if not plugins:
        return
    text = toml({"plugins": plugins})
    if by_documents(platform):
        yield document("CRICustomizationConfig", name="bedplate", content=text)
    else:
        # Talos merges this file into its own, and knows only one of them.
        yield {"machine": {"files": [{"op": "create", "path": PART, "permissions": 0o644, "content": text}]}}


def toml(tables: Mapping[str, Any]) -> str:
    """A mapping of mappings as TOML: a table for each mapping with values of its own, in its order."""
    return "".join(f"{line}\n" for line in _lines((), tables))


def _lines(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if values or (path and not nested):
        yield f"[{'.'.join(map(_key, path))}]"
        # A JSON text, number, boolean or list of texts is one of TOML too.
        yield from (f"  {_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    for key, value in nested.items():
        yield from _lines((*path, key), value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], above[key])
        for key in below
        if isinstance(below[key], Mapping) and isinstance(above.get(key), Mapping)
    }
    return {**below, **above, **both}
