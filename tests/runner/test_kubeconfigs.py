"""No kubeconfig of a state reaches a program as it is."""

import json

import pytest
from outputs import OUTPUTS

from runner import main

FAULT = "kubernetes-provider: the kubeconfig in the state is not a kubeconfig"


def run(house, *arguments):
    return main.main_in(house.layout, list(arguments))


def checked(house):
    file = house.root / "checked"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize(
    "command",
    [
        ("refresh", "dev"),
        ("destroy", "dev", "--yes"),
        ("preview", "dev", "--refresh"),
        ("preview", "dev", "-r"),
        ("up", "dev", "--refresh=true"),
        ("up", "dev", "--refresh=1"),
        ("up", "dev", "-yr"),
    ],
)
def test_what_begins_with_the_state_is_refused_with_a_hostile_kubeconfig(house, capsys, command):
    house.exists("dev")
    assert run(house, *command) == 0 and checked(house) == ["check"] and len(house.calls) == 1
    (house.root / "fault").write_text(FAULT + "\n")
    assert run(house, *command) == 2 and len(house.calls) == 1
    assert capsys.readouterr().err == (
        f"bedplate: {command[0]}: {FAULT}; run ./bedplate up dev first, without --refresh: it writes a new one\n"
    )


@pytest.mark.parametrize("command", [("preview", "dev"), ("up", "dev", "--yes"), ("up", "dev", "--refresh=false")])
def test_what_begins_with_the_program_takes_no_longer(house, command):
    house.exists("dev")
    assert run(house, *command) == 0 and checked(house) == []


def test_access_writes_no_hostile_kubeconfig(house, capsys):
    house.plan(prints=json.dumps(OUTPUTS))
    (house.root / "fault").write_text("the stack's kubeconfig is not a kubeconfig\n")
    assert run(house, "access", "dev") == 2
    assert not (house.layout.home / "access").exists()
    assert capsys.readouterr().err == (
        "bedplate: access: the stack's kubeconfig is not a kubeconfig; write a new one: ./bedplate up dev\n"
    )
