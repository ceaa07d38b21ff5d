"""Machines with real firmware boot from the network that a platform describes, or go on to their disk."""

from pathlib import Path

import pytest
import requests
from bmcs import PASSWORD, USER
from engine.conftest import taken
from metal import disks, netboot
from metal.conftest import PROGRAM

from core.boot import matchbox as boot
from lab.speed import deadline
from lab.waiting import wait_for
from provider.redfish.access import Access
from provider.redfish.system import System
from toolchain import ensure

pytestmark = pytest.mark.machines

FACTS = {
    "cp-1": {"mac": "52:54:00:77:00:01", "uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef001", "serial": "LAB0001"},
    "wk-1": {"mac": "52:54:00:77:00:02", "uuid": "27946b59-9e44-4fa7-8e91-f3527a1ef002", "serial": "LAB0002"},
}
DECLARED = {
    name: {"role": role, "address": address, "mac": FACTS[name]["mac"], "install": {"disk": {"serial": f"DISK-{name}"}}}
    for name, role, address in (("cp-1", "controlplane", "10.77.0.11"), ("wk-1", "worker", "10.77.0.12"))
}
MODES = {"cp-1": "legacy", "wk-1": "uefi"}
NEXT_ENTRY = ">>Start PXE over IPv6"


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    netboot.refuse_without()
    return ensure({"matchbox", "lab-tools", "guest-linux"})


@pytest.fixture
def net(tmp_path, binaries):
    with netboot.network(tmp_path / "net", len(FACTS)) as made:
        yield made


def up(here):
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")


def test_one_up_has_machines_boot_from_the_network_once_with_bios_and_with_uefi(net, checkout, binaries, tmp_path):
    made = {"cp-1": disks.bios(tmp_path / "bios"), "wk-1": disks.uefi(tmp_path / "uefi")}
    taps = {name: netboot.tap(number) for number, name in enumerate(FACTS)}
    bmc = net.bmc(
        {
            name: {**facts, "disk": made[name], "disk_serial": f"DISK-{name}", "tap": taps[name]}
            for name, facts in FACTS.items()
        }
    )
    machines = {
        name: {
            **DECLARED[name],
            "bmc": {"url": bmc.url, "system": facts["uuid"], "ca": bmc.pki.ca, "boot_mode": MODES[name]},
        }
        for name, facts in FACTS.items()
    }
    here = checkout("dev")
    platform = net.describe(here, PROGRAM, machines, binaries["vmlinuz"], netboot.guest(binaries), bmc)
    up(here)
    systems = {
        name: System(Access(bmc.url, facts["uuid"], USER, PASSWORD, bmc.pki.ca), 600, print)
        for name, facts in FACTS.items()
    }
    for name, facts in FACTS.items():
        wait_for(
            f"{name} to switch itself off",
            lambda name=name: systems[name].power() == "Off",
            seconds=netboot.BOOT_SECONDS,
            every=1,
        )
        console = net.console(name)
        assert "guest booted" in console, console[-3000:]
        # UEFI puts the kernel's own name in front.
        told = next(line for line in console.splitlines() if line.startswith("guest arguments: "))
        assert told.endswith(" ".join(boot.profile(platform, name)["args"])), told
        assert f"guest uuid: {facts['uuid']}" in console and f"guest serial: {facts['serial']}" in console
        assert f"/ipxe?mac={facts['mac'].replace(':', '-')}" in net.told("matchbox")
    assert "snponly.efi to 10.77.0.12" in net.told("dnsmasq")
    # Switched on again, each starts from its disk; and it is off again before anybody could see that it was on.
    (tmp_path / "ca").write_text(bmc.pki.ca)
    for facts in FACTS.values():
        button = f"{bmc.url}/redfish/v1/Systems/{facts['uuid']}/Actions/ComputerSystem.Reset"
        requests.post(
            button, json={"ResetType": "On"}, auth=(USER, PASSWORD), verify=str(tmp_path / "ca"), timeout=deadline(60)
        ).raise_for_status()
    for name in FACTS:
        wait_for(
            f"{name} to switch itself off",
            lambda name=name: systems[name].power() == "Off",
            seconds=netboot.BOOT_SECONDS,
            every=1,
        )
        assert disks.SAYS in net.console(name), net.console(name)[-3000:]
        assert bmc.acts(name) == ["Pxe", "Hdd"]


FIRMWARE = {"cp-1": "bios", "wk-1": "uefi"}


@pytest.fixture(scope="module")
def unknown(tmp_path_factory, fresh_stack, binaries):
    """A network with two machines switched on that dnsmasq knows and matchbox has nothing for, each with a disk."""
    folder = tmp_path_factory.mktemp("unknown")
    with netboot.network(folder / "net", len(FACTS)) as net:
        here = taken(fresh_stack("dev"), folder)
        net.describe(here, PROGRAM, DECLARED, binaries["vmlinuz"], netboot.guest(binaries))
        up(here)
        for name, firmware in FIRMWARE.items():
            (net.matchbox.folder / f"data/groups/dev-{name}.json").unlink()
            disk = disks.bios(folder / "bios") if firmware == "bios" else disks.uefi(folder / "uefi")
            net.plug(name, disk=disk, firmware=firmware, **FACTS[name]).start("Pxe")
        yield net


def test_with_bios_a_machine_that_the_boot_server_has_nothing_for_boots_its_disk(unknown):
    console = netboot.off(unknown.machines["cp-1"])
    assert disks.SAYS in console and "guest booted" not in console, console[-3000:]
    assert "/ipxe?mac=52-54-00-77-00-01" in unknown.told("matchbox")


def test_with_uefi_such_a_machine_goes_on_to_the_next_boot_entry_and_not_to_a_menu(unknown):
    """OVMF reaches the disk minutes later: it tries the card's IPv6 and HTTP entries first, each until it times out."""
    machine = unknown.machines["wk-1"]
    wait_for(
        "the firmware to go on",
        lambda: "BdsDxe" in machine.console.partition("/ipxe... No such file")[2],
        seconds=netboot.BOOT_SECONDS,
    )
    wait_for("its next entry", lambda: NEXT_ENTRY in machine.console or "UiApp" in machine.console, seconds=60)
    assert NEXT_ENTRY in machine.console and "UiApp" not in machine.console, machine.console[-3000:]
