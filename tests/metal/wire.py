"""Asks a real dnsmasq as firmware does, in a network namespace of its own: wire.py CONFIG SECONDS < requests > answers.

SECONDS is how long an answer may take. A request is {mac, arch, ipxe}, an answer {address, server, file, options} or
null. An offer that names no file is followed by a request to port 4011, as clients of a proxy-DHCP server send it.
"""

import json
import socket
import struct
import subprocess
import sys
import time
from typing import Any

SERVER, CLIENT = "10.20.0.2", "10.20.0.99"
SERVER_MAC, CLIENT_MAC = "02:00:00:00:00:02", "02:00:00:00:00:99"


def ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True)


def raw(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def dhcp(request: dict[str, Any], offer: dict[str, Any] | None) -> bytes:
    """A DISCOVER, or the REQUEST of a boot file after an offer; as a PXE ROM or iPXE writes it."""
    second = offer is not None
    head = struct.pack(
        "!BBBBIHH4s4s4s4s",
        1,
        1,
        6,
        0,
        0x1234,
        0,
        0 if second else 0x8000,
        socket.inet_aton(CLIENT if second else "0.0.0.0"),
        b"",
        b"",
        b"",
    )
    vendor = f"PXEClient:Arch:{request['arch']:05d}:UNDI:002001".encode()
    options = {
        53: bytes([3 if second else 1]),
        55: bytes([1, 3, 6, 43, 60, 66, 67]),
        60: vendor,
        93: struct.pack("!H", request["arch"]),
    }
    options |= {94: b"\x01\x02\x01", 97: b"\x00" + raw(request["mac"]) + bytes(10)}
    if request["ipxe"]:
        options |= {77: b"iPXE", 175: b"\xb1\x01\x01"}
    if offer is not None and (menu := vendor_options(offer)).get(9):
        # The first item of the menu that was offered, and of that the first layer.
        options[43] = b"\x47\x04" + menu[9][:2] + b"\0\0\xff"
    body = b"".join(bytes([code, len(value)]) + value for code, value in options.items())
    return head + raw(request["mac"]).ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63" + body + b"\xff"


def vendor_options(offer: dict[str, Any]) -> dict[int, bytes]:
    return parsed(bytes.fromhex(offer["options"].get("43", "")))


def parsed(raw_options: bytes) -> dict[int, bytes]:
    options, at = {}, 0
    while at < len(raw_options) and raw_options[at] != 255:
        if raw_options[at] == 0:
            at += 1
            continue
        length = raw_options[at + 1]
        options[raw_options[at]] = raw_options[at + 2 : at + 2 + length]
        at += 2 + length
    return options


def frame(request: dict[str, Any], offer: dict[str, Any] | None = None) -> bytes:
    payload = dhcp(request, offer)
    source, target, port = (CLIENT, SERVER, 4011) if offer else ("0.0.0.0", "255.255.255.255", 67)
    udp = struct.pack("!HHHH", 68, port, 8 + len(payload), 0) + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target)
    )
    total = sum(struct.unpack("!10H", head))
    check = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    link = raw(SERVER_MAC) if offer else b"\xff" * 6
    return link + raw(request["mac"]) + b"\x08\x00" + head[:10] + struct.pack("!H", check) + head[12:] + udp


def answer(wire: socket.socket, seconds: float) -> dict[str, Any] | None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        wire.settimeout(left)
        try:
            got = wire.recv(2048)
        except TimeoutError:
            return None
        if len(got) < 282 or got[12:14] != b"\x08\x00" or got[23] != 17 or got[36:38] != b"\x00\x44":
            continue
        bootp = got[42:]
        options = parsed(bootp[240:])
        file = bootp[108:236].split(b"\0")[0] or options.get(67, b"").split(b"\0")[0]
        return {
            "address": socket.inet_ntoa(bootp[16:20]),
            "server": socket.inet_ntoa(bootp[20:24]),
            "file": file.decode(),
            "options": {str(code): value.hex() for code, value in options.items()},
        }
    return None


def main() -> None:
    ip("link", "add", "srv", "address", SERVER_MAC, "type", "veth", "peer", "name", "cli", "address", CLIENT_MAC)
    ip("addr", "add", f"{SERVER}/24", "dev", "srv")
    for link in ("lo", "srv", "cli"):
        ip("link", "set", link, "up")
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(("cli", 0))
    options = ["--keep-in-foreground", "--user=root", "--leasefile-ro", "--pid-file", "--log-facility=-"]
    server = subprocess.Popen(["dnsmasq", *options, "-C", sys.argv[1]], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    for line in server.stderr:
        if "sockets bound" in line:
            break
    else:
        sys.exit("dnsmasq ended")
    seconds, answers = float(sys.argv[2]), []
    for request in json.load(sys.stdin):
        ip("neigh", "replace", CLIENT, "lladdr", request["mac"], "dev", "srv")
        wire.send(frame(request))
        got = answer(wire, seconds)
        if got is not None and not got["file"]:
            wire.send(frame(request, got))
            got = answer(wire, seconds)
        answers.append(got)
    server.terminate()
    sys.stderr.write(server.stderr.read())
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
