"""KubeVirt and its virtual machines."""

from .beneath import Beneath, beneath
from .kubevirt import KubeVirt
from .virtual_machine import Vm, VmArgs

__all__ = ["Beneath", "KubeVirt", "Vm", "VmArgs", "beneath"]
