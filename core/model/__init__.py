"""The typed model of one platform: what a stack file says, parsed once. No Pulumi in here."""

from .faults import Fault, StackFileError
from .include import included
from .load import parse
from .model import MachineSpec, MatchboxSpec, Platform, VirtualMachineSpec, WorkloadSpec

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
]
