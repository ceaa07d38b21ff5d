"""Part of every test run: the order of the tests, and a summary of where the time goes."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Generator

import pytest

SLOWEST = 15
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
