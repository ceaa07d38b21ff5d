"""A resource that failed is told in its own line, and keeps nobody but those that wait for it.

Where another resource takes what the failed one would have made, the SDK (3.255) raises a marker. It means to ignore
it, so that an update goes on with the others (`--continue-on-error`); yet the program ends there, with a stack, and
what it had not registered by then is left out: one bad machine would keep the rest of its rack off.

What waits for a failed resource is never registered; to the engine, a program that ends well without it has dropped
it, and with `--continue-on-error` it is deleted: all VMs, because the first control plane did not answer. So such a
program ends with an error, once all else is done: then nothing is deleted.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from pulumi.runtime import stack
from pulumi.runtime.rpc_manager import RPCManager

# What only passes on that something before it failed.
_PASSING = ("register resource", "register resource outputs", "read resource")
_do_rpc = RPCManager.do_rpc
_shut_down = getattr(stack, "_wait_for_shutdown", None)
_left_out: list[str] = []
# The code by which the language host knows that a person was told why (pulumi-language-python-exec).
_SAID = 32


class _Failed(pulumi.RunError):
    """The SDK's marker, as an error that the language host tells in one line wherever it still ends the program."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text}; what waits for it was not made; mend what its own line says, and run up again")


def _quietly(self: RPCManager, name: str, rpc: Callable[..., Awaitable[Any]]) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await rpc(*args, **kwargs)
        except _Failed:
            # Its own outputs carry the failure on; the engine has told it.
            _left_out.append(name)
            return None

    return _do_rpc(self, name, call if name in _PASSING else rpc)


async def _end() -> None:
    """After all that could be made: what was left out must not count as dropped."""
    if _left_out:
        print(
            "not all could be made, as its own lines say; what waits for it stays as it is, and nothing is deleted; mend that, and run up again",
            file=sys.stderr,
            flush=True,
        )
        raise SystemExit(_SAID)
    assert _shut_down is not None
    await _shut_down()


def tell_plainly() -> None:
    """For the rest of this program. Nothing is done where the SDK has no such marker."""
    if hasattr(stack, "ResourceRegistrationFailed"):
        stack.ResourceRegistrationFailed = _Failed
        RPCManager.do_rpc = _quietly  # type: ignore[method-assign]
        if _shut_down is not None:
            stack._wait_for_shutdown = _end
