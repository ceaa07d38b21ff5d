"""Nodes under Docker or Podman with the official Talos image, if both are available.

Command lines only, as pure functions, as Talos documents them for its container platform. A runtime that runs
privileged containers as root needs none of the lab's own cgroups, cables and user namespaces.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from . import speed
from .spec import VOLUMES, volume
from .topology import Machine, Topology

IMAGE = "ghcr.io/siderolabs/talos"


@dataclass(frozen=True)
class Runtime:
    """docker or podman."""

    program: str

    def network(self, topology: Topology) -> list[str]:
        """Make the lab's network, with its gateway at the platform's address."""
        return [
            self.program,
            "network",
            "create",
            "--driver=bridge",
            f"--subnet={topology.network}",
            f"--gateway={topology.gateway}",
            "--label=bedplate.lab=" + topology.identity,
            _network(topology),
        ]

    def node(self, topology: Topology, machine: Machine, version: str) -> list[str]:
        """Start a node in maintenance mode, its volumes named after it."""
        mounts = [
            f"--mount=type=volume,source={_name(topology, machine)}-{volume(path)},destination={path}"
            for path in VOLUMES
        ]
        temporary = [f"--mount=type=tmpfs,destination={path}" for path in ("/run", "/system", "/tmp")]
        mac = [f"--mac-address={machine.mac}"] if machine.mac else []
        return [
            self.program,
            "run",
            "--detach",
            f"--name={_name(topology, machine)}",
            f"--hostname={machine.name}",
            "--label=bedplate.lab=" + topology.identity,
            "--privileged",
            "--read-only",
            "--security-opt=seccomp=unconfined",
            "--env=PLATFORM=container",
            f"--network={_network(topology)}",
            f"--ip={machine.address}",
            *mac,
            *temporary,
            *mounts,
            f"{IMAGE}:{version}",
        ]

    def running(self, topology: Topology, machine: Machine) -> list[str]:
        """Print whether it runs: true or false."""
        return [self.program, "inspect", "--format={{.State.Running}}", _name(topology, machine)]

    def logs(self, topology: Topology, machine: Machine) -> list[str]:
        """Print what the node says from now on, until it ends."""
        return [self.program, "logs", "--follow", "--tail=100", _name(topology, machine)]

    def stop(self, topology: Topology, machine: Machine) -> list[str]:
        """Cut a node's power; its volumes stay."""
        return [self.program, "kill", _name(topology, machine)]

    def start(self, topology: Topology, machine: Machine) -> list[str]:
        """Power it on again."""
        return [self.program, "start", _name(topology, machine)]

    def erase(self, topology: Topology, machine: Machine) -> list[list[str]]:
        """Remove one node and its volumes, as a reset erases a machine."""
        name = _name(topology, machine)
        return [
            [self.program, "rm", "--force", name],
            [self.program, "volume", "rm", "--force", *(f"{name}-{volume(path)}" for path in VOLUMES)],
        ]

    def remove(self, topology: Topology) -> list[list[str]]:
        """Remove everything of the lab; missing parts are no error."""
        nodes = [_name(topology, machine) for machine in topology.machines]
        kept = [f"{name}-{volume(path)}" for name in nodes for path in VOLUMES]
        return [
            [self.program, "rm", "--force", "--volumes", *nodes],
            [self.program, "volume", "rm", "--force", *kept],
            [self.program, "network", "rm", "--force", _network(topology)],
        ]


def _network(topology: Topology) -> str:
    return f"bedplate-{topology.identity}"


def _name(topology: Topology, machine: Machine) -> str:
    return f"{_network(topology)}-{machine.name}"


def find(version: str, programs: Sequence[str] = ("docker", "podman")) -> Runtime | None:
    """A runtime that answers and has the official image of this release already."""
    for program in programs:
        if not shutil.which(program):
            continue
        try:
            inspected = subprocess.run(
                [program, "image", "inspect", f"{IMAGE}:{version}"],
                capture_output=True,
                text=True,
                timeout=speed.deadline(20),
            )
            if inspected.returncode == 0 and json.loads(inspected.stdout):
                return Runtime(program)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            continue
    return None
