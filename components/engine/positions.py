"""Where in the program a resource is made, found without reading the program's files.

The SDK sends the stack of every resource's constructor to the engine. It gets it with `traceback.extract_stack`,
which checks every source file on disk and reads the text of every line, though only file names and line numbers are
sent. That took a tenth of a plan's time. Here the names and numbers are read from the frames.
"""

import functools
import sys
from pathlib import Path
from types import FrameType

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

from .guard import is_source, replace

# SHA-256 of the source of pulumi.runtime.resource._get_stack_trace and ._get_source_position_for_frame in 3.255.
REPLACES = "3943b2273016925109e1c3a7bc603db06a44ea09ff3494c29544e44bccf8dd1f"
RELIES_ON = "9f78cc3180b00a12971fa82dd727d6e42aceec087259c9dae4f575a9d85944d2"
# A resource's constructors: Resource, then CustomResource or ComponentResource, then the class itself.
CONSTRUCTORS = 3


def install() -> None:
    """Replace the SDK's function that reads the call stack, if its source is the known one."""
    if is_source(resource._get_stack_trace, REPLACES) and is_source(resource._get_source_position_for_frame, RELIES_ON):
        replace(resource, "_get_stack_trace", stack_trace)


def stack_trace() -> source_pb2.StackTrace:
    """The frames that called a resource's constructor, innermost first; none where no constructor is being run."""
    frame: FrameType | None = sys._getframe(1)
    constructors = 0
    while frame is not None:
        constructors += frame.f_code.co_name == "__init__"
        if constructors == CONSTRUCTORS:
            break
        frame = frame.f_back
    frames = []
    while frame is not None and (frame := frame.f_back) is not None:
        frames.append(_frame(frame.f_code.co_filename, frame.f_lineno))
    return source_pb2.StackTrace(frames=frames)


@functools.cache
def _frame(file: str, line: int | None) -> source_pb2.StackFrame:
    uri = _uri(file)
    if uri is None or line is None:
        return source_pb2.StackFrame()
    return source_pb2.StackFrame(pc=source_pb2.SourcePosition(uri=uri, line=line))


@functools.cache
def _uri(file: str) -> str | None:
    """The file's URI; None for what is no file with an absolute path, such as <frozen runpy>."""
    try:
        return Path(file).as_uri()
    except ValueError:
        return None
