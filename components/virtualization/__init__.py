"""KubeVirt and its virtual machines."""

from .kubevirt import KubeVirt, KubeVirtArgs
from .virtual_machine import Vm, VmArgs

__all__ = ["KubeVirt", "KubeVirtArgs", "Vm", "VmArgs"]
