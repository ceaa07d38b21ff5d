"""A resource that failed is reported once, and blocks only the resources that depend on it.

Where an input of a resource comes from one that failed, the SDK (3.255) raises a marker exception. The SDK is meant
to ignore it, so that an update continues with other resources (`--continue-on-error`). Instead the program ends with a
Python traceback, and all resources that were not yet registered are left out: one bad machine would block its rack.

A resource that depends on a failed one is never registered. If the program then ended
successfully, the engine would conclude that the resource is no longer declared, and with `--continue-on-error` delete
it: every VM, because the first control plane did not answer. So the program ends with an error once everything else is
done, and nothing is deleted.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from pulumi.runtime import stack
from pulumi.runtime.rpc_manager import RPCManager

from .ending import SHOWN
from .guard import replace

# The calls that fail only because a resource before them failed.
_DEPENDENT = ("register resource", "register resource outputs", "read resource")
_do_rpc = RPCManager.do_rpc
_shut_down = getattr(stack, "_wait_for_shutdown", None)
_left_out: list[str] = []


class DependencyFailed(pulumi.RunError):
    """The SDK's marker, as an error that the language host shows in one line where it still ends the program."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text}; resources that depend on it were skipped; fix what the resource's own line reports, "
            "and run up again"
        )


def install() -> None:
    """Make the SDK ignore its marker; does nothing if the SDK has no marker."""
    if hasattr(stack, "ResourceRegistrationFailed"):
        replace(stack, "ResourceRegistrationFailed", DependencyFailed)
        replace(RPCManager, "do_rpc", _recording)
        if _shut_down is not None:
            replace(stack, "_wait_for_shutdown", _end)


def _recording(self: RPCManager, name: str, rpc: Callable[..., Awaitable[Any]]) -> Any:
    """The SDK's do_rpc, which records a call that a failed dependency made impossible instead of raising."""

    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await rpc(*args, **kwargs)
        except DependencyFailed:
            # The call's own outputs fail with it; the engine has reported the reason.
            _left_out.append(name)
            return None

    return _do_rpc(self, name, call if name in _DEPENDENT else rpc)


async def _end() -> None:
    """End with an error if a resource was left out, so that the engine does not take it as deleted."""
    if _left_out:
        print(
            "some resources failed, as their own lines report; resources that depend on them stay as they are, "
            "and nothing is deleted; fix the cause, and run up again",
            file=sys.stderr,
            flush=True,
        )
        raise SystemExit(SHOWN)
    assert _shut_down is not None
    await _shut_down()
