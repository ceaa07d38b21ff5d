"""How much a machine may answer: bytes over one connection, messages of one stream, and values in their texts.

A machine in maintenance mode is a stranger, and grpclib has no limits: it takes a message of any announced length, and
any number of messages without a pause in which the event loop could notice a deadline.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from grpclib.client import Channel, Handler, UnaryStreamMethod
from grpclib.encoding.proto import ProtoCodec
from grpclib.protocol import H2Protocol

from core import boundedyaml

from .messages import MESSAGES

MOST_BYTES = 8 << 20
"""Bytes of everything that a machine sends over one connection. The specs of one type of resource have some hundred
KiB at most."""
MOST_MESSAGES = 10_000
"""Messages of one stream: resources of one type."""
MOST_VALUES = 50_000
"""Values of the specs of one list together, keys included: a node with 250 pods has 20,000 in those of its links."""
MOST_SNAPSHOT_BYTES = 8 << 30
"""Bytes of etcd's database. Source: etcd documentation, "System limits": 8 GiB is the largest size suggested."""
MACHINE_CONFIGS = "MachineConfigs.config.talos.dev"
"""The type whose specs are texts. Source: siderolabs/talos, pkg/machinery/resources/config/machine_config.go."""
_PIECE_BYTES = 16 << 10
# What the libraries and a reader of other shapes raise on an answer that is not one of Talos.
GARBLED = (
    AssertionError,
    NotImplementedError,
    DecodeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
)


class Unusable(OSError):
    """An answer that exceeds a limit, or is not one of Talos: one line, with nothing of the answer."""


class Bounded(Channel):
    """A connection to a machine that ends when the machine has sent more than MOST_BYTES."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, seconds: float) -> None:
        # The default codec would load google.rpc.Status a second time, beside Pulumi's, which protobuf refuses.
        super().__init__(host, port, ssl=tls, codec=ProtoCodec())
        self.bytes_left = MOST_BYTES
        self._end = time.monotonic() + seconds

    def _protocol_factory(self) -> H2Protocol:
        return _Counting(self)

    def refill(self) -> None:
        """Let the machine send MOST_BYTES again, because what it sent was used."""
        self.bytes_left = MOST_BYTES

    @property
    def exceeded(self) -> bool:
        """Whether the machine sent too much."""
        return self.bytes_left < 0

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._end


class _Counting(H2Protocol):
    """Counts what arrives, and ends the connection for what the library can't process, or not in time."""

    def __init__(self, channel: Bounded) -> None:
        super().__init__(Handler(), channel._config, channel._h2_config)
        self._channel = channel

    def data_received(self, data: bytes) -> None:
        self._channel.bytes_left -= len(data)
        # In pieces: the library takes seconds for one read of small frames, and no timer runs meanwhile.
        for start in range(0, len(data), _PIECE_BYTES):
            if self._channel.exceeded or self._channel.late:
                self.processor.close("too much was sent")
                return
            try:
                super().data_received(data[start : start + _PIECE_BYTES])
            except Exception as error:  # Whatever a stranger's frames do to the library; asyncio would print it.
                self.processor.close(f"not HTTP/2 ({type(error).__name__})")
                return


async def collect(channel: Channel, method: str, request: str, response: str, **fields: Any) -> list[Any]:
    """Every message of a stream; request, response: the names of their messages. Raises Unusable for too many."""
    call = UnaryStreamMethod(channel, method, MESSAGES[request], MESSAGES[response])
    messages = []
    async with call.open() as stream:
        await stream.send_message(MESSAGES[request](**fields), end=True)
        async for message in stream:
            messages.append(message)
            if len(messages) > MOST_MESSAGES:
                raise Unusable(f"its answer has more than {MOST_MESSAGES} messages")
    return messages


async def read_specs(resources: list[Any], kind: str) -> dict[str, Any]:
    """The specs of resources by id, read in a thread: the event loop notices a deadline meanwhile. Raises Unusable."""
    return await asyncio.to_thread(_specs, resources, kind)


def _specs(resources: list[Any], kind: str) -> dict[str, Any]:
    texts = [each.resource.spec.yaml_spec for each in resources]
    try:
        specs = boundedyaml.load_each(texts, what=f"its {kind}", most_values=MOST_VALUES)
    except boundedyaml.UnreadableYAML as error:
        raise Unusable(str(error)) from None
    shape = str if kind == MACHINE_CONFIGS else Mapping
    if not all(spec is None or isinstance(spec, shape) for spec in specs):
        raise Unusable(f"its {kind} can't be read: a spec has another shape")
    return {each.resource.metadata.id: spec or {} for each, spec in zip(resources, specs, strict=True)}
