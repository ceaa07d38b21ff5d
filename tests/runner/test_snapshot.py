"""A snapshot of etcd as a file."""

import json
import stat

import pytest
from outputs import OUTPUTS, TALOSCONFIG

from runner import main

TALOSCTL = """#!/bin/sh
echo "$@" >> {log}
case "$4" in 10.0.0.11) test -e {dead} && echo "connection refused" >&2 && exit 1 ;; esac
for last; do :; done
echo snapshot > "$last"
"""


@pytest.fixture
def talosctl(house):
    file = house.layout.bin / "talosctl"
    file.write_text(TALOSCTL.format(log=house.layout.bin / "asked", dead=house.layout.bin / "dead"))
    file.chmod(0o755)
    config = json.loads(TALOSCONFIG)
    config["contexts"]["dev"]["endpoints"].append("10.0.0.12")
    house.plan(prints=json.dumps({**OUTPUTS, "talosconfig": json.dumps(config)}))
    return lambda: (house.layout.bin / "asked").read_text().splitlines()


def snapshot(house, *arguments):
    return main.main_in(house.layout, ["snapshot", *arguments])


def test_only_the_owner_can_read_a_snapshot_and_no_credential_is_left(house, talosctl, capsys):
    assert snapshot(house, "dev") == 0
    [file] = (house.layout.home / "snapshots").iterdir()
    assert file.read_text() == "snapshot\n" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(house.layout.home.rglob("talosconfig"))
    [call] = talosctl()
    assert "SEKRET" not in call + capsys.readouterr().out


def test_if_a_control_plane_is_down_the_next_one_is_queried(house, talosctl, tmp_path):
    (house.layout.bin / "dead").touch()
    assert snapshot(house, "dev", str(tmp_path / "db")) == 0
    assert [line.split()[3] for line in talosctl()] == ["10.0.0.11", "10.0.0.12"] and (tmp_path / "db").exists()


def test_no_snapshot_is_overwritten(house, talosctl, tmp_path, capsys):
    (tmp_path / "db").write_text("the only one")
    assert snapshot(house, "dev", str(tmp_path / "db")) == 2
    assert (tmp_path / "db").read_text() == "the only one"
    assert capsys.readouterr().err.endswith("db exists already, and may be the only snapshot; name another file\n")


def test_if_no_control_plane_answers_the_last_error_is_shown(house, talosctl, tmp_path, capsys):
    (house.layout.bin / "dead").touch()
    house.plan(prints=json.dumps(OUTPUTS))
    assert snapshot(house, "dev", str(tmp_path / "db")) == 2
    assert capsys.readouterr().err == (
        "bedplate: snapshot: no control plane provided one (10.0.0.11): connection refused; "
        "look at: ./bedplate access dev, then talosctl etcd status\n"
    )


def test_a_stack_that_is_not_up_has_no_snapshot(house, capsys):
    house.plan(prints="{}")
    assert snapshot(house, "dev") == 2
    assert capsys.readouterr().err.startswith("bedplate: snapshot: stack dev has no talosconfig")
