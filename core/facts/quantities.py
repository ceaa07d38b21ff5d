"""Kubernetes quantities in binary multiples, as stack files write memory and volume sizes."""

import re

# Source: Kubernetes documentation, "Resource Management for Pods and Containers": Mi, Gi and Ti are powers of 1024.
MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024**2}
"""Unit to MiB."""


def mebibytes(quantity: str) -> int:
    """The MiB of a quantity such as 512Mi, 4Gi or 1Ti. Raises KeyError for any other unit."""
    return int(quantity[:-2]) * MEBIBYTES[quantity[-2:]]


def millicpus(cpu: str) -> int:
    """The number of thousandths of a CPU: 2000 for 2, 50 for 50m."""
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000


# Source: Kubernetes, apimachinery, pkg/api/resource/suffix.go.
_SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}


def whole_bytes(quantity: object) -> int:
    """The bytes of a quantity as the API writes one, such as 20Gi or 22768240206. Raises ValueError for any other."""
    match = re.fullmatch(r"([0-9]{1,20})([kMGTP]i?|Ki)?", str(quantity))
    if match is None or match[2] == "ki":
        raise ValueError(f"{str(quantity)[:40]!a} is not a quantity of bytes")
    return int(match[1]) * _SUFFIXES.get(match[2] or "", 1)
