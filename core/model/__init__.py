"""The typed model of one platform: what a stack file says, parsed once. No Pulumi in here."""

from .faults import Fault, Refused
from .include import included
from .load import parse
from .model import Machine, Matchbox, Platform, VirtualMachine, Workload

__all__ = ["Fault", "Machine", "Matchbox", "Platform", "Refused", "VirtualMachine", "Workload", "included", "parse"]
