"""Every rule of the pack, in the order in which violations are shown."""

from . import (
    access,
    cilium,
    hygiene,
    kernel,
    kubevirt,
    objects,
    pods,
    talos,
    talos_flags,
    talos_secrets,
    virtual_machines,
)
from .rule import Rule

RULES: tuple[Rule, ...] = (
    *talos.RULES,
    *talos_secrets.RULES,
    *talos_flags.RULES,
    *kernel.RULES,
    *objects.RULES,
    *pods.RULES,
    *access.RULES,
    *cilium.RULES,
    *kubevirt.RULES,
    *virtual_machines.RULES,
    *hygiene.RULES,
)

__all__ = ["RULES", "Rule"]
