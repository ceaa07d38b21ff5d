"""A rack of machines that boot from the network, in a network of its own.

The network namespace exists as long as its file is open or a process runs in it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from lab import network
from lab.kernel import NEWNET, setns, unshare

LINK = "rack0"
_OWN = "/proc/thread-self/ns/net"


def cabling(address: str, machines: int) -> list[str]:
    """Lines for `ip -batch`: the servers' link with their address, and a tap for each machine on it."""
    lines = [
        "link set lo up",
        f"link add {LINK} type bridge forward_delay 0",
        f"addr add {address} dev {LINK}",
        f"link set {LINK} up",
    ]
    for number in range(machines):
        lines += [f"tuntap add {tap(number)} mode tap", f"link set {tap(number)} master {LINK} up"]
    return lines


def tap(number: int) -> str:
    """The cable of a machine, counted from 0."""
    return f"tap{number}"


class Rack:
    """A network with a link for servers and taps for machines. Raises OSError if the kernel allows none."""

    def __init__(self, address: str, machines: int) -> None:
        self.address, self.machines = address, machines
        self._handle = -1

    def __enter__(self) -> Self:
        ours = os.open(_OWN, os.O_RDONLY)
        try:
            unshare(NEWNET)
            self._handle = os.open(_OWN, os.O_RDONLY)
            network.ip(cabling(self.address, self.machines))
        finally:
            setns(ours)
            os.close(ours)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is in the rack's network meanwhile, and so is what it opens and starts."""
        ours = os.open(_OWN, os.O_RDONLY)
        setns(self._handle)
        try:
            yield
        finally:
            setns(ours)
            os.close(ours)
