"""Part of every test run: what failed is noted in a file as it happens, for the last lines of `./bedplate test`.

Whatever becomes of pytest afterwards, the notes are there.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from runner.verdict import NOTES

# Of an error of pytest itself, its end says the most.
LAST_LINES = 30


class Notes:
    """One line for each failure, and the end of each error of pytest itself."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, text: str) -> None:
        """Add to the file. Raises OSError."""
        with self.file.open("a", encoding="utf-8", errors="backslashreplace") as opened:
            opened.write(f"{text}\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that failed, or whose set-up or tear-down did."""
        if report.failed:
            place = f" in its {report.when}" if report.when in ("setup", "teardown") else ""
            self.note(f"failed{place}: {report.nodeid}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that can't be imported."""
        if report.failed:
            self.note(f"not collected: {report.nodeid}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note the end of an error of pytest itself, or of one of its plugins."""
        self.note("\n".join(["error of pytest:", *(f"  {line}" for line in str(excrepr).splitlines()[-LAST_LINES:])]))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Note a process of tests that ended before its last test."""
        if error:
            self.note(f"the process of tests {node.gateway.id} ended: {error}")


def pytest_configure(config: pytest.Config) -> None:
    """Note failures where the run's environment names a file, in the process that sees all reports."""
    # Taken out of the environment: what tests start must not note anything here.
    if (file := os.environ.pop(NOTES, "")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Notes(Path(file)), "bedplate-notes")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Make each report one that a process of tests can send.

    Half a character in what a test logged would end that process with an error of pytest: only whole ones can be sent.
    """
    return sendable((yield))


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """The same for a warning."""
    text = str(warning_message.message)
    if sendable(text) != text:
        warning_message.message = UserWarning(f"{warning_message.category.__name__}: {sendable(text)}")


def sendable(data: Any) -> Any:
    r"""The same data, with half a character written as `\ud800`."""
    if isinstance(data, str):
        return data if data.isascii() else data.encode(errors="backslashreplace").decode()
    if isinstance(data, dict):
        return {sendable(key): sendable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(map(sendable, data))
    return data
