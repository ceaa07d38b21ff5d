"""Amounts of memory, of storage and of CPU, each within what a machine or a guest can have."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from core.facts.quantities import mebibytes, millicpus

from .faults import refuse
from .pattern import Pattern

_TYPED = "no machine has that much, so this is a typing mistake"
# Source: Linux documentation, arch/x86/x86_64/5level-paging: 64 TiB with four levels of page tables.
MOST_MEMORY = "64Ti"
"""The most memory that the machines of a platform have."""
# Source: the largest disks of 2026 have 250 TB; a machine has a few dozen.
MOST_STORAGE = "4096Ti"
"""The most storage that a machine has."""
# Source: Linux documentation, CONFIG_NR_CPUS: 8192 at most, 4096 on arm64.
MOST_CPUS = 4096
"""The most CPUs that a machine has."""
# Source: the kernel of the smallest distributions with its initramfs; KubeVirt's own tests use 64Mi and more.
LEAST_GUEST = "32Mi"
"""The least memory that a guest starts in."""


def _at_most(value: str, most: str, why: str) -> str:
    if mebibytes(value) > mebibytes(most):
        refuse(f"{_short(value)} is more than {most}", why, f"write at most {most}")
    return value


def _at_least(value: str, least: str, why: str) -> str:
    if mebibytes(value) < mebibytes(least):
        refuse(f"{_short(value)} is less than {least}", why, f"write at least {least}, e.g. 2Gi")
    return value


def _cpus(value: str) -> str:
    if millicpus(value) > MOST_CPUS * 1000:
        refuse(f"{_short(value)} is more than {MOST_CPUS} CPUs", _TYPED, "write a number of CPUs, e.g. 2, or 50m")
    return value


def _short(value: str) -> str:
    return value if len(value) <= 20 else "this amount"


_Size = Annotated[
    str,
    Pattern(
        r"[1-9]\d*(Mi|Gi|Ti)",
        "a size",
        "sizes are binary multiples, so that 4Gi of memory means the same on every layer",
        "write e.g. 512Mi or 4Gi",
    ),
]
_StorageSize = Annotated[
    str,
    Pattern(
        r"[1-9]\d*(Mi|Gi|Ti)",
        "a size",
        "volumes and file systems count in binary multiples, and 20GB would be less than 20Gi",
        "write e.g. 20Gi or 1Ti",
    ),
]
Quantity = Annotated[_StorageSize, AfterValidator(partial(_at_most, most=MOST_STORAGE, why=_TYPED))]
Memory = Annotated[_Size, AfterValidator(partial(_at_most, most=MOST_MEMORY, why=_TYPED))]
GuestMemory = Annotated[
    Memory, AfterValidator(partial(_at_least, least=LEAST_GUEST, why="no operating system starts in it"))
]
CpuQuantity = Annotated[
    str,
    Pattern(
        r"[1-9]\d*m?",
        "an amount of CPU",
        "Kubernetes counts whole CPUs or thousandths of one",
        "write e.g. 2 or 50m",
    ),
    AfterValidator(_cpus),
]
