"""Container applications."""

from .workload import Workload, WorkloadArgs

__all__ = ["Workload", "WorkloadArgs"]
