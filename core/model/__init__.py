"""The typed model of one platform: a stack file, parsed once."""

from . import sealed, setting, stored
from .boot import MatchboxSpec
from .faults import Fault, StackFileError
from .include import included
from .load import parse
from .machine import MachineSpec
from .platform import Platform
from .virtualization import VirtualMachineSpec
from .workloads import WorkloadSpec

__all__ = [
    "Fault",
    "MachineSpec",
    "MatchboxSpec",
    "Platform",
    "StackFileError",
    "VirtualMachineSpec",
    "WorkloadSpec",
    "included",
    "parse",
    "sealed",
    "setting",
    "stored",
]
