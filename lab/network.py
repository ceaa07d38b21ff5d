"""A lab's network: one bridge with the platform's gateway on it, one cable per node.

The commands are built by pure functions and run inside the lab's own network namespace.
"""

import subprocess
from collections.abc import Iterable

from .topology import Machine, Topology

BRIDGE = "br0"


def bridge(topology: Topology) -> list[str]:
    """Lines for `ip -batch` that make the lab's own end of the network."""
    lines = [
        "link set lo up",
        f"link add {BRIDGE} type bridge forward_delay 0",
        f"addr add {topology.bridge_address} dev {BRIDGE}",
        *(f"addr add {alias}/32 dev {BRIDGE}" for alias in topology.aliases),
        f"link set {BRIDGE} up",
    ]
    return lines


def cable(index: int) -> str:
    """The lab's end of a node's cable. Names of interfaces are short, so nodes are numbered."""
    return f"node{index}"


def plug(machine: Machine, index: int, pid: int) -> list[str]:
    """Lines that give the process's network namespace a cable to the bridge."""
    mac = f" address {machine.mac}" if machine.mac else ""
    return [
        f"link add {cable(index)} type veth peer name {machine.interface}{mac} netns {pid}",
        f"link set {cable(index)} master {BRIDGE} up",
    ]


def unplug(index: int) -> list[str]:
    """Lines that take a node's cable away; with the node gone, the kernel has done it already."""
    return [f"link del {cable(index)}"]


def address(machine: Machine, topology: Topology) -> list[str]:
    """Lines, run in the node's namespace, that stand for the DHCP lease of a first boot."""
    return [
        "link set lo up",
        f"addr add {machine.address}/{topology.prefix} dev {machine.interface}",
        f"link set {machine.interface} up",
        f"route add default via {topology.gateway}",
    ]


def ip(lines: Iterable[str], *, netns_of: int | None = None, check: bool = True) -> None:
    """Run `ip -batch`, in the network namespace of a process if one is named."""
    enter = [] if netns_of is None else ["nsenter", f"--target={netns_of}", "--net", "--"]
    text = "\n".join(lines) + "\n"
    done = subprocess.run([*enter, "ip", "-batch", "-"], input=text, capture_output=True, text=True, timeout=20)
    if check and done.returncode != 0:
        raise RuntimeError(f"ip: {done.stderr.strip()} (in: {'; '.join(text.splitlines())})")
