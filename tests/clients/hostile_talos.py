"""Machines whose Talos API does whatever a server can: one behaviour each, in frames of HTTP/2, messages, or texts."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from clients import talos
from tests.clients.hostile import DRIP_SECONDS, MIB, Send
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer

# Of HTTP/2: the frames' types. Source: RFC 9113, section 6.
DATA, HEADERS, SETTINGS, PUSH, PING, GOAWAY, CONTINUATION = 0, 1, 4, 5, 6, 7, 9
# Literal headers, not indexed: ":status: 200" is entry 8 of the static table. Source: RFC 7541, appendix A.
ANSWER_HEADERS = b"\x88\x00\x0ccontent-type\x10application/grpc"


def frame(kind: int, payload: bytes, stream: int = 1, flags: int = 0) -> bytes:
    """One frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


OPENED = frame(SETTINGS, b"", 0) + frame(SETTINGS, b"", 0, 1)
ANSWERED = frame(HEADERS, ANSWER_HEADERS, flags=4)


def _endlessly(head: bytes, piece: bytes) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        # The request comes after the settings, and only then is there a stream.
        send(OPENED)
        time.sleep(0.1)
        send(head)
        while True:
            send(piece)

    return answer


def _dripping(head: bytes, piece: bytes) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        send(OPENED)
        time.sleep(0.1)
        send(head)
        while True:
            for byte in piece:
                send(bytes([byte]))
                time.sleep(DRIP_SECONDS)

    return answer


def _once(data: bytes) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        send(OPENED)
        time.sleep(0.1)
        send(data)
        time.sleep(2)

    return answer


# What a machine sends after the handshake, in frames, by name.
FRAMES: dict[str, Callable[[Send], None]] = {
    "settings and then silence": _once(b""),
    "headers and then silence": _once(ANSWERED),
    "a frame that drips": _dripping(ANSWERED, frame(DATA, bytes(1000))),
    "an announced message of 4 GiB": _dripping(ANSWERED + frame(DATA, b"\0\xff\xff\xff\xff"), frame(DATA, b"a")),
    "endless pings": _endlessly(b"", frame(PING, bytes(8), 0) * 1000),
    "endless settings": _endlessly(b"", frame(SETTINGS, struct.pack(">HI", 4, 65535), 0) * 1000),
    "endless empty data": _endlessly(ANSWERED, frame(DATA, b"") * 1000),
    "endless unknown frames": _endlessly(b"", frame(200, bytes(1000), 0) * 100),
    "endless continuations": _endlessly(
        frame(HEADERS, ANSWER_HEADERS), frame(CONTINUATION, b"\x00\x01a\x01b" * 100) * 10
    ),
    "a message of 64 MiB": _endlessly(ANSWERED + frame(DATA, b"\0\4\0\0\0"), frame(DATA, bytes(16000)) * 64),
    "a pushed answer": _once(frame(PUSH, struct.pack(">I", 2) + ANSWER_HEADERS, flags=4)),
    "a frame that is too large": _once(frame(DATA, bytes(1 << 20))),
    "headers that are not ASCII": _once(frame(HEADERS, b"\x88\x00\x04\xff\xfe\xfd\xfc\x01\xff", flags=5)),
    "headers that can't be unpacked": _once(frame(HEADERS, b"\xff\xff\xff\xff\xff\xff\xff\xff", flags=5)),
    "a goodbye": _once(frame(GOAWAY, bytes(8) + b"\x1b]0;pwned\x07", 0)),
    "a packed message": _once(ANSWERED + frame(DATA, b"\1\0\0\0\1a")),
    "half a message": _once(ANSWERED + frame(DATA, b"\0\0\0\0\x09a", flags=1)),
    "a message that is not protobuf": _once(ANSWERED + frame(DATA, b"\0\0\0\0\4\xff\xff\xff\xff")),
    "HTTP/1.1": lambda send: send(b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "nothing": lambda send: None,
}


def _resource(text: str, name: str = "one") -> Any:
    message = talos.MESSAGES["ListResponse"]()
    message.resource.metadata.id, message.resource.spec.yaml_spec = name, text
    return message


def _spec(text: str) -> Callable[[Any, Any], Iterator[Any]]:
    return lambda request, context: iter([_resource(text)])


def _forever(message: Any, pause: float = 0.0) -> Callable[[Any, Any], Iterator[Any]]:
    def answer(request: Any, context: Any) -> Iterator[Any]:
        while context.is_active():
            yield message
            time.sleep(pause)

    return answer


def _abort(request: Any, context: Any) -> Iterator[Any]:
    context.abort(grpc.StatusCode.INTERNAL, "\x1b]0;pwned\x07\nfake line")
    yield


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
# What a machine answers to every list of its resources, by name.
LISTS: dict[str, Callable[[Any, Any], Iterator[Any]]] = {
    "a message now and then": _forever(_resource("a: 1"), DRIP_SECONDS),
    "endless messages": _forever(talos.MESSAGES["ListResponse"]()),
    "endless bytes": _forever(_resource("a" * MIB)),
    "one large message": lambda request, context: iter([_resource("a" * (16 * MIB))]),
    "an error with control characters": _abort,
    "aliases of aliases": _spec(ALIASES),
    "a text of 6 MiB": _spec("a: " + "b" * (6 * MIB)),
    "300,000 entries": _spec("".join(f"k{n}: v\n" for n in range(300_000))),
    "many texts of many entries": lambda request, context: iter(
        [_resource("[" + "1," * 20_000 + "]", str(n)) for n in range(20)]
    ),
    "deep levels": _spec("[" * 100_000),
    "a tag": _spec("!!python/object/apply:os.system ['true']"),
    "what is not YAML": _spec("]"),
    "a list": _spec("[1, 2]"),
    "a text": _spec("uuid"),
    "texts for numbers": _spec("{sizeMiB: a few, threadCount: \x1b[2J}".replace("\x1b", "")),
    "lists for numbers": _spec("sizeMiB: [1]\nhardwareAddr: [1]"),
    "infinity for numbers": _spec("sizeMiB: .inf\nthreadCount: .inf"),
    "a number without end": _spec("sizeMiB: " + "9" * 100_000),
}


def machine(pki: Pki, name: str) -> TalosServer:
    """A machine in maintenance mode that answers every list so."""
    handler = grpc.unary_stream_rpc_method_handler(
        LISTS[name],
        talos.MESSAGES["ListRequest"].FromString,
        talos.MESSAGES["ListResponse"].SerializeToString,
    )
    return TalosServer(pki, {"cosi.resource.State": {"List": handler}}, anonymous=True)
