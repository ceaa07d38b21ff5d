"""A Kubernetes API that does whatever a server can: one line within the deadline, and little memory."""

from __future__ import annotations

import base64
import gzip
import json
import time
import tracemalloc
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from clients import helm, kubernetes
from clients.kubernetes import Access
from tests.clients import hostile
from tests.provider.certificates import pem

SECONDS, ROOM = 0.3, 10.0
LATE, LARGE = "no whole answer within 0 s", "its answer is larger than 16 MiB"
HEADERS, CLOSED = "its answer has more than 64 KiB of headers", "the connection was closed"
NOT_TRUSTED = "its certificate is not trusted ({})"
# What the gates and commands show; what takes its time has LATE.
SAID = {
    "endless continues": HEADERS,
    "an endless status": HEADERS,
    "an endless header": HEADERS,
    "endless headers": "its answer is not HTTP (HTTPException)",
    "large headers": HEADERS,
    "an endless body": LARGE,
    "8 GiB announced": LARGE,
    "endless chunks": LARGE,
    "a chunk of size -1": LARGE,
    "a chunk of 16 EiB": LARGE,
    "endless trailers": LARGE,
    "a chunk that is no number": CLOSED,
    "a length that is no number": "its answer is not JSON (JSONDecodeError)",
    "a gzip bomb": LARGE,
    "what is not gzip": "its answer is not gzip",
    "another packing": "its answer has a content encoding that was not asked for",
    "control characters": "its answer is not JSON (JSONDecodeError)",
    "what is not HTTP": "its answer is not HTTP (BadStatusLine)",
    "the end": CLOSED,
    "half an answer": CLOSED,
    "deep JSON": "its answer is not JSON (RecursionError)",
    "a number without end": "its answer is not JSON (ValueError)",
    "JSON of another shape": "its answer is not an object",
    "a redirect to http": "HTTP 302",
    "a redirect to a file": "HTTP 302",
    "a redirect to another host": "HTTP 302",
    "a redirect to itself": "HTTP 302",
    "a handshake that is plain HTTP": NOT_TRUSTED.format("WRONG_VERSION_NUMBER"),
    "a handshake that ends": CLOSED,
    "another name": NOT_TRUSTED.format("IP address mismatch, certificate is not valid for '127.0.0.1'"),
    "another authority": NOT_TRUSTED.format("unable to get local issuer certificate"),
    "expired": NOT_TRUSTED.format("certificate has expired"),
    "not yet valid": NOT_TRUSTED.format("certificate is not yet valid"),
    "self-signed": NOT_TRUSTED.format("self-signed certificate"),
}


def access(server: hostile.Server) -> Access:
    return Access(server.url, pem(server.pki.ca), *server.pki.pair("admin"))


@pytest.mark.parametrize("name", [*hostile.ANSWERS, *hostile.HANDSHAKES, *hostile.CERTIFICATES])
def test_a_hostile_api_is_one_line_within_the_deadline(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is refused for what it is gets time enough for a slow machine.
    monkeypatch.setattr(kubernetes, "REQUEST_SECONDS", 20.0 if name in SAID else SECONDS)
    with hostile.serving(tmp_path, name) as server:
        client = access(server)
        began = time.monotonic()
        with client.tls() as tls:
            tracemalloc.start()
            try:
                with pytest.raises(OSError) as failed:
                    kubernetes.read(client, tls, "/api/v1/nodes/cp-1")
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert time.monotonic() - began < kubernetes.REQUEST_SECONDS + ROOM
    assert kubernetes.why(failed.value) == SAID.get(name, LATE)
    # At most the limit, its pieces and the server's own, which is in this process; its bomb has 64 MiB.
    assert peak < (64 if name != "a gzip bomb" else 128) * hostile.MIB
    if name in hostile.CERTIFICATES:
        assert set(server.requests) <= {b""}
    if "redirect" in name:
        assert isinstance(failed.value, urllib.error.HTTPError) and len(server.requests) == 1


@pytest.mark.parametrize("body", [b"{}", b'{"items": {}}', b'{"items": [1]}', b'{"items": null}'])
def test_a_list_of_another_shape_is_one_line(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "get", lambda *args: body.decode())
    with pytest.raises(OSError, match=r"^its answer is not a list of objects$"):
        kubernetes.items(Access("", "", "", ""), None, "/")  # type: ignore[arg-type]


def release(content: bytes) -> dict[str, Any]:
    """A Secret with a packed release in it, as Helm writes it."""
    packed = base64.b64encode(base64.b64encode(gzip.compress(content))).decode()
    return {"metadata": {"name": "sh.helm.release.v1.cilium.v1", "labels": {}}, "data": {"release": packed}}


def test_a_release_that_unpacks_without_end_has_no_version_and_takes_little_memory() -> None:
    bomb = release(bytes(256 * hostile.MIB))
    tracemalloc.start()
    try:
        assert helm._chart_version(bomb) == ""
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * helm.MOST_RELEASE_BYTES


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"9" * 5000, b'{"chart": 5}', b""])
def test_a_release_of_another_shape_has_no_version(content: bytes) -> None:
    assert helm._chart_version(release(content)) == ""


def test_a_release_as_helm_writes_it_has_its_version() -> None:
    content = {"chart": {"metadata": {"version": "1.18.4"}, "templates": ["a" * 3 * hostile.MIB]}}
    assert helm._chart_version(release(json.dumps(content).encode())) == "1.18.4"
