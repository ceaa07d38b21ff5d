"""The credentials of a stack as files."""

import json
import stat

import pytest
from outputs import OUTPUTS, TALOSCONFIG

from runner import main


def access(house, *arguments):
    return main.main_in(house.layout, ["access", *arguments])


def test_only_the_owner_can_read_both_files_and_no_secret_is_printed(house, capsys):
    house.plan(prints=json.dumps(OUTPUTS))
    assert access(house, "dev") == 0
    folder = house.layout.home / "access" / "dev"
    assert (folder / "talosconfig").read_text() == TALOSCONFIG and (
        folder / "kubeconfig"
    ).read_text() == "SEKRET-KUBECONFIG"
    assert [stat.S_IMODE(f.stat().st_mode) for f in (folder, folder / "talosconfig", folder / "kubeconfig")] == [
        0o700,
        0o600,
        0o600,
    ]
    output = capsys.readouterr()
    assert "SEKRET" not in output.out + output.err
    assert f"  export TALOSCONFIG={folder}/talosconfig\n  export KUBECONFIG={folder}/kubeconfig\n" in output.out
    assert "talosctl -n 10.0.0.11 health" in output.out and "talosctl -n 10.0.0.21 dashboard" in output.out
    assert "Valid until:\n  talosconfig 2027-11-23\n  kubeconfig 2027-11-24\n" in output.out
    assert "virtctl console NAME" in output.out


def test_existing_files_are_replaced_whatever_their_mode(house):
    folder = house.layout.home / "access" / "dev"
    folder.mkdir(parents=True)
    (folder / "kubeconfig").write_text("old")
    (folder / "kubeconfig").chmod(0o644)
    house.plan(prints=json.dumps(OUTPUTS))
    assert access(house, "dev") == 0
    assert (folder / "kubeconfig").read_text() == "SEKRET-KUBECONFIG" and stat.S_IMODE(
        (folder / "kubeconfig").stat().st_mode
    ) == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["kubeconfig", "talosconfig"]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {},
            "bedplate: access: stack dev has no talosconfig and no kubeconfig yet; "
            "create the platform first: ./bedplate up dev\n",
        ),
        (
            {"talosconfig": TALOSCONFIG},
            "bedplate: access: stack dev has no kubeconfig yet; create the platform first: ./bedplate up dev\n",
        ),
    ],
)
def test_a_stack_that_is_not_up_has_no_credentials(house, capsys, outputs, message):
    house.plan(prints=json.dumps(outputs))
    assert access(house, "dev") == 2
    assert capsys.readouterr().err == message
    assert not (house.layout.home / "access").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: STACK"),
        (["--all"], "the following arguments are required: STACK"),
        (["dev", "prod"], "unrecognized arguments: prod"),
        (["dev", "--al"], "unrecognized arguments: --al"),
    ],
)
def test_access_needs_a_stack(house, capsys, arguments, reason):
    assert access(house, *arguments) == 2
    assert capsys.readouterr().err == (
        f"bedplate: access: {reason}; write: ./bedplate access STACK; there are: dev, prod\n"
    )


def test_the_engines_error_is_shown(house, capsys):
    house.plan(stack_output=[255], says="error: no stack named 'dev' found")
    assert access(house, "dev") == 2
    assert "error: no stack named 'dev' found; create the platform first: ./bedplate up dev" in capsys.readouterr().err
