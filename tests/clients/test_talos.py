"""A machine that does whatever a server can: one line within the deadline, and little memory."""

from __future__ import annotations

import gc
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clients.talos import NoAnswer, calls, limits
from clients.talos.calls import Caller
from tests.clients import hostile, hostile_talos
from tests.provider.certificates import Pki

SECONDS, ROOM = 0.6, 10.0
HTTP1 = [name for name in hostile.ANSWERS if name.startswith(("a byte", "silence", "endless", "8 GiB"))]
LATE = "no answer within 1 s"


class Stranger(Caller):
    """A client that trusts any machine, as for one in maintenance mode."""

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        yield tls


# What is large enough to be measured, because measuring makes a test ten times as slow.
MEASURED = (
    "endless bytes",
    "one large message",
    "aliases of aliases",
    "a message of 64 MiB",
    "an announced message of 4 GiB",
    "300,000 entries",
)


def refusal(ask: Callable[[], object], name: str, capfd: pytest.CaptureFixture[str]) -> str:
    """The one line that a call ends in, within its deadline, with little memory and nothing on stderr."""
    began = time.monotonic()
    if name in MEASURED:
        tracemalloc.start()
    try:
        with pytest.raises(NoAnswer) as failed:
            ask()
        assert tracemalloc.get_traced_memory()[1] < 96 * hostile.MIB
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < calls.CALL_SECONDS + ROOM
    gc.collect()
    # asyncio writes what nobody handles.
    assert capfd.readouterr().err == ""
    text = str(failed.value)
    assert len(text.splitlines()) == 1 and len(text) < 500
    return text


@pytest.mark.parametrize("name", [*HTTP1, *hostile.HANDSHAKES])
def test_what_is_not_http2_is_one_line_within_the_deadline(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calls, "CALL_SECONDS", SECONDS)
    with hostile.serving(tmp_path, name) as server:
        text = refusal(lambda: Stranger().hardware(f"127.0.0.1:{server.port}"), name, capfd)
    assert text == LATE or text.startswith(("StreamTerminatedError: ", "SSLError: ", "ConnectionResetError: "))
    if name in ("silence", "a handshake that never begins", "a handshake that drips"):
        assert text == LATE


FRAMES = {
    "settings and then silence": LATE,
    "headers and then silence": LATE,
    "a frame that drips": LATE,
    "an announced message of 4 GiB": LATE,
    "endless pings": LATE,
    "endless settings": LATE,
    "endless empty data": "its answer is not one of Talos (AssertionError)",
    "endless unknown frames": "StreamTerminatedError: not HTTP/2 (NotImplementedError)",
    "endless continuations": "StreamTerminatedError: ",
    "a message of 64 MiB": "its answer is larger than 8 MiB",
    "a pushed answer": "StreamTerminatedError: ",
    "a frame that is too large": "StreamTerminatedError: Protocol error",
    "headers that are not ASCII": "",
    "headers that can't be unpacked": "StreamTerminatedError: Protocol error",
    "a goodbye": "StreamTerminatedError: Received GOAWAY frame, closing connection; error_code: ",
    "a packed message": "its answer is not one of Talos (NotImplementedError)",
    "half a message": "its answer is not one of Talos (AssertionError)",
    "a message that is not protobuf": "its answer is not one of Talos (DecodeError)",
    "HTTP/1.1": "StreamTerminatedError: ",
    "nothing": "StreamTerminatedError: ",
}


@pytest.mark.parametrize("name", hostile_talos.FRAMES)
def test_hostile_frames_are_one_line_within_the_deadline(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calls, "CALL_SECONDS", SECONDS if FRAMES[name] == LATE else 20.0)
    monkeypatch.setitem(hostile.ANSWERS, name, hostile_talos.FRAMES[name])
    with hostile.serving(tmp_path, name) as server:
        text = refusal(lambda: Stranger().hardware(f"127.0.0.1:{server.port}"), name, capfd)
    assert text.startswith(FRAMES[name])


SYSTEM = "its SystemInformations.hardware.talos.dev can't be read: "
LISTS = {
    "a message now and then": LATE,
    "endless messages": "its answer has more than 1000 messages",
    "endless bytes": "its answer is larger than 8 MiB",
    "one large message": "its answer is larger than 8 MiB",
    "an error with control characters": "INTERNAL: ",
    "aliases of aliases": f"{SYSTEM}it has an anchor or an alias in line 1, which can multiply without end",
    "a text of 6 MiB": f"{SYSTEM}it has 6291459 bytes, and the limit is 4194304",
    "300,000 entries": f"{SYSTEM}it has more than 50000 values",
    "many texts of many entries": f"{SYSTEM}it has more than 9998 values",
    "deep levels": f"{SYSTEM}it is nested in more than 64 levels in line 1",
    "a tag": f"{SYSTEM}it has a tag in line 1",
    "what is not YAML": f"{SYSTEM}it is not YAML in line 1",
    "a list": f"{SYSTEM}a spec has another shape",
    "a text": f"{SYSTEM}a spec has another shape",
    "texts for numbers": f"{SYSTEM}it is not YAML in line 1",
    "lists for numbers": "its answer is not one of Talos (TypeError)",
    "infinity for numbers": "its answer is not one of Talos (OverflowError)",
    "a number without end": f"{SYSTEM}it has a value that is out of range, or is not UTF-8",
}


@pytest.mark.parametrize("name", hostile_talos.LISTS)
def test_hostile_answers_are_one_line_within_the_deadline(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calls, "CALL_SECONDS", SECONDS if LISTS[name] == LATE else 20.0)
    monkeypatch.setattr(limits, "MOST_MESSAGES", 1000)
    server = hostile_talos.machine(Pki(), name)
    try:
        text = refusal(lambda: Stranger().hardware(server.address), name, capfd)
    finally:
        server.server.stop(None).wait(10)
    assert text.startswith(LISTS[name])


class Unshowable:
    """A result that counts how often it was written out."""

    shown = 0

    def __repr__(self) -> str:
        type(self).shown += 1
        return ""


def test_asyncio_writes_out_nothing_that_a_machine_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's debug mode writes a slow task with its result, which nine levels of aliases made endless."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")

    async def slow(channel: object) -> Unshowable:
        time.sleep(0.2)
        return Unshowable()

    assert isinstance(Stranger().ask("127.0.0.1", slow), Unshowable)
    assert Unshowable.shown == 0
