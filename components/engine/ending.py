"""If the engine ends before the program, the program exits without printing anything.

An engine that ends, because a check failed or a user interrupted it, closes its connection to the program. Pending
calls then fail in one of many ways, and the SDK would print each failure as a Python traceback beside the engine's own
message, which already gives the reason. So such a failure becomes `EngineEnded`, and the program exits without output.

A call fails in the same ways if a plugin crashed. The difference is that the engine then still answers.
"""

import importlib
import re
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pulumi
from pulumi import log
from pulumi.runtime import settings, stack
from pulumi.runtime.proto import resource_pb2

from .guard import replace

# The exit code by which the language host knows that the user has been shown the reason.
# Source: pulumi-language-python-exec 3.255.
SHOWN = 32
_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
# Only an engine that ends causes these texts: it has closed its connection to a plugin, or accepts no more calls.
_END = re.compile("client connection is closing|resource monitor shut down")
# A failure of a plugin may contain these texts too, because the engine passes on the plugin's error code.
_MAYBE_END = re.compile("code = (Canceled|Unavailable)|context canceled|transport is closing")
# An engine that ends closes its plugins first, and refuses calls only a moment later.
PROBES, PROBE_SECONDS = 20, 0.1


class EngineEnded(pulumi.RunError):
    """A call to the engine failed because the engine ended."""


def install() -> None:
    """Make every call to the engine distinguish the engine's end from other failures. A second call does nothing."""
    if getattr(stack.wait_for_rpcs, "ends_silently", False):
        return
    # Imported by name, because the attribute `invoke` of pulumi.runtime is a function and not this module.
    invoke = importlib.import_module("pulumi.runtime.invoke")
    convert = _telling(settings.grpc_error_to_exception)
    replace(settings, "grpc_error_to_exception", convert)
    replace(invoke, "grpc_error_to_exception", convert)
    replace(log, "_log", _unless_ended(log._log))
    replace(stack, "wait_for_rpcs", _silently(stack.wait_for_rpcs))
    sys.excepthook = _unless_interrupted(sys.excepthook)


def _telling(convert: Callable[[grpc.RpcError], Exception]) -> Callable[[grpc.RpcError], Exception]:
    def converted(error: grpc.RpcError) -> Exception:
        if _is_end(error):
            # Raised and not returned, because an invoke would wrap a returned error in another one.
            raise EngineEnded("the engine ended before it answered") from None
        return convert(error)

    return converted


def _unless_ended(send: Callable[..., None]) -> Callable[..., None]:
    def sent(*arguments: Any, **options: Any) -> None:
        try:
            send(*arguments, **options)
        except grpc.RpcError as error:
            # The engine has ended, so it can show neither the message nor the failure to send it.
            if error.code() not in _CODES:
                raise

    return sent


def _unless_interrupted(show: Callable[..., Any]) -> Callable[..., Any]:
    def shown(kind: type[BaseException], *details: Any) -> None:
        # The engine interrupts a program that does not end soon enough; Python would print a traceback for that.
        if not issubclass(kind, KeyboardInterrupt):
            show(kind, *details)

    return shown


def _silently(wait: Callable[[bool], Awaitable[None]]) -> Callable[[bool], Awaitable[None]]:
    async def wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
        try:
            await wait(await_all_outstanding_tasks)
        except Exception as error:
            if _comes_from_end(error):
                raise SystemExit(SHOWN) from None
            raise

    replace(wait_for_rpcs, "ends_silently", True)
    return wait_for_rpcs


def _comes_from_end(error: BaseException) -> bool:
    # Only the direct cause is read, because the SDK raises the first failure from itself: the chain has no end.
    return isinstance(error, EngineEnded) or isinstance(error.__cause__, EngineEnded)


def _is_end(error: grpc.RpcError) -> bool:
    text = error.details() or ""
    if _END.search(text):
        return True
    return bool(error.code() in _CODES or _MAYBE_END.search(text)) and _ended()


def _ended() -> bool:
    """Whether the engine takes no more calls, now or in a moment."""
    monitor = settings.get_monitor()
    if monitor is None:
        return False
    for _ in range(PROBES):
        try:
            monitor.SupportsFeature(resource_pb2.SupportsFeatureRequest(id="secrets"))
        except grpc.RpcError as error:
            return error.code() in _CODES
        time.sleep(PROBE_SECONDS)
    return False
