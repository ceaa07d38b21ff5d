"""Which labs are valid, and the commands that create a lab's network."""

from pathlib import Path

import pytest

from lab import network
from lab.__main__ import main
from lab.layout import Layout
from lab.topology import Machine, Topology

CP = Machine(name="cp-1", role="controlplane", address="192.168.10.11", mac="52:54:00:aa:00:01")


def lab(**more) -> Topology:
    return Topology(**{"name": "t", "network": "192.168.10.0/24", "machines": (CP,), **more})


def test_the_gateway_is_the_first_address_unless_set():
    assert lab().bridge_address == "192.168.10.1/24"
    assert lab(gateway="192.168.10.254").registry == "https://192.168.10.254:5000"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"machines": (CP, CP)}, "two machines have the same name"),
        ({"network": "10.0.0.0/24"}, "192.168.10.11 is not in 10.0.0.0/24"),
        ({"gateway": "192.168.10.11"}, "cp-1 has the gateway's address"),
    ],
)
def test_an_invalid_lab_is_refused(more, why):
    with pytest.raises(ValueError, match=why):
        lab(**more)


def test_an_unknown_machine_is_refused_with_the_names_of_all():
    with pytest.raises(KeyError, match="no machine wk-9; it has cp-1"):
        lab().machine("wk-9")


def test_a_lab_is_equal_after_writing_and_reading_its_file():
    assert Topology.from_json(lab(aliases=("10.9.9.9",)).as_json()) == lab(aliases=("10.9.9.9",))


def test_a_node_gets_its_mac_before_its_cable_is_plugged_in():
    plugged = network.plug(CP, 0, 42, lab(mark="0a1b2c3d"))
    assert plugged[0] == "link add n0-0a1b2c3d type veth peer name eth0 address 52:54:00:aa:00:01 netns 42"
    assert "addr add 192.168.10.11/24 dev eth0" in network.address(CP, lab())


def test_no_name_of_an_interface_is_too_long_for_the_kernel():
    here = lab(mark=Layout.of(Path("/a/checkout/.toolchain"), "dev").mark)
    assert len(network.cable(9999, here)) < 16 and len(network.bridge_name(here)) < 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prod", "--only", "nothing"], "rehearse: argument --only: invalid choice: 'nothing' (choose from "),
        (["no-such-stack"], "rehearse: there is no stack 'no-such-stack' (no file Pulumi.no-such-stack.yaml); "),
        (["stop", "no-such-stack"], "rehearse stop: there is no stack and no lab 'no-such-stack'; labs that are "),
    ],
)
def test_a_call_with_an_unknown_name_is_refused_before_anything_starts(arguments, message, capsys):
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bedplate: {message}")


@pytest.mark.parametrize("arguments", [["No_Lab"], ["stop", "No_Lab"], ["No_Lab", "--kills", "1"]])
def test_a_name_that_no_lab_can_have_is_refused_in_one_line(arguments, capsys, tmp_path, monkeypatch):
    (tmp_path / "Pulumi.No_Lab.yaml").write_text("config: {}\n")
    monkeypatch.setattr("lab.__main__.CHECKOUT", tmp_path)
    assert main(arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("rehearse: 'No_Lab' can't name a lab, because ")
