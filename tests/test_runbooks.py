"""Every command of a runbook exists, with the options that it uses."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs/runbooks"
BOOKS = sorted(FOLDER.glob("[a-z]*.md"))
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.M | re.S)
# Global options come before the command and take a value.
GLOBAL = {"-n", "--talosconfig"}


def commands(text: str) -> list[str]:
    lines = [line.strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    inline = [
        found
        for found in re.findall(r"`((?:talosctl|kubectl|\./bedplate) [^`]+)`", text)
        if " -" in found or found.startswith("./")
    ]
    return [part for line in [line for line in lines if line] + inline for part in line.split(" | ")]


def all_commands() -> list[str]:
    return sorted({line for book in FOLDER.glob("*.md") for line in commands(book.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("book", BOOKS, ids=lambda p: p.stem)
def test_each_has_symptom_look_do_and_check(book):
    headings = [
        line[3:].split(":")[0] for line in book.read_text(encoding="utf-8").splitlines() if line.startswith("## ")
    ]
    assert list(dict.fromkeys(headings)) == ["Symptom", "Look", "Do", "Check"]


def test_the_index_names_each_of_them():
    assert {book.name for book in BOOKS} == set(
        re.findall(r"\]\((\S+\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    )


def test_no_command_opens_a_shell_on_a_node():
    for line in all_commands():
        assert line.startswith(("talosctl ", "kubectl ", "./bedplate ", "export ")), line
        assert not re.search(r"\b(ssh|exec -it|debug node|nsenter)\b", line), line


@cache
def help_of(*path: str) -> str:
    return subprocess.run(["talosctl", *path, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.engine
def test_talosctl_has_every_command_and_option_that_is_named():
    talosctl = [shlex.split(line)[1:] for line in all_commands() if line.startswith("talosctl ")]
    assert len(talosctl) > 30
    for words in talosctl:
        while words and words[0] in GLOBAL:
            words = words[2:]
        path = [word for word in words[:2] if re.fullmatch(r"[a-z][a-z-]+", word)]
        path = path if path[0] in ("etcd", "config", "gen") and len(path) == 2 else path[:1]
        if path == ["etcd", "alarm"]:
            path = ["etcd", "alarm", "list"]
        shown = help_of(*path)
        # For an unknown command, talosctl prints its parent's help.
        assert shown != help_of(*path[:-1]), path
        for option in (word.split("=")[0] for word in words if word.startswith("-")):
            assert re.search(rf"(^|[\s,]){re.escape(option)}[\s,=]", shown, re.M), (path, option)


def test_bedplate_has_every_command_that_is_named():
    from runner.main import COMMANDS

    named = {line.split()[1] for line in all_commands() if line.startswith("./bedplate ")}
    assert named <= set(COMMANDS), named - set(COMMANDS)
