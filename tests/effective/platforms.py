"""Platforms for tests of the effective configuration: those of the repository, with patches."""

from collections.abc import Sequence
from typing import Any

from core.model import Platform, parse
from tests.conftest import stack_platform
from tests.machineconfig.contracts import at


def patched(
    *patches: dict[str, Any],
    contract: str = "v1.12",
    stack: str = "prod",
    own: dict[str, Sequence[dict[str, Any]]] | None = None,
    **talos: Any,
) -> Platform:
    """A stack's platform in a contract, with patches for all machines, and of machines by their names."""
    raw = stack_platform(stack)
    raw["talos"] |= talos
    raw["talos"].pop("patches", None)
    platform = at(contract, parse(raw))
    machines = {
        name: spec.model_copy(update={"patches": tuple((own or {}).get(name, ()))})
        for name, spec in platform.machines.items()
    }
    # Put in afterwards: the loader would refuse some of them before.
    shared = platform.talos.model_copy(update={"patches": patches})
    return platform.model_copy(update={"machines": machines, "talos": shared})


def document(kind: str, **fields: Any) -> dict[str, Any]:
    """A document of a kind, as a patch writes it."""
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


DELETE = {"$patch": "delete"}
