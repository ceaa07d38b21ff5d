"""Kubernetes quantities in binary multiples, as stack files write memory and volume sizes."""

# Source: Kubernetes documentation, "Resource Management for Pods and Containers": Mi, Gi and Ti are powers of 1024.
MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024**2}
"""Unit to MiB."""


def mebibytes(quantity: str) -> int:
    """The MiB of a quantity such as 512Mi, 4Gi or 1Ti. Raises KeyError for any other unit."""
    return int(quantity[:-2]) * MEBIBYTES[quantity[-2:]]


def millicpus(cpu: str) -> int:
    """The number of thousandths of a CPU: 2000 for 2, 50 for 50m."""
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000
