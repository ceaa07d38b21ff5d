"""One node as a container of Docker or Podman. The supervisor treats it as one of its own."""

import subprocess
from pathlib import Path

from . import speed
from .container_runtime import Runtime
from .layout import Layout
from .node import reset_received, size
from .topology import Machine, Topology

COMMAND_SECONDS = 120


def carry_out(command: list[str], *, check: bool = True) -> str:
    """Run a command of the runtime and return what it prints. Raises RuntimeError with its error if it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=speed.deadline(COMMAND_SECONDS)
    )
    if check and done.returncode != 0:
        raise RuntimeError(
            f"{Path(command[0]).name} {' '.join(command[1:3])}: {(done.stderr or done.stdout).strip()[-600:]}"
        )
    return done.stdout.strip()


class ContainerNode:
    """The official Talos image; its volumes outlive the container."""

    process = None
    """The runtime owns its processes, and ends a container that crashes."""

    def __init__(self, layout: Layout, topology: Topology, machine: Machine, *, runtime: Runtime, version: str) -> None:
        self.layout, self.topology, self.machine = layout, topology, machine
        self.runtime, self.version = runtime, version
        self.wanted = False
        self.trouble = ""
        self.starts = 0
        self._console_before = 0

    def start(self) -> None:
        """Power on: the first time into maintenance mode, later with what is on its volumes."""
        if self.running:
            return
        self._console_before = size(self.layout.node(self.machine.name) / "console.log")
        again = self.runtime.start if self.starts else None
        carry_out(
            again(self.topology, self.machine)
            if again
            else self.runtime.node(self.topology, self.machine, self.version)
        )
        self.wanted, self.trouble = True, ""
        self.starts += 1
        self._log()

    def _log(self) -> None:
        directory = self.layout.node(self.machine.name)
        directory.mkdir(parents=True, exist_ok=True)
        # It ends with the container.
        with (directory / "console.log").open("ab") as console:
            subprocess.Popen(
                self.runtime.logs(self.topology, self.machine), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )

    def stop(self) -> None:
        """Cut the power."""
        self.wanted = False
        if self.running:
            carry_out(self.runtime.stop(self.topology, self.machine))

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return self.starts > 0 and carry_out(self.runtime.running(self.topology, self.machine), check=False) == "true"

    def watch(self) -> str:
        """Look at the node once; returns the event to report, if there is one."""
        if not self.wanted or self.running:
            return ""
        if reset_received(self.layout.node(self.machine.name) / "console.log", self._console_before):
            self.wanted, self.starts = False, 0
            for command in self.runtime.erase(self.topology, self.machine):
                carry_out(command)
            return f"{self.machine.name} was reset: it is off, and its volumes are removed"
        self.start()
        return f"{self.machine.name} ended and was started again, as a reboot would"
