"""Lines that the engine shows beside a resource, in a plan and in an update."""

import sys
from collections.abc import Callable
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from core.printable import LINE_CHARACTERS, printable

Progress = Callable[[str], None]
"""Shows one line beside the resource, in a plan and in an update."""


def say(request: Any) -> Progress:
    """The function that shows a line beside the resource. It is one printable line, whatever answer it quotes."""
    return lambda text: show(request, printable(text, LINE_CHARACTERS))


def show(request: Any, text: str) -> None:
    """Show a printable text beside the resource: the engine does not show a plugin's stderr."""
    # The engine's address is the first argument that is no option.
    address = next((arg for arg in sys.argv[1:] if not arg.startswith("-")), None)
    try:
        if address is not None:
            with grpc.insecure_channel(address) as channel:
                line = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=request.urn)
                engine_pb2_grpc.EngineStub(channel).Log(line, timeout=5)
            return
    except grpc.RpcError:
        # A line that can't be shown must not fail the update.
        pass
    print(f"{request.name}: {text}", file=sys.stderr, flush=True)
