"""Kill an `up` at every step of the machines' layers in turn, and see the last one converge.

Where lab.converge throws dice, this walks: each run is killed as soon as a step begins or ends at which none was killed
before, until a run gets through with nothing left to be killed at. So there is a kill between any two steps, and one in
the midst of each.
"""

import re
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.phases.standing import stands

from . import bench
from .converge import Converge, descendants, victims
from .shown import see

# What makes machines one cluster. Objects above it are the Kubernetes plugin's, and dice are thrown for them.
_STEP = re.compile(r"^[ +]*\s(?P<type>(?:talos|bedplate-native):\S+)\s+(?P<name>\S+)\s+(?P<event>creating|created) \(")
# Every step may be met twice; a stack of three control planes and two workers has some forty.
MOST_RUNS = 120


@dataclass
class Walk:
    """At which steps a run was killed already."""

    struck: list[str] = field(default_factory=list)

    def strikes(self, line: str) -> bool:
        """Whether a run must be killed at this line of it."""
        found = _STEP.match(line)
        if not found:
            return False
        step = f"{found['type']} {found['name']} {found['event']}"
        if step in self.struck:
            return False
        self.struck.append(step)
        return True


class Steps(Converge):
    """One lab, and a run for each step."""

    def walk(self) -> list[str]:
        """Yields the steps at which a run was killed, in their order."""
        walk = Walk()
        self.look()
        self.binaries = self.binaries or bench.binaries("plan", "lab")
        try:
            self.start()
            self.engine.write(self.platform)
            self.engine.init()
            pki = ""
            for _ in range(MOST_RUNS):
                before = len(walk.struck)
                code = self._run(walk)
                if len(walk.struck) == before:
                    see(code == 0, f"a run that nobody killed ended with {code}")
                    break
                self._unlock()
                pki = pki or self.pki()
                see(not pki or self.pki() == pki, f"after a kill at {walk.struck[-1]} the PKI is another one")
            else:
                see(False, f"no run got through: {len(walk.struck)} steps, the last {walk.struck[-1]}")
            self.verify(pki)
            self.trust()
            stands(self)
            self.engine.run("preview", "--expect-no-changes", seconds=120)
        except BaseException:
            self.explain()
            raise
        finally:
            self.lab.stop()
        return walk.struck

    def _run(self, walk: Walk) -> int:
        root: list[int] = []
        dead: list[str] = []

        def started(process: Any) -> None:
            root.append(process.pid)

        def heard(line: str) -> None:
            # The engine's last lines may come after its end.
            if not dead and walk.strikes(line):
                dead.append(line)
                for engine in victims(descendants(root[0]))["engine"]:
                    engine.signal(signal.SIGKILL)

        run = self.engine.run("up", "--yes", "--skip-preview", seconds=900, check=False, started=started, say=heard)
        self.times.say(f"  killed at {walk.struck[-1]}" if dead else f"  not killed, ended with {run.code}")
        if not dead and run.code:
            self.times.say(run.text[-3000:])
        return run.code


def run(stack: str, *, root: Path, checkout: Path) -> int:
    """Walks through a stack; 0 when it converged, and when every kind of step was met."""
    steps = Steps(stack, root=root, checkout=checkout)
    with steps.times.phase("a kill at every step"):
        struck = steps.walk()
    steps.times.fact("killed_at", struck)
    print(f"killed at {len(struck)} steps, and converged: one bootstrap, the first PKI, nothing pending")
    return 0
