"""What failed is in the last lines of `./bedplate test`, and nothing that a test logs ends pytest itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import execnet
import pytest

from runner.verdict import MOST_LINES, NOTES, Run
from tests import notes

ROOT = Path(__file__).parents[1]
CONFTEST = """
import sys
sys.path.insert(0, {root!r})
from tests.notes import pytest_configure, pytest_report_to_serializable, pytest_warning_recorded
"""
FILES = {
    "test_right.py": "def test_right():\n    assert True\n",
    "test_wrong.py": "def test_wrong():\n    assert False\n",
    "test_logs.py": "import logging\n\ndef test_logs():\n    logging.error('half a character: \\ud800')\n",
    "test_warns.py": "import warnings\n\ndef test_warns():\n    warnings.warn(UserWarning('half: \\ud800'))\n",
    "test_says.py": "import pytest\n\ndef test_says():\n    pytest.fail('half a character: \\ud800')\n",
    "test_setup.py": (
        "import pytest\n\n@pytest.fixture\ndef none():\n    raise OSError\n\ndef test_setup(none):\n    assert True\n"
    ),
    "test_dies.py": "import os\n\ndef test_dies():\n    os._exit(1)\n",
    "test_syntax.py": "def\n",
    "test_inside.py": "import os\n\ndef test_inside():\n    assert 'BEDPLATE_TEST_NOTES' not in os.environ\n",
    "test_plugin.py": "def test_plugin():\n    assert True\n",
}
BROKEN = """
def pytest_runtest_logfinish(nodeid):
    if "test_plugin" in nodeid:
        raise RuntimeError("the plugin is broken")
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest over some of the files; returns its exit code, what it noted, and its output."""

    def start(*names, options=("-n", "1"), broken=False):
        (tmp_path / "conftest.py").write_text(CONFTEST.format(root=str(ROOT)) + (BROKEN if broken else ""))
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        for name in names:
            (tmp_path / name).write_text(FILES[name])
        file = tmp_path / "notes"
        file.touch()
        without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        command = [sys.executable, "-m", "pytest", "-q", *without, *options, *names]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**environment, NOTES: str(file)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, file.read_text(), done.stdout + done.stderr

    return start


def test_every_kind_of_failure_is_noted_and_half_a_character_that_a_test_logs_or_says_is_none(run):
    """Without tests/notes.py, half a character in a report ends the run with an error of pytest itself."""
    good = ("test_right.py", "test_logs.py", "test_inside.py", "test_warns.py")
    code, noted, shown = run(*good, "test_wrong.py", "test_says.py", "test_setup.py", "test_dies.py")
    assert code == 1, shown
    assert noted.splitlines() == [
        "failed: test_wrong.py::test_wrong",
        "failed: test_says.py::test_says",
        "failed in its setup: test_setup.py::test_setup",
        "the process of tests gw0 ended: Not properly terminated",
        "failed: test_dies.py::test_dies",
    ]
    assert r"Failed: half a character: \ud800" in shown


def test_a_file_that_cannot_be_imported_is_noted(run):
    code, noted, shown = run("test_syntax.py", options=())
    assert (code, noted) == (2, "not collected: test_syntax.py\n"), shown


@pytest.mark.parametrize("options", [("-n", "1"), ()], ids=["in a process of its own", "in one process"])
def test_an_error_of_pytest_itself_is_noted_with_its_end(run, options):
    code, noted, shown = run("test_plugin.py", options=options, broken=True)
    assert code == 3, shown
    assert noted.startswith("error of pytest:\n") and "RuntimeError: the plugin is broken" in noted


@pytest.mark.parametrize("text", ["", "plain", "größer", "\ud800", "a\udfff\n", "\U0001f600", "\x00"])
def test_all_that_a_report_has_can_be_sent_and_what_could_be_sent_is_the_same(text):
    given = {"sections": [("log", text)], "location": (text, 3, None), text: {"deep": [1.5, True, text]}}
    made = notes.sendable(given)
    execnet.dumps(made)
    assert json.loads(json.dumps(made)).keys() == made.keys()
    if "\ud800" not in text and "\udfff" not in text:
        assert made == given


def test_a_run_that_passed_is_one_line():
    assert Run("the quick tests", 0, 240.4, "").lines() == ["the quick tests passed in 240 s"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "tests failed (exit code 1)"),
        (2, "it was interrupted (exit code 2)"),
        (3, "an error of pytest itself, or of one of its plugins (exit code 3)"),
        (137, "pytest was killed by SIGKILL (exit code 137)"),
        (254, "pytest ended in a way of its own (exit code 254)"),
    ],
)
def test_a_run_that_failed_says_why_and_what_it_noted(code, reason):
    assert Run("the quick tests", code, 3600, "failed: a\nfailed: b\n").lines() == [
        f"the quick tests failed after 3,600 s: {reason}",
        "  failed: a",
        "  failed: b",
    ]


def test_of_very_many_failures_the_first_are_repeated():
    lines = Run("the quick tests", 1, 1, "".join(f"failed: {n}\n" for n in range(MOST_LINES + 5))).lines()
    assert len(lines) == MOST_LINES + 2
    assert lines[-1] == "  and 5 lines more: they are above, where the quick tests ended"
