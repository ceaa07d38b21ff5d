"""`./bedplate test`: the quick tests while the parts that the others need are set up, then the others."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolchain import Layout, ToolchainError, absent, manifests

from .environment import tools
from .parts import ensure
from .process import INHERITED, python
from .rehearsals import NETWORK_PHASES, VM_PHASES
from .verdict import NOTES, Run

# Marks of the tests that need more than the Python environment.
SLOW = "programs or engine or machines or lab"
QUICK = f"not ({SLOW})"
# How many examples tests of properties draw: a profile of Hypothesis that tests/conftest.py describes.
EXAMPLES = "BEDPLATE_TEST_EXAMPLES"
# Workers for each core. Half of a test's time is waiting: for servers, for other processes, for deadlines.
WORKERS_PER_CORE = 2
# What the tests of the engine need, and what labs and virtual machines need on top.
ENGINE_PARTS = ("test",)
LAB_PARTS = ("lab", "kubernetes-api", "netboot", "install")
# What runs virtual machines in rehearsals. It takes so long to build that --all alone builds it.
VM_PARTS = ("virtualization", "vm-storage", "shared-storage")
# What Cilium is in rehearsals, for the same reason.
NETWORK_PARTS = ("network",)
# What is left out where it is not built, its parts, the phases that need it, and minutes to build it on two cores.
LEFT_OUT = (("KubeVirt", VM_PARTS, VM_PHASES, 20), ("Cilium", NETWORK_PARTS, NETWORK_PHASES, 10))


def test(given: Namespace, layout: Layout) -> int:
    """Run the tests; arguments go to pytest. Returns the exit code, 0 when every test passed.

    With --all, KubeVirt and Cilium are built first, and rehearsals run them, as they do wherever they are built.
    With arguments, one run of pytest does what they say, and the parts of all tests are set up first. Raises
    ToolchainError when parts cannot be had.
    """
    options = [each for each in given.options if each not in {"--quick", "--all"}]
    if "--quick" in given.options:
        ensure({"python"}, layout)
        return _pytest(layout, "-m", QUICK, *parallel(), *options, **{EXAMPLES: "quick"})
    if options:
        manifests.check(ensure(ENGINE_PARTS, layout), layout)
        return _pytest(layout, *options)
    ensure({"python"}, layout)
    parts = (*ENGINE_PARTS, *VM_PARTS, *NETWORK_PARTS) if "--all" in given.options else ENGINE_PARTS
    with background(parts, layout) as build:
        _say("the quick tests run first; the parts that the others need are set up meanwhile", build.log)
        quick = _noted("the quick tests", layout, "-m", QUICK, *parallel())
        build.wait()
    with _lab_parts(layout):
        _say("now the tests that run the engine, labs and virtual machines")
        slow = _noted("the tests that run the engine, labs and virtual machines", layout, "-m", SLOW)
    for what, needed, phases, minutes in LEFT_OUT:
        if absent(needed, layout):
            _say(
                f"{len(phases)} phases of rehearsals were left out, because {what} is not built here: "
                f"./bedplate test --all builds it in about {minutes} minutes, once, and runs them"
            )
    # Whoever reads the log of a failed run reads its end first.
    for line in (*quick.lines(), *slow.lines()):
        _say(line)
    return quick.code or slow.code


def parallel() -> tuple[str, ...]:
    """The options of pytest that run the tests of several files at the same time.

    The tests of one file stay in one process, in their order. tests/timing.py puts the files that take longest first.
    """
    workers = WORKERS_PER_CORE * len(os.sched_getaffinity(0))
    return ("-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder")


@dataclass(frozen=True)
class Build:
    """A toolchain that another process sets up."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Wait until it ends, and show its progress. Raises ToolchainError with its last lines if it failed."""
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            while self.process.poll() is None:
                shutil.copyfileobj(lines, sys.stderr)
                time.sleep(0.5)
            rest = lines.read()
        if self.process.returncode == 0:
            sys.stderr.write(rest)
        else:
            raise ToolchainError(f"the parts that the other tests need could not be set up:\n{rest.rstrip()}")


@contextmanager
def background(names: tuple[str, ...], layout: Layout) -> Iterator[Build]:
    """Set up parts in a process of its own, which ends with the block at the latest."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    log = layout.logs / "test-setup.log"
    command = [sys.executable, str(layout.checkout / "bedplate"), "setup", *names]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=layout.checkout,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # Ctrl-C goes to the tests; the build is ended below, with its compilers.
            start_new_session=True,
        )
    try:
        yield Build(process, log)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait()


@contextmanager
def _lab_parts(layout: Layout) -> Iterator[None]:
    """Set up what labs and virtual machines need while the engine's tests run; only where this user can run labs.

    A test that comes to its part first waits for it, or builds another one beside.
    """
    if os.geteuid() != 0:
        yield
        return
    with background(LAB_PARTS, layout) as build:
        yield
        if build.process.poll():
            _say("the parts for labs and virtual machines could not be set up", build.log)


def _pytest(layout: Layout, *options: str, **variables: str) -> int:
    return python(layout, tools(layout, {**os.environ, **variables}), "pytest", *options, umask=INHERITED)


def _noted(name: str, layout: Layout, *options: str) -> Run:
    with tempfile.TemporaryDirectory(prefix="bedplate-test-") as folder:
        notes, start = Path(folder) / "notes", time.monotonic()
        notes.touch()
        code = _pytest(layout, *options, **{NOTES: str(notes)})
        return Run(name, code, time.monotonic() - start, notes.read_text(encoding="utf-8", errors="replace"))


def _say(line: str, log: Path | None = None) -> None:
    print(f"bedplate: {line}{f' (progress: {log})' if log else ''}", file=sys.stderr, flush=True)
