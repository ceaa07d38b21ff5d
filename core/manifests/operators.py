"""Operators' own manifests, which toolchain/ generates from their Go modules, as objects."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

# libyaml, if the wheel has it: ten times as fast on a manifest of this size.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def path(file: str) -> Path:
    """The file that holds an operator's manifest."""
    return Path(__file__).parent / "upstream" / file


@cache
def objects(file: str) -> tuple[dict[str, Any], ...]:
    """Every object of an operator's manifest, in the manifest's order. They are shared: change a copy."""
    with path(file).open(encoding="utf-8") as opened:
        return tuple(document for document in yaml.load_all(opened, _Loader) if document)


def namespace(name: str, label: str, enforce: Literal["privileged", "restricted"]) -> dict[str, Any]:
    """The manifest of an operator's namespace, which the generators leave out: its label and pod security profile."""
    labels = {label: "", "pod-security.kubernetes.io/enforce": enforce}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
