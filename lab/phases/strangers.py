"""A stranger on the node network gets no key of the cluster: before a machine's first config, and afterwards."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import stranger
from lab.engine import Run
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import texts

LABEL = ("bedplate.rehearsal/stranger", "yes")
# The connections of a first `up` to a control plane before its config is sent. The change guard has one, with the
# platform's certificate, to compare a cluster that runs already. The identity gate has three: with the platform's
# certificate, for the machine's own, and under that one.
BEFORE_ITS_CONFIG = 1 + 3
# All that a stranger may be asked: what it is.
HARDWARE = "/cosi.resource.State/List"


def in_the_middle(rehearsal: Rehearsal) -> None:
    """A man in the middle lets the identity gate through to the machine, and answers for it when its config comes.

    It is the first `up` of all, with every machine in maintenance mode. The `up` after it finds the machine again.
    """
    name, address = _first(rehearsal)
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.engine.init()
    with _stranger(rehearsal, address, passes=BEFORE_ITS_CONFIG) as folder:
        run = rehearsal.engine.run("up", "--yes", "--skip-preview", "--continue-on-error", seconds=300, check=False)
        see(run.when(f"Identity +talos-{name} +created"), f"the identity gate did not pass: {run.text[-3000:]}")
        _got_nothing(rehearsal, name, run, texts.ANOTHER_CERTIFICATE, folder)
    rehearsal.wait_for_maintenance(name)


def in_its_place(rehearsal: Rehearsal) -> None:
    """A stranger at the address of a machine that has its config: `up` and `drift` name the machine."""
    name, address = _first(rehearsal)
    machine = rehearsal.platform["machines"][name]
    labels = machine.get("labels", {})
    machine["labels"] = {**labels, LABEL[0]: LABEL[1]}
    rehearsal.engine.write(rehearsal.platform)
    with _stranger(rehearsal, address, passes=0) as folder:
        run = rehearsal.engine.run("up", "--yes", "--skip-preview", "--continue-on-error", seconds=300, check=False)
        _got_nothing(rehearsal, name, run, texts.ASKS_FOR_NO_CERTIFICATE, folder)
        done = rehearsal.lab.run(
            [sys.executable, "-m", "operations.drift", rehearsal.stack, "--json"],
            seconds=60,
            env=rehearsal.engine.environment,
            cwd=rehearsal.checkout,
            check=False,
        )
        see(
            done.returncode == 7 and "CERTIFICATE_VERIFY_FAILED" in done.stdout,
            f"drift did not refuse the stranger: {done.stdout[-1000:]} {done.stderr[-1000:]}",
        )
        see(not _calls(folder) - {f"{HARDWARE} 0"}, f"drift called the stranger: {_calls(folder)}")
    machine["labels"] = labels
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=300)


def _first(rehearsal: Rehearsal) -> tuple[str, str]:
    """Name and address of the control plane that is bootstrapped."""
    name = next(machine.name for machine in rehearsal.topology.machines if machine.address == rehearsal.first)
    return name, rehearsal.first


@contextmanager
def _stranger(rehearsal: Rehearsal, address: str, *, passes: int) -> Iterator[Path]:
    """The folder of a stranger in a machine's place until the end of the block. passes: see lab.stranger."""
    folder = rehearsal.layout.directory / "stranger"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (folder / "calls").touch()
    command = rehearsal.lab.command(
        [sys.executable, "-m", "lab.stranger", address, str(folder), str(passes)], rehearsal.checkout
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"the stranger in the place of {address}", (folder / "ready").exists, seconds=30)
        yield folder
    finally:
        # The whole group, because a child of nsenter does the work.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        rehearsal.lab.run(["nft", "delete", "table", "ip", stranger.TABLE], seconds=10, check=False)


def _calls(folder: Path) -> set[str]:
    """Each method that was called, and the number of keys in its message."""
    return set((folder / "calls").read_text().splitlines())


def _got_nothing(rehearsal: Rehearsal, name: str, run: Run, why: str, folder: Path) -> None:
    """The `up` failed and named the machine, and the stranger was asked for its hardware at most."""
    told = next((line for line in run.text.splitlines() if f"{name}: " in line and why in line), "")
    see(run.code != 0 and told, f"an up with a stranger in the place of {name} says: {run.text[-3000:]}")
    calls = _calls(folder)
    see(not calls - {f"{HARDWARE} 0"}, f"the stranger was called: {calls}")
    rehearsal.times.say(f"  {told.strip()}")
    rehearsal.times.fact(f"stranger_{why.split()[0]}", {"machine": name, "calls": sorted(calls)})
