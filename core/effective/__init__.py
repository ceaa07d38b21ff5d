"""What each machine runs, computed from plain data alone.

A machine's config is what Talos' generator writes, with Bedplate's documents and the stack file's patches merged over
it. Talos adds flags, kubelet settings and kernel arguments of its own, which follow its release. Each value is kept
with its origin.
"""

from .machine import Effective, effective

__all__ = ["Effective", "effective"]
