"""A rack of 23 machines from cold in one update: the real engine, matchbox and program, and a BMC for each machine.

BEDPLATE_KILLS=20 has the last test kill 20 runs; BEDPLATE_SEED chooses when.
"""

import itertools
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from bmcs import PASSWORD, USER, Bmc, machine
from metal.conftest import free_port

from lab.kernel import descendants
from lab.killed import victims
from lab.speed import deadline

pytestmark = pytest.mark.engine

CONTROLPLANES, WORKERS = 3, 20
AT_ONCE, SECONDS_BETWEEN = 5, 1
KILLS = int(os.environ.get("BEDPLATE_KILLS", "2"))
SEED = int(os.environ.get("BEDPLATE_SEED", "1"))
KILLS_A_GENERATION = 2
UP = ("up", "--stack", "prod", "--yes", "--skip-preview", "--non-interactive")
# What an update of the whole rack asks its BMCs, roughly. Kills are aimed by it: random points of the work, whatever
# the machine's speed, and a few before any of it.
REQUESTS = 460
# After an engine's end its plugin may finish a request, and not one more.
ORPHAN_SECONDS = 3.0


@dataclass(frozen=True)
class Kill:
    """What is killed, and after how many requests to BMCs, or for none after how many seconds."""

    target: str
    requests: int
    seconds: float

    @classmethod
    def aimed(cls, dice: random.Random) -> "Kill":
        target = dice.choice(("engine", "engine", "plugin", "language host", "program"))
        return cls(target, max(0, dice.randint(-REQUESTS // 10, REQUESTS)), dice.uniform(0.5, 4.0))

    def __str__(self) -> str:
        return (
            f"{self.target} after {self.requests} requests"
            if self.requests
            else f"{self.target} after {self.seconds:.1f} s"
        )


@dataclass
class Rack:
    """A checkout of the rack, and its BMCs."""

    here: object
    bmc: Bmc
    names: list[str]
    lines: list[str] = field(default_factory=list)

    def boots(self) -> Counter:
        return Counter((e["system"], e["target"]) for e in self.bmc.events("boot"))

    def permit(self, generation: int) -> None:
        self.here.edit("prod", {f"machines.{name}.install.generation": generation for name in self.names})

    def up(self, kill: Kill | None = None) -> int:
        """Runs one update; kills a part of it when it is time."""
        self.hit, self.outlived = False, []
        with subprocess.Popen(
            ["pulumi", *UP], cwd=self.here.folder, env=self.here.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as engine:  # fmt: skip
            over = threading.Event()
            before = len(self.bmc.events("request"))
            striker = threading.Thread(target=self._strike, args=(engine.pid, kill, before, over), daemon=True)
            if kill:
                striker.start()
            # A killed engine leaves the pipe to its children: it is read to its end when they are gone too.
            self.lines = list(engine.stdout)
            code = engine.wait(deadline(60))
            over.set()
        if kill:
            striker.join(deadline(30))
        return code

    def _strike(self, root: int, kill: Kill, before: int, over: threading.Event) -> None:
        if not kill.requests:
            over.wait(kill.seconds)
        while not over.is_set() and len(self.bmc.events("request")) - before < kill.requests:
            over.wait(0.1)
        found: dict = {}
        while not over.is_set() and not found.get(kill.target):
            found = victims(descendants(root))
            over.wait(0.05)
        if over.is_set():
            return
        for process in found[kill.target]:
            self.hit = self.hit or process.alive
            process.signal(signal.SIGKILL)
        if kill.target != "engine":
            return
        # Our own plugin must go with the engine; what else is left does nothing, and is ended here.
        own = [process for process in found["plugin"] if b"bedplate-native" in _command(process.pid)]
        end = time.monotonic() + deadline(ORPHAN_SECONDS)
        while time.monotonic() < end and any(process.alive for process in own):
            time.sleep(0.05)
        self.outlived = [process.pid for process in own if process.alive]
        for process in itertools.chain(*found.values()):
            process.signal(signal.SIGKILL)

    hit: bool = False
    outlived: list[int] = field(default_factory=list)

    def unlock(self) -> None:
        """As the engine tells a person to after a run that was killed."""
        if list((self.here.folder.parent / "state" / ".pulumi" / "locks").rglob("*.json")):
            self.here.pulumi("cancel", "prod", "--yes")


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.fixture
def rack(metal, server, tmp_path):
    names = [*(f"cp-{n}" for n in range(1, CONTROLPLANES + 1)), *(f"wk-{n}" for n in range(1, WORKERS + 1))]
    systems = [{**machine(n), "name": name, "port": free_port()} for n, name in enumerate(names, 1)]
    bmc = Bmc(tmp_path / "bmc", systems, f"http://127.0.0.1:{server.http}")
    here = metal("prod")
    machines = {
        name: {
            "role": "controlplane" if name.startswith("cp") else "worker",
            "address": f"10.20.0.{20 + n}", "mac": system["nics"][0]["mac"], "serial": system["serial"],
            "install": {"disk": {"serial": f"DISK{n}"}},
            "bmc": {"url": f"https://127.0.0.1:{system['port']}", "system": system["uuid"], "ca": bmc.pki.ca},
        }
        for n, (name, system) in enumerate(zip(names, systems, strict=True))
    }  # fmt: skip
    here.edit("prod", {"machines": machines, "boot.power": {"at_once": AT_ONCE, "seconds_between": SECONDS_BETWEEN}})
    for part, text in (("username", USER), ("password", PASSWORD), ("hosts", "127.0.0.1,")):
        here.pulumi("config", "set", "--stack", "prod", "--secret", "--path", f"bedplate:bmc.{part}", text)
    bmc.start()
    yield Rack(here, bmc, names)
    bmc.stop()


def test_a_whole_rack_from_cold_in_one_update(rack):
    began = time.monotonic()
    assert rack.up() == 0, "".join(rack.lines)
    took = time.monotonic() - began
    requests = len(rack.bmc.events("request"))
    print(f"{len(rack.names)} machines from cold in {took:.0f} s, {requests} requests to their BMCs")
    assert rack.boots() == {(name, "Pxe"): 1 for name in rack.names}
    # The boot server knew each machine when it asked.
    assert {(e["system"], e["status"]) for e in rack.bmc.events("chain")} == {(name, 200) for name in rack.names}
    # One after the other, by the clock of the machines' own record; a busy minute moves one a little.
    times = sorted(e["at"] for e in rack.bmc.events("boot"))
    assert times[-1] - times[0] >= SECONDS_BETWEEN * (len(times) - 1) - 3
    text = "".join(rack.lines)
    assert f"waits for its turn: {AT_ONCE} of {AT_ONCE} at once are under way" in text and "its turn, after" in text
    assert PASSWORD not in text and "Traceback" not in text

    rack.bmc.forget()
    rack.here.edit("prod", {"boot.power": {"at_once": 3, "seconds_between": 2}})
    rack.here.pulumi("up", "--stack", "prod", "--yes", "--skip-preview", "--expect-no-changes")
    assert rack.bmc.events() == [], "another pace asks no BMC"


def test_a_rack_that_is_killed_again_and_again_converges_and_no_machine_is_installed_twice(rack):
    dice = random.Random(SEED)
    generation, hits = 1, 0
    told: list[str] = []
    while hits < KILLS:
        kill = Kill.aimed(dice)
        code = rack.up(kill)
        hits += rack.hit
        booted = sum(rack.boots()[(name, "Pxe")] == generation for name in rack.names)
        on = sum(acts[-1:] not in ([], ["halt"]) for acts in map(rack.bmc.acts, rack.names))
        which = f"kill {hits}" if rack.hit else "no kill, it was over"
        told.append(
            f"{which}: {kill}: ended with {code}; "
            f"for generation {generation} {booted} of {len(rack.names)} had booted; "
            f"{on} were on"
        )
        print(told[-1], flush=True)
        assert rack.outlived == [], told
        assert max(rack.boots().values(), default=0) <= generation, told
        rack.unlock()
        if rack.hit and hits % KILLS_A_GENERATION and hits < KILLS:
            continue
        began = time.monotonic()
        code = rack.up()
        text = "".join(rack.lines)
        assert code == 0, text + "\n".join(told)
        print(f"generation {generation} converged in {time.monotonic() - began:.0f} s", flush=True)
        assert rack.boots() == {(name, "Pxe"): generation for name in rack.names}, told
        assert PASSWORD not in text
        if hits < KILLS:
            generation += 1
            rack.permit(generation)
    rack.here.pulumi("preview", "--stack", "prod", "--expect-no-changes")
