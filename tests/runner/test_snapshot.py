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


def test_it_is_a_file_of_its_owner_and_no_credential_stays(house, talosctl, capsys):
    assert snapshot(house, "dev") == 0
    [made] = (house.layout.home / "snapshots").iterdir()
    assert made.read_text() == "snapshot\n" and stat.S_IMODE(made.stat().st_mode) == 0o600
    assert not list(house.layout.home.rglob("talosconfig"))
    [asked] = talosctl()
    assert "SEKRET" not in asked + capsys.readouterr().out


def test_where_one_control_plane_is_down_another_is_asked(house, talosctl, tmp_path):
    (house.layout.bin / "dead").touch()
    assert snapshot(house, "dev", str(tmp_path / "db")) == 0
    assert [line.split()[3] for line in talosctl()] == ["10.0.0.11", "10.0.0.12"] and (tmp_path / "db").exists()


def test_no_snapshot_is_written_over(house, talosctl, tmp_path, capsys):
    (tmp_path / "db").write_text("the only one")
    assert snapshot(house, "dev", str(tmp_path / "db")) == 2
    assert (tmp_path / "db").read_text() == "the only one"
    assert capsys.readouterr().err.endswith("db exists already, and may be the only snapshot; name another file\n")


def test_where_no_control_plane_yields_one_the_last_reason_is_shown(house, talosctl, tmp_path, capsys):
    (house.layout.bin / "dead").touch()
    house.plan(prints=json.dumps(OUTPUTS))
    assert snapshot(house, "dev", str(tmp_path / "db")) == 2
    assert capsys.readouterr().err == (
        "bedplate: snapshot: no control plane provided one (10.0.0.11): connection refused; "
        "look at: ./bedplate access dev, then talosctl etcd status\n"
    )


def test_a_platform_that_is_not_there_has_none(house, capsys):
    house.plan(prints="{}")
    assert snapshot(house, "dev") == 2
    assert capsys.readouterr().err.startswith("bedplate: snapshot: stack dev has no talosconfig")
