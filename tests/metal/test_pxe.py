"""Machines with real firmware boot from the network that a platform describes, or go on to their disk."""

from pathlib import Path

import pytest
import yaml
from conftest import KEY
from metal import disks, netboot
from metal.conftest import PROGRAM, serve

from components.metal import boot
from components.platform import parse
from lab.waiting import wait_for
from toolchain import ensure

pytestmark = pytest.mark.machines

MACHINES = {
    "cp-1": {"mac": "52:54:00:77:00:01", "uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef001", "serial": "LAB0001", "firmware": "bios"},
    "wk-1": {"mac": "52:54:00:77:00:02", "uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef002", "serial": "LAB0002", "firmware": "uefi"},
}

NEXT_ENTRY = ">>Start PXE over IPv6"


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    netboot.refuse_without()
    return ensure({"matchbox", "lab-tools", "guest-linux"})


@pytest.fixture
def net(tmp_path, binaries):
    with netboot.network(tmp_path / "net", len(MACHINES)) as made:
        yield made


@pytest.fixture
def platform(net, checkout, binaries):
    """Dev with two machines of ours, made so by the real engine: matchbox has what they boot, and dnsmasq runs."""
    here = checkout("dev")
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    told = netboot.platform_edits(net.folder)
    for number, (name, facts) in enumerate(MACHINES.items(), start=11):
        told[f"machines.{name}"] = {
            "role": "controlplane" if name == "cp-1" else "worker", "address": f"10.77.0.{number}", "mac": facts["mac"],
            "install": {"disk": {"serial": f"DISK{number}"}},
        }  # fmt: skip
    here.edit("dev", told)
    serve(here, "dev", net.matchbox)
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    made = parse(yaml.safe_load((here.folder / "Pulumi.dev.yaml").read_text())["config"][KEY])
    net.images(made, binaries["vmlinuz"], netboot.guest(binaries))
    net.serve(made)
    return made


def test_machines_boot_from_the_network_with_bios_and_with_uefi(net, platform):
    machines = [net.plug(name, **facts) for name, facts in MACHINES.items()]
    for machine in machines:
        machine.start("Pxe")
    for machine in machines:
        console = netboot.off(machine)
        assert "guest booted" in console, console[-3000:]
        # UEFI puts the kernel's own name in front.
        told = next(line for line in console.splitlines() if line.startswith("guest arguments: "))
        assert told.endswith(" ".join(boot.profile(platform)["args"])), told
        assert f"guest uuid: {machine.hardware.uuid}" in console and f"guest serial: {machine.hardware.serial}" in console
        asked = net.told("matchbox")
        assert f"/ipxe?mac={machine.hardware.mac.replace(':', '-')}" in asked, asked
    assert "sent" in net.told("dnsmasq") and "snponly.efi" in net.told("dnsmasq")


@pytest.fixture
def unknown(net, platform, tmp_path):
    """Switches on a machine that dnsmasq knows and matchbox has nothing for, with a disk that it could boot."""

    def start(name):
        facts = MACHINES[name]
        (net.matchbox.folder / f"data/groups/dev-{name}.json").unlink()
        disk = disks.bios(tmp_path / "disk") if facts["firmware"] == "bios" else disks.uefi(tmp_path / "disk")
        machine = net.plug(name, disk=disk, **facts)
        machine.start("Pxe")
        return machine

    return start


def test_with_bios_a_machine_that_the_boot_server_has_nothing_for_boots_its_disk(net, unknown):
    machine = unknown("cp-1")
    console = netboot.off(machine)
    assert disks.SAYS in console and "guest booted" not in console, console[-3000:]
    assert "/ipxe?mac=52-54-00-77-00-01" in net.told("matchbox")


def test_with_uefi_such_a_machine_goes_on_to_the_next_boot_entry_and_not_to_a_menu(net, unknown):
    """To the disk it takes OVMF minutes more: the card's IPv6 and HTTP entries are tried first, each until it times out."""
    machine = unknown("wk-1")
    wait_for("the firmware to go on", lambda: "BdsDxe" in machine.console.partition("/ipxe... No such file")[2], seconds=netboot.BOOT_SECONDS)
    wait_for("its next entry", lambda: NEXT_ENTRY in machine.console or "UiApp" in machine.console, seconds=60)
    assert NEXT_ENTRY in machine.console and "UiApp" not in machine.console, machine.console[-3000:]


def test_with_uefi_a_machine_whose_disk_is_first_asks_nobody(net, platform, tmp_path):
    machine = net.plug("wk-1", disk=disks.uefi(tmp_path / "disk"), **MACHINES["wk-1"])
    machine.start("Hdd")
    assert disks.SAYS in netboot.off(machine)
    assert "HTTP GET" not in net.told("matchbox") and "DHCP" not in net.told("dnsmasq").partition("sockets bound")[2]
