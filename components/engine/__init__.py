"""What the program changes of Pulumi's SDK (3.255) and of Python's collector, one module for each change.

The changes that only save time (`waiting`, `logs`, `positions`, `values`, `cycles`) are guarded by the source that they
replace (`guard.py`): where another SDK is installed, and that source differs, the SDK stays as it is and the program is
slower. `core/memory.py` changes nothing of the SDK.

`failures`, `ending` and `order` have no such guard, because they wrap the SDK's functions and don't copy them:
tests/program/test_sdk.py and tests/engine fail where another SDK behaves differently.
"""

from core import memory

from . import cycles, ending, failures, logs, order, positions, values, waiting


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
