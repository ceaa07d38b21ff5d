"""Servers that do to a client whatever a server can: one behaviour each, over TLS or instead of it."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.provider.certificates import Pki, pem, private_pem

# Seconds between two bytes of a server that drips: many of them are in the shortest deadline of a test.
DRIP_SECONDS = 0.02
MIB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"

Send = Callable[[bytes], None]


def _drip(send: Send, head: bytes, piece: bytes) -> None:
    send(head)
    while True:
        for byte in piece:
            send(bytes([byte]))
            time.sleep(DRIP_SECONDS)


def _endless(send: Send, head: bytes, piece: bytes) -> None:
    send(head)
    while True:
        send(piece)


def _bomb(send: Send) -> None:
    packed = gzip.compress(bytes(64 * MIB))
    send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)


def _silence(send: Send) -> None:
    time.sleep(5)


# What a server sends after a request, by name.
ANSWERS: dict[str, Callable[[Send], None]] = {
    "silence": _silence,
    "a byte at a time in the status": lambda send: _drip(send, b"", b"HTTP/1.1 200 " + b"O" * 1000),
    "a byte at a time in the headers": lambda send: _drip(send, OK, b"X-Endless: yes\r\n"),
    "a byte at a time in the body": lambda send: _drip(send, OK + b"Content-Length: 100000\r\n\r\n", b"{}"),
    "a byte at a time without a length": lambda send: _drip(send, OK + b"\r\n", b"{}"),
    "a byte at a time in chunks": lambda send: _drip(send, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "endless continues": lambda send: _endless(send, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "an endless status": lambda send: _endless(send, b"HTTP/1.1 200 ", b"O" * 4096),
    "an endless header": lambda send: _endless(send, OK + b"X-Endless: ", b"a" * 4096),
    "endless headers": lambda send: _endless(send, OK, b"X-Endless: yes\r\n" * 100),
    "large headers": lambda send: _endless(send, OK, (b"X-Large: " + b"a" * 60_000 + b"\r\n")),
    "an endless body": lambda send: _endless(send, OK + b"\r\n", bytes(MIB)),
    "8 GiB announced": lambda send: _endless(send, OK + b"Content-Length: 8589934592\r\n\r\n", bytes(MIB)),
    "endless chunks": lambda send: _endless(
        send, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    ),
    "a chunk of size -1": lambda send: _endless(send, OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", bytes(MIB)),
    "a chunk of 16 EiB": lambda send: _endless(
        send, OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", bytes(MIB)
    ),
    "endless trailers": lambda send: _endless(
        send, OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Endless: " + b"a" * 8000 + b"\r\n"
    ),
    "a chunk that is no number": lambda send: send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "a length that is no number": lambda send: send(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "a gzip bomb": _bomb,
    "what is not gzip": lambda send: send(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
    "another packing": lambda send: send(OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}"),
    "control characters": lambda send: send(b"HTTP/1.1 200 \x1b]0;pwned\x07\r\n\x1b[2J\rfake line\r\n\r\n\x1b[2J\x07"),
    "what is not HTTP": lambda send: send(b"\x1b]0;pwned\x07\r\n" * 10),
    "the end": lambda send: None,
    "half an answer": lambda send: send(OK + b"Content-Length: 100\r\n\r\n{"),
    "deep JSON": lambda send: send(OK + b"\r\n" + b"[" * 100_000),
    "a number without end": lambda send: send(OK + b"\r\n" + b"9" * 100_000),
    "JSON of another shape": lambda send: send(OK + b"Content-Length: 4\r\n\r\n[[]]"),
    **{
        f"a redirect to {name}": lambda send, to=to: send(  # type: ignore[misc]  # mypy infers no lambda with a default.
            b"HTTP/1.1 302 Found\r\nLocation: " + to + b"\r\nContent-Length: 0\r\n\r\n"
        )
        for name, to in {
            "http": b"http://127.0.0.1:1/redfish/v1/",
            "a file": b"file:///etc/passwd",
            "another host": b"https://127.0.0.2:1/redfish/v1/",
            "itself": b"/redfish/v1/",
        }.items()
    },
}

# What happens instead of a TLS handshake, by name.
HANDSHAKES: dict[str, Callable[[Send], None]] = {
    "a handshake that never begins": _silence,
    "a handshake that drips": lambda send: _drip(send, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x03"),
    "a handshake that is plain HTTP": lambda send: send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a handshake that ends": lambda send: None,
}

# What is wrong with a certificate, by name.
CERTIFICATES = ("another name", "another authority", "expired", "not yet valid", "self-signed")


@dataclass(frozen=True)
class Server:
    """A hostile server that runs."""

    url: str
    port: int
    pki: Pki
    requests: list[bytes]
    """The first bytes of each request that it received, decrypted."""


@contextlib.contextmanager
def serving(folder: Path, name: str) -> Iterator[Server]:
    """The server of a behaviour: one of ANSWERS, HANDSHAKES or CERTIFICATES."""
    pki = Pki()
    requests: list[bytes] = []
    tls = None if name in HANDSHAKES else _tls(folder, pki, name)
    answer = HANDSHAKES.get(name) or ANSWERS.get(name) or ANSWERS["JSON of another shape"]
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        threading.Thread(target=_accept, args=(listening, tls, answer, requests), daemon=True).start()
        port = listening.getsockname()[1]
        yield Server(f"https://127.0.0.1:{port}", port, pki, requests)
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, tls: ssl.SSLContext | None, answer: Any, requests: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_serve, args=(plain, tls, answer, requests), daemon=True).start()


def _serve(plain: socket.socket, tls: ssl.SSLContext | None, answer: Any, requests: list[bytes]) -> None:
    with contextlib.suppress(OSError), plain:
        plain.settimeout(10)
        if tls is None:
            plain.recv(1)
            answer(plain.sendall)
            return
        with tls.wrap_socket(plain, server_side=True) as connection:
            requests.append(connection.recv(65536))
            answer(connection.sendall)


def _tls(folder: Path, pki: Pki, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    day = datetime.timedelta(days=1)
    valid = {"expired": (-2 * day, -day), "not yet valid": (day, 2 * day)}.get(name)
    signer = Pki("other") if name == "another authority" else pki
    hosts = ("elsewhere.example.com",) if name == "another name" else ("localhost", "127.0.0.1")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    if name == "self-signed":
        signer, key = (own := Pki("self")), own.key
    certificate = signer.sign(subject, key, hosts=hosts, valid=valid)
    file = folder / "hostile.pem"
    file.write_text(pem(signer.ca if name == "self-signed" else certificate) + private_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
