"""KubeVirt and its virtual machines."""

from .kubevirt import KubeVirt
from .virtual_machine import Beneath, Vm, VmArgs

__all__ = ["Beneath", "KubeVirt", "Vm", "VmArgs"]
