"""A resource that failed is reported once, and blocks only the resources that depend on it.

Where an input of a resource comes from one that failed, the SDK (3.255) raises a marker. It means to ignore the marker,
so that an update continues with other resources (`--continue-on-error`). Instead the program ends there with a Python
stack, and what it had not registered by then is left out: one bad machine would block the rest of its rack.

A resource that depends on a failed one is never registered. The engine takes a program that ends successfully without
it as one that no longer declares it, and with `--continue-on-error` deletes it: every VM, because the first control
plane did not answer. So such a program ends with an error once everything else is done, and nothing is deleted.
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
            f"{text}; resources that depend on it were not made; fix what the resource's own line reports, "
            "and run up again"
        )


def install() -> None:
    """Ignore the marker as the SDK means to; nothing is done where the SDK has none."""
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
            "some resources were not made, as their own lines report; resources that depend on them stay as they are, "
            "and nothing is deleted; fix the cause, and run up again",
            file=sys.stderr,
            flush=True,
        )
        raise SystemExit(SHOWN)
    assert _shut_down is not None
    await _shut_down()
