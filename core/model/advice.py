"""What is not wrong in a stack file, and may not be meant: a plan shows it as warnings."""

from collections.abc import Iterator

from core.facts.cloudconfig import KEYS

from .faults import Fault, fault
from .platform import Platform


def advice(platform: Platform) -> Iterator[Fault]:
    """Each warning, in the form of a fault."""
    for name, vm in platform.vms.items():
        for key in vm.cloud_init:
            if key not in KEYS:
                yield fault(
                    ("vms", name, "cloud_init", key),
                    "is not a key of cloud-init itself",
                    "unless a module of the image reads it, cloud-init ignores it",
                    "check its spelling in cloud-init's documentation",
                )
