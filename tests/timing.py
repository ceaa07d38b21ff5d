"""Part of every test run: the order of the tests, a summary of where the time goes, and a file of what failed."""

from __future__ import annotations

import gc
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from runner.testing import FAILURES

SLOWEST = 15
# Of a fault of pytest itself.
LAST_LINES = 40
# Later ones need parts of the toolchain that are built while earlier ones run.
TIERS = ("programs", "engine", "machines", "lab")

# Files of the quick tier that take longest. Workers take files in this order, so none of these is the last one left.
LONGEST = (
    "tests/model/test_texts.py",
    "tests/model/test_properties.py",
    "tests/provider/test_killed_permit.py",
    "tests/machineconfig/test_documents.py",
    "tests/provider/test_habits.py",
    "tests/provider/test_decommission.py",
    "tests/program/test_graph.py",
    "tests/clients/test_talos.py",
    "tests/runner/test_pipes.py",
    "tests/provider/test_power.py",
    "tests/policy/test_benchmark.py",
    "tests/model/test_refused.py",
    "tests/provider/test_maintenance_turn.py",
    "tests/program/test_decommission.py",
    "tests/boot/test_matchbox.py",
)


class Failures:
    """What failed, for the end of `./bedplate test`, which runs pytest twice."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down a test that failed."""
        if report.failed:
            self._write(f"{report.nodeid} ({report.when})")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write down a file that could not be read."""
        if report.failed:
            self._write(f"{report.nodeid} (collection)")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Write down the last lines of a fault of pytest itself, which ends a run of any tests."""
        self._write("pytest itself failed:", *str(excrepr).splitlines()[-LAST_LINES:])

    def _write(self, *lines: str) -> None:
        with self.file.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{line}\n" for line in lines)


class Timing:
    """Seconds of each test and of each room, as the reports come in."""

    def __init__(self) -> None:
        self.tests: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up set-up, test and tear-down."""
        self.tests[report.nodeid] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table of rooms, and the slowest tests."""
        if not self.tests or terminalreporter.config.option.collectonly:
            return
        seconds: dict[str, float] = defaultdict(float)
        count: Counter[str] = Counter()
        for nodeid, duration in self.tests.items():
            seconds[room(nodeid)] += duration
            count[room(nodeid)] += 1
        terminalreporter.section("time by room")
        for name, total in sorted(seconds.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{total:8.1f} s  {name} ({count[name]} tests)")
        if len(self.tests) > SLOWEST:
            terminalreporter.section("slowest tests")
            for nodeid, duration in sorted(self.tests.items(), key=lambda item: -item[1])[:SLOWEST]:
                terminalreporter.write_line(f"{duration:8.1f} s  {nodeid}")


def room(nodeid: str) -> str:
    """The folder of a test, such as `tests/model`; the file itself where it is in no folder."""
    return "/".join(nodeid.split("::")[0].split("/")[:2])


def tier(item: pytest.Item) -> int:
    """Position of a test's marker in TIERS, counted from 1; 0 for a test that needs no part of the toolchain."""
    return max((TIERS.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in TIERS), default=0)


def pytest_configure(config: pytest.Config) -> None:
    """Start to measure, in the process that prints the summary."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Timing(), "bedplate-timing")
        if file := os.environ.get(FAILURES):
            config.pluginmanager.register(Failures(Path(file)), "bedplate-failures")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Let a worker report a text that UTF-8 can't encode, as tests of such texts make: without this the run ends."""
    return encodable((yield))


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """The same for a warning."""
    text = str(warning_message.message)
    if encodable(text) != text:
        warning_message.message = UserWarning(f"{warning_message.category.__name__}: {encodable(text)}")


def encodable(value: Any) -> Any:
    """The same value, with an escape such as \\ud800 for each character that UTF-8 can't encode."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(key): encodable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(encodable(inner) for inner in value)
    return value


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from modules and tests, which are thousands of objects that live until the end.

    It searches for garbage in what tests make, as always.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by tier, the files that take longest first, and leave the order within a file."""
    items.sort(key=lambda item: (tier(item), _place(item)))


def _place(item: pytest.Item) -> int:
    file = item.nodeid.split("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)
