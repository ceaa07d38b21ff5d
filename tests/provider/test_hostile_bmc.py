"""A BMC that does whatever a server can: one line within the deadline, little memory, and the password stays here."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from provider.framework import UserError
from provider.redfish import channel
from provider.redfish.access import Access
from provider.redfish.retry_after import requested_pause
from provider.redfish.system import System
from tests.clients import hostile
from tests.provider.certificates import pem
from tests.provider.redfish_standin import SYSTEM, StandIn, standing_in

SECONDS, ROOM = 0.5, 10.0
USER, PASSWORD = "admin", "correct-horse-battery"
LATE = "did not answer as it should within 0 s (last: "
NO_ANSWER = f"{LATE}no answer to GET /redfish/v1/ in 0 s); a BMC that hangs"
NOT_REDFISH = "does not answer as Redfish requires ({}, to GET /redfish/v1/); the machine can be neither"
UNREADABLE = "does not answer as Redfish requires, and 1 can't be read ({})"
ELSEWHERE = "redirects to another address; the password is for this BMC only, so nothing was sent there; "
LARGE, HEADERS = "its answer is larger than 4 MiB", "its answer has more than 64 KiB of headers"
UNTRUSTED = "shows a certificate that is not trusted ({}); the password must not go to another device; "

# What the message has after the BMC's address; what takes its time has NO_ANSWER.
SAID = {
    "endless continues": NOT_REDFISH.format(HEADERS),
    "an endless status": NOT_REDFISH.format(HEADERS),
    "an endless header": NOT_REDFISH.format(HEADERS),
    "endless headers": f"{LATE}its answer is not HTTP (HTTPException)); ",
    "large headers": NOT_REDFISH.format(HEADERS),
    "an endless body": NOT_REDFISH.format(LARGE),
    "8 GiB announced": NOT_REDFISH.format(LARGE),
    "endless chunks": NOT_REDFISH.format(LARGE),
    "a chunk of size -1": NOT_REDFISH.format(LARGE),
    "a chunk of 16 EiB": NOT_REDFISH.format(LARGE),
    "endless trailers": NOT_REDFISH.format(LARGE),
    "a chunk that is no number": f"{LATE}the connection was closed); ",
    "a length that is no number": UNREADABLE.format("MissingAttributeError"),
    "a gzip bomb": NOT_REDFISH.format(LARGE),
    "what is not gzip": f"{LATE}its answer is not gzip); ",
    "another packing": f"{LATE}its answer has a content encoding that was not asked for); ",
    "control characters": UNREADABLE.format("JSONDecodeError"),
    "what is not HTTP": f"{LATE}its answer is not HTTP (BadStatusLine)); ",
    "the end": f"{LATE}the connection was closed); ",
    "half an answer": f"{LATE}the connection was closed); ",
    "deep JSON": UNREADABLE.format("RecursionError"),
    "a number without end": UNREADABLE.format("ValueError"),
    "JSON of another shape": UNREADABLE.format("AttributeError"),
    "a redirect to http": ELSEWHERE,
    "a redirect to a file": ELSEWHERE,
    "a redirect to another host": ELSEWHERE,
    "a redirect to itself": "does not answer as Redfish requires (TooManyRedirects at GET /redfish/v1/); ",
    "a handshake that is plain HTTP": UNTRUSTED.format("WRONG_VERSION_NUMBER"),
    "a handshake that ends": f"{LATE}the connection was closed); ",
    "another name": UNTRUSTED.format("IP address mismatch, certificate is not valid for '127.0.0.1'"),
    "another authority": UNTRUSTED.format("unable to get local issuer certificate"),
    "expired": UNTRUSTED.format("certificate has expired"),
    "not yet valid": UNTRUSTED.format("certificate is not yet valid"),
    "self-signed": UNTRUSTED.format("self-signed certificate"),
}
EVERYTHING = (*hostile.ANSWERS, *hostile.HANDSHAKES, *hostile.CERTIFICATES)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "GAP_SECONDS", 0.0)
    monkeypatch.setattr(channel, "BACKOFF_SECONDS", (0.02,))
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.4)


def access(server: hostile.Server) -> Access:
    return Access(server.url, "1", USER, PASSWORD, pem(server.pki.ca))


def refusal(server: hostile.Server, seconds: float = SECONDS) -> str:
    """What a user reads instead of a system."""
    with pytest.raises(UserError) as refused:
        System(access(server), seconds, lambda text: None)
    return str(refused.value)


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_hostile_bmc_is_one_line_within_the_deadline(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = SECONDS
    if name in SAID and LATE not in SAID[name]:
        # Not the deadline, but the answer itself ends it, on a slow machine too.
        seconds = 20.0
        monkeypatch.setattr(channel, "REQUEST_SECONDS", seconds)
    with hostile.serving(tmp_path, name) as server:
        began = time.monotonic()
        tracemalloc.start()
        try:
            text = refusal(server, seconds)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert time.monotonic() - began < seconds + ROOM
    said = SAID.get(name, NO_ANSWER)
    # What is retried until the deadline may have no answer in its last, shortened try.
    assert text.startswith((f"{server.url} {said}", f"{server.url} {NO_ANSWER if LATE in said else said}"))
    assert text.isprintable() and PASSWORD not in text and USER not in text.split()
    # The server is in this process; its bomb alone has 64 MiB.
    assert peak < (32 if name != "a gzip bomb" else 100) * hostile.MIB
    if name in hostile.CERTIFICATES:
        assert set(server.requests) <= {b""}
    if "redirect" in name:
        assert len(server.requests) == (channel.MOST_REDIRECTS + 1 if name.endswith("itself") else 1)


def test_the_other_machine_of_a_chassis_is_asked_once_the_deadline_of_the_first_has_passed(tmp_path: Path) -> None:
    """Before, a byte a second held the chassis' gate as long as the BMC liked."""
    with hostile.serving(tmp_path, "a byte at a time in the body") as server:
        first = threading.Thread(target=refusal, args=(server,))
        first.start()
        time.sleep(SECONDS / 4)
        assert refusal(server, 2.0).startswith(
            f"{server.url} did not answer as it should within 2 s (last: no answer to GET /redfish/v1/ in "
        )
        first.join()
    # Both were sent: the second did not only wait for the first.
    assert len(server.requests) >= 2


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", 7.0),
        (None, 1.5),
        ("", 1.5),
        ("²", 1.5),
        ("9" * 5000, 1.5),
        ("9" * 40, 1e40),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 99999 99:99:99 GMT", 1.5),
        ("Mon, 01 Jan 2001 00:00:00 +9999999999", 1.5),
    ],
)
def test_any_retry_after_header_is_a_pause(header: str | None, pause: float) -> None:
    assert requested_pause(header, 1.5) == pytest.approx(pause)


def _with_interfaces(bmc: StandIn, count: int, size: int) -> None:
    """Let a BMC list network interfaces, each with a document whose value takes twenty times its bytes."""
    paths = [f"{SYSTEM}/EthernetInterfaces/{number}" for number in range(count)]
    bmc.documents[SYSTEM]["EthernetInterfaces"] = {"@odata.id": f"{SYSTEM}/EthernetInterfaces"}
    bmc.documents[f"{SYSTEM}/EthernetInterfaces"] = {"Members": [{"@odata.id": path} for path in paths]}
    for number, path in enumerate(paths):
        bmc.documents[path] = {"Id": str(number), "MACAddress": f"52:54:00:AA:00:{number:02X}", "Oem": [[]] * size}


def test_the_interfaces_of_a_bmc_take_the_memory_of_one(tmp_path: Path) -> None:
    with standing_in(tmp_path) as bmc:
        _with_interfaces(bmc, 8, 50_000)
        system = System(Access(bmc.url, "1", USER, PASSWORD, bmc.pki.ca), 60.0, lambda text: None)
        tracemalloc.start()
        try:
            assert len(system.identity().macs) == 8
            assert tracemalloc.get_traced_memory()[1] < 16 * hostile.MIB
        finally:
            tracemalloc.stop()


def test_interfaces_without_end_are_not_read(tmp_path: Path) -> None:
    with standing_in(tmp_path) as bmc:
        _with_interfaces(bmc, 257, 0)
        system = System(Access(bmc.url, "1", USER, PASSWORD, bmc.pki.ca), 60.0, lambda text: None)
        before = bmc.connections
        with pytest.raises(UserError) as refused:
            system.identity()
        assert str(refused.value) == (
            f"{bmc.url} lists 257 network interfaces of 1, and at most 256 are read; no server has as many; the "
            "address may be another device's; look at the BMC's inventory"
        )
        assert bmc.connections == before + 1
