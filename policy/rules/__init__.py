"""Every rule of the pack, in the order in which violations are shown."""

from . import (
    bindings,
    boot_script,
    charts,
    cilium,
    flags_api_server,
    flags_control_plane,
    flags_kubelet,
    folders,
    hygiene,
    kernel,
    kubevirt,
    objects,
    pod_contents,
    pod_isolation,
    pod_privileges,
    roles,
    talos,
    talos_api_server,
    talos_kubelet,
    talos_secrets,
    talos_services,
    virtual_machines,
)
from .rule import Rule

RULES: tuple[Rule, ...] = (
    *talos.RULES,
    *talos_api_server.RULES,
    *talos_kubelet.RULES,
    *talos_services.RULES,
    *talos_secrets.RULES,
    *flags_api_server.RULES,
    *flags_control_plane.RULES,
    *flags_kubelet.RULES,
    *kernel.RULES,
    *boot_script.RULES,
    *objects.RULES,
    *pod_isolation.RULES,
    *pod_privileges.RULES,
    *pod_contents.RULES,
    *roles.RULES,
    *bindings.RULES,
    *charts.RULES,
    *cilium.RULES,
    *kubevirt.RULES,
    *virtual_machines.RULES,
    *folders.RULES,
    *hygiene.RULES,
)

__all__ = ["RULES", "Rule"]
