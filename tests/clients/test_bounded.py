"""One request costs no more than its limits, whatever the server does."""

from __future__ import annotations

import ssl
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from clients import bounded
from clients.bounded import Answer, Limits, Request, exchange
from tests.clients import hostile
from tests.provider.certificates import pem

# Deadline of a request here, and how much later than it a slow machine may notice.
SECONDS, ROOM = 0.3, 10.0
LIMITS = Limits(SECONDS, hostile.MIB)
PATIENT = Limits(20.0, hostile.MIB)
LATE, LARGE = "no whole answer within 0 s", "its answer is larger than 1 MiB"
HEADERS, CLOSED = "its answer has more than 64 KiB of headers", "the connection was closed"

HELD = (
    "silence",
    *(name for name in hostile.ANSWERS if name.startswith("a byte at a time")),
    "a handshake that never begins",
    "a handshake that drips",
)
REFUSED = {
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
    "a gzip bomb": LARGE,
    "what is not gzip": "its answer is not gzip",
    "another packing": "its answer has a content encoding that was not asked for",
    "what is not HTTP": "its answer is not HTTP (BadStatusLine)",
    "the end": CLOSED,
    "half an answer": CLOSED,
    "a handshake that is plain HTTP": "WRONG_VERSION_NUMBER",
    "a handshake that ends": CLOSED,
    "another name": "IP address mismatch, certificate is not valid for '127.0.0.1'",
    "another authority": "unable to get local issuer certificate",
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
    "self-signed": "self-signed certificate",
}


def ask(server: hostile.Server, limits: Limits, **how: str) -> Answer:
    tls = ssl.create_default_context(cadata=pem(server.pki.ca))
    return exchange(Request("GET", f"{server.url}/redfish/v1/"), tls, limits, **how)


@pytest.mark.parametrize("name", HELD)
def test_a_server_that_takes_its_time_gets_no_more_than_the_deadline(tmp_path: Path, name: str) -> None:
    with hostile.serving(tmp_path, name) as server:
        began = time.monotonic()
        with pytest.raises(bounded.Late) as failed:
            ask(server, LIMITS)
        assert SECONDS - 0.05 <= time.monotonic() - began < SECONDS + ROOM
    assert str(failed.value) == LATE
    assert failed.value.sent is not name.startswith("a handshake")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_an_answer_of_that_size_is_refused_before_the_deadline(tmp_path: Path, name: str) -> None:
    with hostile.serving(tmp_path, name) as server:
        tracemalloc.start()
        try:
            with pytest.raises(bounded.Failed) as failed:
                ask(server, PATIENT)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    untrusted = isinstance(failed.value, bounded.Untrusted)
    assert str(failed.value) == (f"its certificate is not trusted ({REFUSED[name]})" if untrusted else REFUSED[name])
    # The server is in this process, and sends a MiB at a time.
    assert peak < (8 if name != "a gzip bomb" else 80) * hostile.MIB
    if name in hostile.CERTIFICATES:
        assert server.requests in ([], [b""]) and not failed.value.sent


@pytest.mark.parametrize("name", [name for name in hostile.ANSWERS if name not in HELD and name not in REFUSED])
def test_every_other_answer_is_handed_on_as_it_is(tmp_path: Path, name: str) -> None:
    with hostile.serving(tmp_path, name) as server:
        answer = ask(server, PATIENT)
    assert answer.status == (302 if "redirect" in name else 200)
    assert len(server.requests) == 1


def test_every_behaviour_is_in_a_test_of_this_file() -> None:
    assert {*HELD, *REFUSED} - {*hostile.ANSWERS, *hostile.HANDSHAKES, *hostile.CERTIFICATES} == set()
    assert {*hostile.HANDSHAKES, *hostile.CERTIFICATES} <= {*HELD, *REFUSED}


def test_a_server_that_reads_nothing_is_late(tmp_path: Path) -> None:
    with hostile.serving(tmp_path, "silence") as server:
        tls = ssl.create_default_context(cadata=pem(server.pki.ca))
        with pytest.raises(bounded.Late, match="no whole answer within 0 s"):
            exchange(Request("POST", server.url, body=bytes(64 * hostile.MIB)), tls, LIMITS)


def test_a_pinned_certificate_is_the_only_one_and_needs_no_name(tmp_path: Path) -> None:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with hostile.serving(tmp_path, "another name") as server:
        request = Request("GET", server.url)
        with pytest.raises(bounded.Untrusted) as failed:
            exchange(request, tls, PATIENT, fingerprint="ab" * 32)
        seen = failed.value.fingerprint
        assert len(seen) == 64 and not failed.value.sent and server.requests in ([], [b""])
        assert exchange(request, tls, PATIENT, fingerprint=seen).status == 200


def test_nobody_at_the_address_is_unreachable() -> None:
    with pytest.raises(bounded.Unreachable, match=r"^Connection refused$") as failed:
        exchange(Request("GET", "https://127.0.0.1:1"), ssl.create_default_context(), PATIENT)
    assert not failed.value.sent


def test_a_resolver_that_does_not_answer_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr("clients.bounded.connection.socket.getaddrinfo", lambda *args, **how: held.wait(20))
    with pytest.raises(bounded.Late, match="no whole answer within 0 s"):
        exchange(Request("GET", "https://bmc.example.com"), ssl.create_default_context(), LIMITS)
    held.set()


@pytest.mark.parametrize("text", [b"[" * 100_000, b"9" * 10_000, b"\xff", b"", b"{"])
def test_json_that_can_not_be_read_is_one_line(text: bytes) -> None:
    with pytest.raises(bounded.Broken, match=r"^its answer is not JSON \(\w+\)$"):
        bounded.from_json(text)


def test_no_thread_and_no_connection_is_left_behind(tmp_path: Path) -> None:
    with hostile.serving(tmp_path, "JSON of another shape") as server:
        before = threading.active_count()
        for _ in range(5):
            assert ask(server, PATIENT).body == b"[[]]"
        end = time.monotonic() + ROOM
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.01)
        assert threading.active_count() <= before
