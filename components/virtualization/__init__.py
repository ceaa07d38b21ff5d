"""KubeVirt and its virtual machines."""

from .kubevirt import KubeVirt
from .virtual_machine import Vm, VmArgs

__all__ = ["KubeVirt", "Vm", "VmArgs"]
