"""Kill an `up` at random moments and see the next one converge: the engine, a plugin or the program.

One lab is one episode: `up` is killed several times on its way from maintenance mode to a platform
that stands, then let through. Afterwards there was one bootstrap, the PKI is the one first made,
nothing is pending, and the only locks met were cleared by the command the engine names.
"""

import hashlib
import json
import random
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.phases.standing import stands

from . import bench
from .engine import Failed, Run
from .kernel import Process
from .rehearse import Rehearsal
from .shown import see

# Seconds into a run: half of the kills come while configs are applied and etcd is bootstrapped, half later. Beyond
# the last one most of a run only waits.
EARLY, LATEST = 9.0, 45.0


@dataclass(frozen=True)
class Kill:
    """What was killed and when."""

    target: str
    after: float

    def __str__(self) -> str:
        return f"{self.target} after {self.after:.1f} s"


def victims(pids: list[int], proc: Path = Path("/proc")) -> dict[str, list[Process]]:
    """The processes of a run of the engine by their part in it."""
    found: dict[str, list[Process]] = {"engine": [], "plugin": [], "language host": [], "program": []}
    for pid in pids:
        try:
            command = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        name = Path(command[0].decode(errors="replace")).name
        words = b" ".join(command)
        part = (
            "engine"
            if name == "pulumi"
            else "language host"
            if name == "pulumi-language-python"
            else "program"
            if b"pulumi-language-python-exec" in words
            else "plugin"
            if name.startswith("pulumi-resource") or b"pulumi-resource" in words
            else ""
        )
        if part and (process := Process.at(pid)):
            found[part].append(process)
    return found


def descendants(root: int, proc: Path = Path("/proc")) -> list[int]:
    """Every process under this one, from the kernel's own lists."""
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in (proc / str(pid) / "task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


class Converge(Rehearsal):
    """Episodes of killed runs on one stack."""

    def episode(self, kills: int, dice: random.Random) -> int:
        """One lab: `kills` runs to be killed, then one that must get through. Yields how many were hit before they were over."""
        self.look()
        self.binaries = self.binaries or bench.binaries("plan", "lab")
        hits = 0
        try:
            self.start()
            self.engine.write(self.platform)
            self.engine.init()
            for _ in range(kills):
                kill = Kill(
                    dice.choice(("engine", "engine", "plugin", "language host", "program")),
                    dice.choice((dice.uniform(0.5, EARLY), dice.uniform(EARLY, LATEST))),
                )
                run, hit = self._killed(kill)
                hits += hit
                self.times.say(f"  {kill}: {'hit' if hit else 'the run was over'}, ended with {run.code}")
                self._unlock()
            before = self.pki()
            run = self.engine.run("up", "--yes", "--skip-preview", seconds=900, say=self.line)
            self.verify(before)
            self.trust()
            stands(self)
            self.engine.run("preview", "--expect-no-changes", seconds=120)
        except BaseException:
            self.explain()
            raise
        finally:
            self.lab.stop()
        return hits

    def _killed(self, kill: Kill) -> tuple[Run, bool]:
        hit = threading.Event()
        over = threading.Event()

        def strike(root: int) -> None:
            if over.wait(kill.after):
                return
            while not over.is_set():
                found = victims(descendants(root))[kill.target]
                for process in found:
                    process.signal(signal.SIGKILL)
                if found:
                    hit.set()
                    return
                over.wait(0.2)

        def started(process: Any) -> None:
            threading.Thread(target=strike, args=(process.pid,), daemon=True).start()

        try:
            run = self.engine.run("up", "--yes", "--skip-preview", seconds=400, check=False, started=started)
        finally:
            over.set()
        return run, hit.is_set()

    def _unlock(self) -> None:
        """Clear a dead run's lock the way the engine itself tells a user to."""
        locks = list((self.engine.home / "state" / ".pulumi" / "locks").rglob("*.json"))
        if locks:
            self.engine.run("cancel", "--yes", seconds=60, config=False)

    def pki(self) -> str:
        """A mark of the PKI in the state; empty before it is made."""
        for resource in self.engine.state():
            if resource["type"] == "talos:machine/secrets:Secrets":
                return hashlib.sha256(json.dumps(resource["id"] + resource.get("created", "")).encode()).hexdigest()[
                    :12
                ]
        return ""

    def verify(self, pki: str) -> None:
        """What must be so however often runs were killed. pki: the mark of the one made first."""
        state = self.engine.state()
        see(self.bootstraps() == 1, f"etcd was bootstrapped {self.bootstraps()} times, not once")
        see(not pki or self.pki() == pki, "the PKI is not the one that was made first")
        pending = [resource["urn"] for resource in state if resource.get("pendingReplacement")]
        see(not pending, f"still pending: {pending}")


def run(stack: str, *, root: Path, checkout: Path, kills: int, each: int, seed: int) -> int:
    """Episodes until `kills` runs were killed, `each` to a lab; 0 when every one converged."""
    dice, done, failed = random.Random(seed), 0, 0
    while done < kills:
        converge = Converge(stack, root=root, checkout=checkout)
        count = min(each, kills - done)
        print(f"episode with {count} kills (seed {seed}, {done} of {kills} done)", flush=True)
        try:
            done += converge.episode(count, dice)
            print("converged", flush=True)
        except (Failed, RuntimeError) as error:
            failed += 1
            done += count
            print(f"did not converge: {error}", flush=True)
    print(f"{done} kills, {failed} episodes did not converge")
    return int(failed > 0)
