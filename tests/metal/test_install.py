"""A machine with firmware and a disk, from a BMC's power button to its end, with what Talos in a container refuses.

Another machine in its place gets no config. The declared one is installed from an image made here, boots from its disk,
is upgraded, rolled back and erased. The components, engine, plugins, matchbox, dnsmasq and Talos are real; the release
after the first is the same code under the next number.
"""

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bmcs import Bmc
from engine.conftest import Checkout
from metal import netboot

from clients.talos import Client, Maintenance, NoAnswer, Running
from lab import prepare
from lab.images import Store
from lab.platform_images import platform_images
from lab.registry import Registry
from lab.speed import deadline
from lab.testing import installer
from lab.testing.clock import Clock
from lab.waiting import wait_for
from tests.diskvms import EPHEMERAL
from toolchain import ensure

pytestmark = pytest.mark.machines

ADDRESS, MAC, UUID = "10.77.0.11", "52:54:00:77:00:01", "27946b59-9e44-4fa7-8e91-f3527a1ef001"
SERIAL, DISK = "LAB0001", "S4EWNX0R000001"
# What the BMC did before the machine ran its config: the wrong machine, then the declared one with a new permit.
BOOTED = ["Pxe", "halt", "Pxe"]
FIRST, NEXT = "v1.12.0", "v1.12.1"
# The real program as far as machines are a cluster.
PROGRAM = '''"""The first two layers."""

import pulumi

from components import Metal, MetalArgs, Talos, TalosArgs, load

stack = load(pulumi.Config())
metal = Metal("metal", MetalArgs(platform=stack.platform, matchbox=stack.matchbox, bmc=stack.bmc))
talos = Talos("talos", TalosArgs(platform=stack.platform, booted=metal.booted))
pulumi.export("talosconfig", talos.talosconfig)
'''
# Of the image: the machine prints to the line that the test reads; and what Talos' own kernel has built in.
ARGUMENTS = [*netboot.KERNEL_ARGUMENTS, "oops=panic"]
# What Talos stumbles over while it starts: it then boots what ran before.
BROKEN = "talos.experimental.wipe=nonsense"
# An installation or an upgrade, with every image pulled and Kubernetes started, on an emulated machine.
UP_SECONDS, BOOT_SECONDS = 1500, 600


@dataclass
class Site:
    """One machine, all that it asks for, and the program that is to bring it up."""

    here: Checkout
    net: netboot.Network
    bmc: Bmc
    folder: Path
    binaries: dict[str, Path]

    def image(self, version: str, name: str, *more: str) -> None:
        """Put an installer of this release into the registry. more: kernel arguments of its image."""
        programs = dict(self.binaries)
        which = "installer" if version == FIRST else "installer-next"
        if version != FIRST:
            programs["machined"] = programs["machined-next"]
        boots = installer.unified(
            programs,
            netboot.talos(programs, version),
            version=version,
            arguments=[*ARGUMENTS, *more],
            parent=netboot.kept(),
            installer=which,
        )
        self.store.add([installer.image(programs, name, boots, which)])

    @property
    def store(self) -> Store:
        return Store(netboot.kept() / "images")

    def up(self, check: bool = True) -> str:
        done = self.here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=check)
        assert check or done.returncode, done.stdout
        return done.stdout + done.stderr

    def resource(self, kind: str) -> dict[str, Any]:
        """The outputs of the one resource of a kind."""
        told = json.loads(self.here.pulumi("stack", "export", "--stack", "dev", "--show-secrets").stdout)
        (found,) = (one for one in told["deployment"]["resources"] if one["type"].endswith(f":{kind}"))
        return dict(found["outputs"])

    def talosconfig(self) -> Path:
        file = self.folder / "talosconfig"
        file.touch(mode=0o600)
        file.write_text(self.here.pulumi("stack", "output", "--stack", "dev", "--show-secrets", "talosconfig").stdout)
        return file

    def client(self) -> Client:
        (context,) = json.loads(self.talosconfig().read_text())["contexts"].values()
        return Client(*(base64.b64decode(context[part]) for part in ("ca", "crt", "key")))

    def seen(self, version: str, since: int = 0) -> Running:
        """What the machine runs, once that is this release, booted at another time than `since`."""

        def ask() -> Running | None:
            try:
                seen = self.client().running(ADDRESS)
            except NoAnswer:
                return None
            return seen if (seen.version, seen.stage) == (version, "running") and seen.booted != since else None

        return wait_for(f"{version} to run", ask, seconds=BOOT_SECONDS, every=2)

    def has_its_etcd(self) -> bool:
        try:
            return self.client().members(ADDRESS) == {"cp-1": True}
        except NoAnswer:
            return False


@pytest.fixture(scope="session")
def binaries():
    netboot.refuse_without()
    return ensure({"install"})


def hardware(net: netboot.Network, serial: str) -> dict[str, Any]:
    """The machine as it stands in the rack, with this serial number."""
    return {
        "mac": MAC,
        "uuid": UUID,
        "serial": serial,
        "tap": netboot.tap(0),
        "disk": str(net.folder / "disk"),
        "disk_serial": DISK,
        "memory_mib": 4096,
        "cpus": 2,
    }


def declared(bmc: Bmc) -> dict[str, Any]:
    """The machine as the stack file has it."""
    return {
        "role": "controlplane",
        "address": ADDRESS,
        "mac": MAC,
        "uuid": UUID,
        "serial": SERIAL,
        "install": {"disk": {"serial": DISK}},
        "expects": {"threads": 2, "memory": "3Gi"},
        "bmc": {"url": bmc.url, "system": UUID, "ca": bmc.pki.ca},
    }


def surroundings() -> dict[str, Any]:
    """The rest of the platform: dotted path to value."""
    return {
        # What a machine runs above Talos is not part of this.
        **EPHEMERAL,
        "talos.version": FIRST,
        "talos.kubernetes": prepare.versions().kubernetes,
        "talos.schematic": {"kernel_args": ARGUMENTS},
        # A boot through the firmware, as a BMC would see it, and not from kernel to kernel.
        "talos.sysctls": {"kernel.kexec_load_disabled": "1"},
        "network.time": [netboot.SERVERS],
        "network.resolvers": [netboot.SERVERS],
        "registries": {"mirrors": {"*": {"endpoints": [f"http://{netboot.SERVERS}:5000"]}}},
    }


@pytest.fixture
def site(tmp_path, binaries, checkout):
    with netboot.network(tmp_path / "net", 1) as net:
        (net.folder / "disk").touch()
        os.truncate(net.folder / "disk", 10 << 30)
        bmc = net.bmc({"cp-1": hardware(net, SERIAL)})
        here = checkout("dev")
        platform = net.describe(
            here,
            PROGRAM,
            {"cp-1": declared(bmc)},
            binaries["vmlinuz"],
            netboot.talos(binaries),
            bmc,
            surroundings(),
        )
        here.deadline = UP_SECONDS
        found = Site(here, net, bmc, tmp_path, binaries)
        made = prepare.versions()
        found.store.add(platform_images(binaries, kubernetes=made.kubernetes, etcd=made.etcd, coredns=made.coredns))
        found.image(FIRST, platform.installer_of(platform.first))
        found.image(NEXT, platform.installer_of(platform.first).replace(FIRST, NEXT), BROKEN)
        registry, clock = Registry(found.store.directory, netboot.SERVERS, 5000), Clock(netboot.SERVERS)
        try:
            yield found
        finally:
            clock.stop()
            registry.stop()


def test_a_machine_is_identified_installed_upgraded_rolled_back_and_erased(site):
    another_machine_gets_no_config(site)
    first = the_declared_one_is_installed(site)
    a_release_that_does_not_start_is_left(site, first)
    second = the_next_release_is_installed_beside_it(site, first)
    a_rollback_by_hand_is_drift(site, second)
    it_erases_itself(site)


def another_machine_gets_no_config(site: Site) -> None:
    """Somebody exchanged the machine and left the BMC's board: its reports are right, what it switches on is not."""
    site.net.slot("cp-1", **hardware(site.net, "LAB0002"))
    text = " ".join(site.up(check=False).split())
    assert (
        f"cp-1: the machine at {ADDRESS} is not the declared machine: its serial is LAB0002, and {SERIAL} is "
        "declared; the config would erase another machine's disk, so nothing was sent" in text
    ), text
    assert "bedplate-native:talos:MachineConfig talos-cp-1" not in text
    assert site.bmc.acts("cp-1") == ["Pxe"]
    # It is still in maintenance mode, and tells anybody what it is.
    seen = Maintenance.at(ADDRESS).hardware(ADDRESS)
    assert (seen.uuid, seen.serial, seen.platform) == (UUID, "LAB0002", "metal")


def the_declared_one_is_installed(site: Site) -> Running:
    """The right machine is put back, and with a new permit it goes from the power button to a release on its disk."""
    site.net.slot("cp-1", **hardware(site.net, SERIAL))
    site.here.edit("dev", {"machines.cp-1.install.generation": 2})
    text = site.up()
    assert re.search(r"bedplate-native:talos:MachineConfig talos-cp-1 created", text), text
    assert site.resource("Release")["version"] == FIRST, text
    # An emulated kernel that panics starts again, from its disk as well.
    acts = site.bmc.acts("cp-1")
    assert acts[: len(BOOTED)] == BOOTED and set(acts[len(BOOTED) :]) == {"Hdd"}, acts
    found = site.resource("Identity")["found"]
    assert (found["uuid"], found["serial"], found["macs"], found["platform"]) == (UUID, SERIAL, [MAC], "metal")
    assert (found["memoryMib"], found["threads"]) == (4096, 2)
    assert [(disk["name"], disk["serial"]) for disk in found["disks"]] == [("vda", DISK)]
    assert "installing Talos to disk /dev/vda" in site.net.printed("cp-1")
    with pytest.raises(NoAnswer):
        Maintenance.at(ADDRESS).hardware(ADDRESS)
    first = site.seen(FIRST)
    assert not first.contained
    wait_for("etcd with its one member", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)
    return first


def a_release_that_does_not_start_is_left(site: Site, first: Running) -> None:
    """Talos goes back to the first release by itself, and the run ends with the machine's name."""
    site.here.edit("dev", {"talos.version": NEXT})
    told = site.here.pulumi("preview", "--stack", "dev").stdout
    assert f"cp-1 is drained, upgraded to {NEXT} and REBOOTED" in " ".join(told.split()), told
    text = " ".join(site.up(check=False).split())
    assert f"cp-1 was upgraded to {NEXT} and came back with {FIRST}: {NEXT} did not start" in text, text
    site.seen(FIRST, first.booted)
    wait_for("etcd on the release that it went back to", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)


def the_next_release_is_installed_beside_it(site: Site, first: Running) -> Running:
    """With an image that starts, the machine is drained, installed beside the first release, booted and read back."""
    site.image(NEXT, site.resource("Release")["image"].replace(FIRST, NEXT))
    text = site.up()
    assert f"{FIRST} -> {NEXT}: it is drained, installs" in text, text
    assert site.resource("Release")["version"] == NEXT
    second = site.seen(NEXT, first.booted)
    acts = site.bmc.acts("cp-1")
    assert set(acts[len(BOOTED) :]) == {"Hdd"}, f"after its installation it was booted from the network: {acts}"
    wait_for("etcd with what it held before", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)
    return second


def a_rollback_by_hand_is_drift(site: Site, second: Running) -> None:
    """Somebody goes back to the release before: `drift` reports it, and the state knows nothing of it."""
    talosctl(site, "rollback")
    site.seen(FIRST, second.booted)
    drift = subprocess.run(
        [sys.executable, "-m", "operations.drift", "dev", "--json"],
        cwd=site.here.folder,
        env=site.here.environment,
        capture_output=True,
        text=True,
        timeout=deadline(60),
    )
    assert drift.returncode == 7, drift.stderr
    [found] = json.loads(drift.stdout)
    difference = {"document": "Talos", "path": "version", "before": NEXT, "after": FIRST}
    assert difference.items() <= found["differences"][0].items(), found


def it_erases_itself(site: Site) -> None:
    """Reset as decommission does it, the machine switches itself off, and its disk boots no more."""
    talosctl(site, "reset", "--graceful=false", "--reboot=false", "--wipe-mode=system-disk", "--wait=false")
    wait_for("the machine to switch itself off", lambda: not site.net.on("cp-1"), seconds=BOOT_SECONDS, every=1)
    with (site.net.folder / "disk").open("rb") as disk:
        start = disk.read(1 << 20)
    assert b"EFI PART" not in start and start.count(0) == len(start), "there is a partition table still"


def talosctl(site: Site, *arguments: str) -> None:
    command = ["talosctl", f"--talosconfig={site.talosconfig()}", f"--nodes={ADDRESS}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline(BOOT_SECONDS))
    assert done.returncode == 0, done.stdout + done.stderr
