"""What is in a body: gzip data and JSON, each with a limit."""

import json
import zlib
from typing import Any

from .failures import Broken, TooLarge
from .watch import shown


def unpacked(packed: bytes, most_bytes: int) -> bytes:
    """The content of gzip data. Raises TooLarge if it is larger than `most_bytes`, and Broken if it is not gzip."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = unpacker.decompress(packed, most_bytes + 1)
    except zlib.error:
        raise Broken("its answer is not gzip") from None
    if len(content) > most_bytes:
        raise TooLarge(f"its answer is larger than {shown(most_bytes)}")
    if not unpacker.eof:
        raise Broken("its answer ends before its gzip data does")
    return content


def from_json(body: bytes) -> Any:
    """The value of a JSON text. Raises Broken if it is none, is nested too deeply, or has a number without end."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Broken(f"its answer is not JSON ({type(error).__name__})") from None
