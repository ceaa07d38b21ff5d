"""Wait for the program's calls and outputs in one pass.

The SDK's `wait_for_rpcs` copies every pending output, waits for the first of them, puts the others back and starts
again: with N outputs it adds callbacks N times to up to N outputs. For 100 machines and 1,000 VMs that was half of a
plan's time. Here each output gets one callback, so the time grows with N.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from pulumi.runtime import stack
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS

from .guard import is_source, replace

# SHA-256 of the source of pulumi.runtime.stack.wait_for_rpcs in 3.255.
REPLACES = "c92289a2f839f5221a4068c262a706a05ce2af506b5484545ac5d371b6211e48"


def install() -> None:
    """Replace the SDK's loop that waits for calls and outputs, if its source is the known one."""
    if is_source(stack.wait_for_rpcs, REPLACES):
        replace(stack, "wait_for_rpcs", wait_for_rpcs)


async def wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    """Return when no call and no output is pending; raise the first failure among them.

    Outputs that failed because their resource failed (the SDK's `ResourceRegistrationFailed`) are no failure here: the
    engine has reported the resource, and the others go on.
    """
    calls = SETTINGS.rpc_manager
    while True:
        await _calls(calls)
        if await_all_outstanding_tasks:
            await _outputs()
        if not calls.rpcs:
            return


async def _calls(calls: RPCManager) -> None:
    while calls.rpcs:
        # Calls that were just started run up to their first wait.
        await asyncio.sleep(0)
        try:
            await calls.rpcs.pop()
        except Exception as error:
            if calls.unhandled_exception is not None:
                raise error from calls.unhandled_exception.with_traceback(calls.exception_traceback)
            raise
    if calls.unhandled_exception is not None:
        raise calls.unhandled_exception.with_traceback(calls.exception_traceback)


async def _outputs() -> None:
    pending = 0
    ended: deque[asyncio.Future[Any]] = deque()
    one_ended = asyncio.Event()

    def end(output: asyncio.Future[Any]) -> None:
        ended.append(output)
        one_ended.set()

    while True:
        with SETTINGS.lock:
            added = list(SETTINGS.outputs)
            SETTINGS.outputs.clear()
        for output in added:
            output.add_done_callback(end)
        pending += len(added)
        if not pending:
            return
        await one_ended.wait()
        one_ended.clear()
        while ended:
            pending -= 1
            _raise_failure(ended.popleft())


def _raise_failure(output: asyncio.Future[Any]) -> None:
    # Looked up when an output fails, because failures.py replaces this class of the SDK.
    with suppress(stack.ResourceRegistrationFailed):
        output.result()
