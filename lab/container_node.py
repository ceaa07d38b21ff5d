"""One node as a container of Docker or Podman, to the supervisor the same as one of its own."""

import subprocess
from pathlib import Path

from .container_runtime import Runtime
from .layout import Layout
from .node import reset_asked, size
from .topology import Machine, Topology

COMMAND_SECONDS = 120


def carry_out(command: list[str], *, check: bool = True) -> str:
    """Run a command of the runtime and take what it prints. Raises RuntimeError with its last words."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS)
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
        self._said_before = 0

    def start(self) -> None:
        """Power on: the first time into maintenance mode, later with what is on its volumes."""
        if self.running:
            return
        self._said_before = size(self.layout.node(self.machine.name) / "console.log")
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
        """Pull the plug."""
        self.wanted = False
        if self.running:
            carry_out(self.runtime.stop(self.topology, self.machine))

    @property
    def running(self) -> bool:
        """Whether the container runs."""
        return self.starts > 0 and carry_out(self.runtime.running(self.topology, self.machine), check=False) == "true"

    def watch(self) -> str:
        """One look at the node; what it has to say, if anything."""
        if not self.wanted or self.running:
            return ""
        if reset_asked(self.layout.node(self.machine.name) / "console.log", self._said_before):
            self.wanted, self.starts = False, 0
            for command in self.runtime.erase(self.topology, self.machine):
                carry_out(command)
            return f"{self.machine.name} was told to erase itself: it is off, and its volumes are gone"
        self.start()
        return f"{self.machine.name} ended and was started again, as a reboot would"
