"""What the program changes of Pulumi's SDK (3.255), one module for each change.

The changes that only save time (`waiting`, `logs`, `positions`) are guarded by the source that they replace
(`guard.py`): where another SDK is installed, and that source differs, the SDK stays as it is and the program is slower.

`failures`, `ending` and `order` have no such guard, because they wrap the SDK's functions and don't copy them:
tests/program/test_sdk.py and tests/engine fail where another SDK behaves differently.
"""

from . import ending, failures, logs, order, positions, waiting


def prepare() -> None:
    """Apply every change for the rest of this process; a second call changes nothing."""
    waiting.install()
    logs.install()
    positions.install()
    failures.install()
    ending.install()
    order.install()
