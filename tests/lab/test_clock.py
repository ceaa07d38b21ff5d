"""The lab's own time server, queried with the protocol's packets."""

import socket
import struct
import time

import pytest

from lab.speed import deadline
from lab.testing.clock import EPOCH, Clock, reply

STAMP = bytes(range(1, 9))
ASKED = bytes([0b00_100_011]) + bytes(39) + STAMP


def test_the_answer_repeats_the_requests_timestamp_and_has_the_time():
    answer = reply(ASKED, 1_800_000_000.5)
    assert len(answer) == 48
    # No leap second, the client's version, mode 4 (server).
    assert answer[0] == 0b00_100_100
    assert answer[24:32] == STAMP
    assert struct.unpack("!II", answer[40:48]) == (1_800_000_000 + EPOCH, 1 << 31)


@pytest.mark.parametrize(
    "packet", [b"", ASKED[:47], bytes([0b00_100_100]) + ASKED[1:]], ids=["nothing", "too short", "an answer"]
)
def test_a_packet_that_is_no_request_gets_no_answer(packet):
    assert reply(packet, 0.0) == b""


def test_the_time_server_answers_on_its_address_and_releases_it():
    clock = Clock("127.0.0.1", 0)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(deadline(5))
            client.sendto(ASKED, ("127.0.0.1", clock.port))
            seconds, _ = struct.unpack("!II", client.recv(512)[40:48])
        assert abs(seconds - EPOCH - time.time()) < 5
    finally:
        clock.stop()
    Clock("127.0.0.1", clock.port).stop()
