"""Kill an `up` at every step of the machines' layers in turn, and see the last one converge.

lab.converge kills at random moments. This kills each run as soon as a step begins or ends at which no run was killed
before, until a run gets through with no such step left. So there is a kill between any two steps, and one in the midst
of each.
"""

import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .kernel import descendants
from .killed import KilledRuns, victims
from .shown import see

# Lines about resources of the machines' layers. lab.converge kills runs during the Kubernetes layers as well.
_STEP = re.compile(r"^[ +]*\s(?P<type>(?:talos|bedplate-native):\S+)\s+(?P<name>\S+)\s+(?P<event>creating|created) \(")
# Limit of runs: each step may begin and end, and a stack of three control planes and two workers has about forty.
MOST_RUNS = 120


@dataclass
class Walk:
    """The steps at which a run was killed already."""

    struck: list[str] = field(default_factory=list)

    def strikes(self, line: str) -> bool:
        """Whether a run must be killed at this line of it."""
        match = _STEP.match(line)
        if not match:
            return False
        step = f"{match['type']} {match['name']} {match['event']}"
        if step in self.struck:
            return False
        self.struck.append(step)
        return True


class Steps(KilledRuns):
    """One lab, and a run for each step."""

    def walk(self) -> list[str]:
        """Kill a run at each step; returns the steps in order. Raises NotShown if the last run did not converge."""
        walk = Walk()
        with self.prepared():
            pki = ""
            for _ in range(MOST_RUNS):
                before = len(walk.struck)
                code = self._run(walk)
                if len(walk.struck) == before:
                    see(code == 0, f"a run that was not killed ended with {code}")
                    break
                self.unlock()
                pki = pki or self.pki()
                see(not pki or self.pki() == pki, f"after a kill at {walk.struck[-1]} the PKI is another one")
            else:
                see(False, f"no run completed: {len(walk.struck)} steps, the last {walk.struck[-1]}")
            self.converged(pki)
        return walk.struck

    def _run(self, walk: Walk) -> int:
        """One run, killed at the next step; its exit code."""
        engines: list[int] = []
        struck: list[str] = []

        def started(process: subprocess.Popen[str]) -> None:
            engines.append(process.pid)

        def heard(line: str) -> None:
            # The engine's last lines may come after its end.
            if not struck and walk.strikes(line):
                struck.append(line)
                for engine in victims(descendants(engines[0]))["engine"]:
                    engine.signal(signal.SIGKILL)

        run = self.engine.run("up", "--yes", "--skip-preview", seconds=900, check=False, started=started, say=heard)
        self.times.say(f"  killed at {walk.struck[-1]}" if struck else f"  not killed, ended with {run.code}")
        if not struck and run.code:
            self.times.say(run.text[-3000:])
        return run.code


def run(stack: str, *, root: Path, checkout: Path, without_vms: bool = False, without_cilium: bool = False) -> int:
    """Kill a stack's `up` at every step. Returns the exit code 0; raises NotShown if it did not converge."""
    steps = Steps(stack, root=root, checkout=checkout, without_vms=without_vms, without_cilium=without_cilium)
    with steps.times.phase("a kill at every step"):
        struck = steps.walk()
    steps.times.fact("killed_at", struck)
    print(f"killed at {len(struck)} steps, and converged: one bootstrap, the first PKI, nothing pending")
    return 0
