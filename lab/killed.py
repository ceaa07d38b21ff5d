"""Rehearsals in which runs of the engine are killed: their lab, the processes to kill, and what must hold."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.facts.tokens import SECRETS

from . import report
from .kernel import Process
from .phases.standing import stands
from .rehearsal import Rehearsal
from .shown import see


def victims(pids: list[int], proc: Path = Path("/proc")) -> dict[str, list[Process]]:
    """The processes of a run of the engine, by their part in it: engine, plugin, language host or program."""
    parts: dict[str, list[Process]] = {"engine": [], "plugin": [], "language host": [], "program": []}
    for pid in pids:
        try:
            command = (proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        part = _part(command.split(b"\0"))
        if part and (process := Process.at(pid)):
            parts[part].append(process)
    return parts


def _part(command: list[bytes]) -> str:
    """The part of a run that a command line belongs to: engine, plugin, language host or program; empty for others."""
    name = Path(command[0].decode(errors="replace")).name
    words = b" ".join(command)
    if name == "pulumi":
        return "engine"
    if name == "pulumi-language-python":
        return "language host"
    if b"pulumi-language-python-exec" in words:
        return "program"
    return "plugin" if b"pulumi-resource" in words else ""


class KilledRuns(Rehearsal):
    """A lab in which runs are killed, and what must hold after any number of kills."""

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """The nodes in maintenance mode and an empty stack; the lab is ended after the block."""
        self.look()
        self.provide()
        try:
            self.start()
            self.engine.write(self.platform)
            self.engine.init()
            yield
        except BaseException:
            report.explain(self)
            raise
        finally:
            if hasattr(self, "lab"):
                self.lab.stop()

    def unlock(self) -> None:
        """Clear a dead run's lock by the command that the engine names."""
        locks = list((self.engine.home / "state" / ".pulumi" / "locks").rglob("*.json"))
        if locks:
            self.engine.run("cancel", "--yes", seconds=60, config=False)

    def pki(self) -> str:
        """A digest that identifies the PKI in the state; empty before the PKI is created."""
        for resource in self.engine.state():
            if resource["type"] == SECRETS:
                identity = json.dumps(resource["id"] + resource.get("created", ""))
                return hashlib.sha256(identity.encode()).hexdigest()[:12]
        return ""

    def converged(self, pki: str) -> None:
        """What must hold at the end: one bootstrap, nothing pending, a platform that stands, and no change in a plan.

        pki: the mark of the PKI that was made first. Raises NotShown.
        """
        state = self.engine.state()
        see(self.bootstraps() == 1, f"etcd was bootstrapped {self.bootstraps()} times, not once")
        see(not pki or self.pki() == pki, "the PKI is another one than the first run created")
        pending = [resource["urn"] for resource in state if resource.get("pendingReplacement")]
        see(not pending, f"still pending: {pending}")
        self.trust()
        stands(self)
        self.engine.run("preview", "--expect-no-changes", seconds=120)
