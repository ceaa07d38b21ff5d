"""What a change of the stack file does to running virtual machines, as KubeVirt itself decides it."""

from .disks import Disk
from .drains import Held, drains
from .hypervisor import Hypervisor
from .machine import change
from .verdict import Cause, Effect, Verdict

__all__ = ["Cause", "Disk", "Effect", "Held", "Hypervisor", "Verdict", "change", "drains"]
