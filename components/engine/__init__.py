"""What the program changes of Pulumi's SDK (3.255) and of Python's collector, one module for each change.

Every change of a function of the SDK is guarded by the source that it replaces (`guard.py`): where another SDK is
installed, and that source differs, the SDK stays as it is. The program is then slower or its last words are longer, but
its plans are the same.
"""

from . import cycles, ending, failures, logs, memory, order, positions, values, waiting


def prepare() -> None:
    """Apply every change for the rest of this process; a second call changes nothing."""
    waiting.install()
    logs.install()
    positions.install()
    values.install()
    cycles.install()
    memory.install()
    failures.install()
    ending.install()
    order.install()
