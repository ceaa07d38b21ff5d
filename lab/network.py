"""A lab's network: one bridge with the platform's gateway on it, one cable per node.

The commands are built by pure functions and run inside the lab's own network namespace.
"""

import subprocess
from collections.abc import Iterable

from . import speed
from .topology import Machine, Topology


def bridge_name(topology: Topology) -> str:
    """The lab's bridge, which carries the checkout's digest. An interface's name has at most 15 characters."""
    return f"br-{topology.mark}"


def bridge(topology: Topology) -> list[str]:
    """Lines for `ip -batch` that make the lab's own end of the network."""
    name = bridge_name(topology)
    return [
        "link set lo up",
        f"link add {name} type bridge forward_delay 0",
        f"addr add {topology.bridge_address} dev {name}",
        *(f"addr add {alias}/32 dev {name}" for alias in topology.aliases),
        f"link set {name} up",
    ]


def cable(index: int, topology: Topology) -> str:
    """The lab's end of a node's cable. Nodes are numbered, because their own names may be too long for an interface."""
    return f"n{index}-{topology.mark}"


def plug(machine: Machine, index: int, pid: int, topology: Topology) -> list[str]:
    """Lines that give the process's network namespace a cable to the bridge."""
    mac = f" address {machine.mac}" if machine.mac else ""
    return [
        f"link add {cable(index, topology)} type veth peer name {machine.interface}{mac} netns {pid}",
        f"link set {cable(index, topology)} master {bridge_name(topology)} up",
    ]


def unplug(index: int, topology: Topology) -> list[str]:
    """Lines that remove a node's cable. After the node's end the kernel has removed it already."""
    return [f"link del {cable(index, topology)}"]


def address(machine: Machine, topology: Topology) -> list[str]:
    """Lines, run in the node's namespace, that stand for the DHCP lease of a first boot."""
    return [
        "link set lo up",
        f"addr add {machine.address}/{topology.prefix} dev {machine.interface}",
        f"link set {machine.interface} up",
        f"route add default via {topology.gateway}",
    ]


def ip(lines: Iterable[str], *, netns_of: int | None = None, check: bool = True) -> None:
    """Run `ip -batch`, in the network namespace of a process if one is named. Raises RuntimeError if ip fails."""
    enter = [] if netns_of is None else ["nsenter", f"--target={netns_of}", "--net", "--"]
    text = "\n".join(lines) + "\n"
    command = [*enter, "ip", "-batch", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=speed.deadline(20))
    if check and done.returncode != 0:
        raise RuntimeError(f"ip: {done.stderr.strip()} (in: {'; '.join(text.splitlines())})")
