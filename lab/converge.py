"""Kill an `up` at random moments and see the next one converge: the engine, a plugin or the program.

One lab is one episode: `up` is killed several times on its way from maintenance mode to a platform that stands, then
runs to its end. Afterwards there was one bootstrap, the PKI is the one first made, nothing is pending, and the only
locks met were cleared by the command that the engine names.
"""

import random
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from .engine import Failed, Run
from .kernel import descendants
from .killed import KilledRuns, victims

# Seconds into a run: half of the kills come while configs are applied and etcd is bootstrapped, half later. Beyond
# the last one most of a run only waits.
EARLY, LATEST = 9.0, 45.0


@dataclass(frozen=True)
class Kill:
    """What is killed, and how many seconds into a run."""

    target: str
    after: float

    @classmethod
    def thrown(cls, dice: random.Random) -> "Kill":
        """A random kill."""
        return cls(
            dice.choice(("engine", "engine", "plugin", "language host", "program")),
            dice.choice((dice.uniform(0.5, EARLY), dice.uniform(EARLY, LATEST))),
        )

    def strike(self, root: int, over: threading.Event, hit: threading.Event) -> None:
        """Kill the target beneath the process `root` at its time; sets `hit` unless the run has ended before."""
        if over.wait(self.after):
            return
        while not over.is_set():
            targets = victims(descendants(root))[self.target]
            for process in targets:
                process.signal(signal.SIGKILL)
            if targets:
                hit.set()
                return
            over.wait(0.2)

    def __str__(self) -> str:
        return f"{self.target} after {self.after:.1f} s"


class Converge(KilledRuns):
    """Episodes of killed runs on one stack."""

    def episode(self, kills: int, dice: random.Random) -> int:
        """One lab: `kills` runs to be killed, then one that must get through. Returns how many were hit in time."""
        hits = 0
        with self.prepared():
            for _ in range(kills):
                kill = Kill.thrown(dice)
                run, hit = self._killed(kill)
                hits += hit
                self.times.say(f"  {kill}: {'hit' if hit else 'the run had ended'}, ended with {run.code}")
                self.unlock()
            before = self.pki()
            self.engine.run("up", "--yes", "--skip-preview", seconds=900, say=self.line)
            self.converged(before)
        return hits

    def _killed(self, kill: Kill) -> tuple[Run, bool]:
        """The run, and whether the kill came before its end."""
        hit, over = threading.Event(), threading.Event()

        def started(process: subprocess.Popen[str]) -> None:
            threading.Thread(target=kill.strike, args=(process.pid, over, hit), daemon=True).start()

        try:
            run = self.engine.run("up", "--yes", "--skip-preview", seconds=400, check=False, started=started)
        finally:
            over.set()
        return run, hit.is_set()


def run(
    stack: str,
    *,
    root: Path,
    checkout: Path,
    kills: int,
    each: int,
    seed: int,
    without_vms: bool = False,
    without_cilium: bool = False,
) -> int:
    """Episodes until `kills` runs were killed, `each` to a lab. Returns the exit code: 0 if every one converged."""
    dice, done, failed = random.Random(seed), 0, 0
    while done < kills:
        converge = Converge(stack, root=root, checkout=checkout, without_vms=without_vms, without_cilium=without_cilium)
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
