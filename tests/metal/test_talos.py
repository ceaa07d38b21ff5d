"""From a BMC's power button to a machine's config: the real components, engine and plugins, matchbox and dnsmasq, and real Talos in
metal mode on a machine with firmware, a disk and serial numbers."""

import json
import os
import re

import pytest
from metal import netboot

from clients.talos import Maintenance, NoAnswer
from lab.waiting import wait_for
from toolchain import ensure

pytestmark = pytest.mark.machines

ADDRESS, MAC, UUID = "10.77.0.11", "52:54:00:77:00:01", "27946b59-9e44-4fa7-8e91-f3527a1ef001"
DISK = "S4EWNX0R000001"
# The real program up to the machines. (The engine of 3.255 writes a broken state for the whole one when what its
# Kubernetes provider depends on is excluded.)
PROGRAM = '''"""The first two layers."""

import pulumi

from components import Metal, MetalArgs, Talos, TalosArgs, load

stack = load(pulumi.Config())
metal = Metal("metal", MetalArgs(platform=stack.platform, matchbox=stack.matchbox, bmc=stack.bmc))
talos = Talos("talos", TalosArgs(platform=stack.platform, booted=metal.booted))
'''
# What is there before a machine runs its config: what follows needs an installer image, and a cluster.
BEFORE = ("--exclude", "**::talos-etcd", "--exclude-dependents")


@pytest.fixture(scope="session")
def binaries():
    netboot.refuse_without()
    return ensure({"netboot"})


@pytest.fixture
def net(tmp_path, binaries):
    with netboot.network(tmp_path / "net", 1) as made:
        yield made


@pytest.fixture
def slot(net):
    """Puts the machine into the rack, with this serial number."""
    disk = net.folder / "disk"
    disk.touch()
    os.truncate(disk, 8 << 30)
    facts = {
        "mac": MAC,
        "uuid": UUID,
        "tap": netboot.tap(0),
        "disk": str(disk),
        "disk_serial": DISK,
        "memory_mib": 3072,
        "cpus": 2,
    }
    return lambda serial: {**facts, "serial": serial}


def up(here, check=True):
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", *BEFORE, check=check)
    return done.returncode, done.stdout + done.stderr


def test_another_machine_gets_no_config_and_the_declared_one_does(net, slot, checkout, binaries):
    """Somebody exchanged the machine and left the BMC's board: what it tells is right, what it switches on is not."""
    bmc = net.bmc({"cp-1": slot("LAB0001")})
    machine = {
        "role": "controlplane", "address": ADDRESS, "mac": MAC, "uuid": UUID, "serial": "LAB0001",
        "install": {"disk": {"serial": DISK}}, "expects": {"threads": 2, "memory": "3Gi"},
        "bmc": {"url": bmc.url, "system": UUID, "ca": bmc.pki.ca},
    }  # fmt: skip
    here = checkout("dev")
    net.describe(here, PROGRAM, {"cp-1": machine}, binaries["vmlinuz"], netboot.talos(binaries), bmc)
    net.slot("cp-1", **slot("LAB0002"))
    code, text = up(here, check=False)
    assert code != 0
    assert (
        f"cp-1: the machine at {ADDRESS} is not the declared machine: its serial is LAB0002, and LAB0001 is declared; the config "
        "would erase another machine's disk, so nothing was sent" in " ".join(text.split())
    ), text
    assert "talos:machine:ConfigurationApply talos-cp-1" not in text
    assert bmc.acts("cp-1") == ["Pxe"]
    # It still waits for somebody, and tells anybody what it is.
    hardware = Maintenance().hardware(ADDRESS)
    assert (hardware.uuid, hardware.serial, hardware.platform) == (UUID, "LAB0002", "metal")

    # The right one is put back, and installed with a new permit.
    net.slot("cp-1", **slot("LAB0001"))
    here.edit("dev", {"machines.cp-1.install.generation": 2})
    code, text = up(here)
    assert re.search(r"talos:machine:ConfigurationApply talos-cp-1 created", text), text
    assert bmc.acts("cp-1") == ["Pxe", "halt", "Pxe"]
    found = exported(here)["found"]
    assert (found["uuid"], found["serial"], found["macs"], found["platform"]) == (UUID, "LAB0001", [MAC], "metal")
    assert (found["memoryMib"], found["threads"]) == (3072, 2)
    assert [(disk["name"], disk["serial"]) for disk in found["disks"]] == [("vda", DISK)]

    # It took it: nobody gets in without a certificate any more, and it installs where it was told to.
    wait_for("the installation", lambda: "installing Talos to disk" in net.console("cp-1"), seconds=120)
    assert "/dev/vda" in net.console("cp-1").partition("installing Talos to disk")[2][:40]
    with pytest.raises(NoAnswer):
        Maintenance().hardware(ADDRESS)


def exported(here):
    """The outputs of the identity gate."""
    told = json.loads(here.pulumi("stack", "export", "--stack", "dev").stdout)
    (gate,) = (each for each in told["deployment"]["resources"] if each["type"] == "bedplate-native:talos:Identity")
    return gate["outputs"]
