"""KubeVirt and its virtual machines."""

from .kubevirt import KubeVirt, KubeVirtArgs
from .virtual_machine import Vm, VmArgs, VmNamespace, VmNamespaceArgs

__all__ = ["KubeVirt", "KubeVirtArgs", "Vm", "VmArgs", "VmNamespace", "VmNamespaceArgs"]
