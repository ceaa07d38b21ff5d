"""What Talos in a container refuses, on a machine with firmware and a disk: it is installed from an image made here, boots from its
disk, is upgraded, rolled back and erased. The real components, engine, plugins and Talos; the release after the first is the same
code under the next number."""

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bmcs import Bmc
from engine.conftest import Checkout
from metal import netboot

from clients.talos import Client, NoAnswer, Running
from lab import prepare
from lab.images import Store, platform_images
from lab.layout import Layout
from lab.registry import Registry
from lab.testing import installer
from lab.testing.clock import Clock
from lab.waiting import wait_for
from toolchain import ensure

pytestmark = pytest.mark.machines

ADDRESS, MAC, UUID = "10.77.0.11", "52:54:00:77:00:01", "27946b59-9e44-4fa7-8e91-f3527a1ef001"
DISK = "S4EWNX0R000001"
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
# Of the image: what a machine prints goes to the line that the test reads; and what Talos' own kernel has built in, and its kubelet asks for.
ARGUMENTS = ["console=ttyS0", "oops=panic"]
# What Talos stumbles over while it starts: it then boots what ran before.
BROKEN = "talos.experimental.wipe=nonsense"
# An installation, or an upgrade, with every image pulled and Kubernetes started, on an emulated machine that shares its processors.
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
        """Puts an installer into the registry: of the first release, or of the one after it. more: kernel arguments of its image."""
        programs = dict(self.binaries)
        which = "installer" if version == FIRST else "installer-next"
        if version != FIRST:
            programs["machined"] = programs["machined-next"]
        initramfs = self.folder / f"initramfs-{version}"
        initramfs.write_bytes(netboot.talos(programs, version))
        folder = self.folder / f"{version}{'-broken' if more else ''}"
        boots = installer.unified(
            programs, initramfs, version=version, arguments=[*ARGUMENTS, *more], folder=folder, installer=which
        )
        self.store.add([installer.image(programs, name, boots, which)])

    @property
    def store(self) -> Store:
        return Store(Layout.of(prepare.CHECKOUT / ".toolchain", "netboot").store / "images")

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
        """What it runs, once that is this release, after another boot. It is emulated: a call that takes long is asked again."""

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


@pytest.fixture
def site(tmp_path, binaries, checkout):
    with netboot.network(tmp_path / "net", 1) as net:
        disk = net.folder / "disk"
        disk.touch()
        os.truncate(disk, 10 << 30)
        facts = {
            "mac": MAC,
            "uuid": UUID,
            "serial": "LAB0001",
            "tap": netboot.tap(0),
            "disk": str(disk),
            "disk_serial": DISK,
            "memory_mib": 4096,
            "cpus": 2,
        }
        bmc = net.bmc({"cp-1": facts})
        machine = {
            "role": "controlplane", "address": ADDRESS, "mac": MAC, "uuid": UUID, "serial": "LAB0001", "install": {"disk": {"serial": DISK}},
            "bmc": {"url": bmc.url, "system": UUID, "ca": bmc.pki.ca},
        }  # fmt: skip
        made = prepare.versions()
        more = {
            "talos.version": FIRST, "talos.kubernetes": made.kubernetes, "talos.schematic": {"kernel_args": ARGUMENTS},
            # A boot through the firmware, as a BMC would see it, and not from kernel to kernel.
            "talos.sysctls": {"kernel.kexec_load_disabled": "1"},
            "network.time": [netboot.SERVERS], "network.resolvers": [netboot.SERVERS],
            "registries": {"mirrors": {"*": {"endpoints": [f"http://{netboot.SERVERS}:5000"]}}},
        }  # fmt: skip
        here = checkout("dev")
        platform = net.describe(
            here, PROGRAM, {"cp-1": machine}, binaries["vmlinuz"], netboot.talos(binaries), bmc, more
        )
        here.deadline = UP_SECONDS
        found = Site(here, net, bmc, tmp_path, binaries)
        found.store.add(platform_images(binaries, kubernetes=made.kubernetes, etcd=made.etcd, coredns=made.coredns))
        found.image(FIRST, platform.installer)
        found.image(NEXT, platform.installer.replace(FIRST, NEXT), BROKEN)
        registry, clock = Registry(found.store.directory, netboot.SERVERS, 5000), Clock(netboot.SERVERS)
        try:
            yield found
        finally:
            clock.stop()
            registry.stop()


def test_a_machine_is_installed_upgraded_rolled_back_and_erased(site):
    # From the BMC's power button to a release that runs from the disk.
    text = site.up()
    assert site.resource("Release")["version"] == FIRST, text
    assert site.bmc.acts("cp-1") == ["Pxe", "Hdd"]
    assert "installing Talos to disk /dev/vda" in site.net.printed("cp-1")
    first = site.seen(FIRST)
    assert not first.contained
    wait_for("etcd with its one member", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)

    # A next release that doesn't start: Talos goes back to the first one by itself, and the run ends by name.
    site.here.edit("dev", {"talos.version": NEXT})
    told = site.here.pulumi("preview", "--stack", "dev").stdout
    assert f"cp-1 is drained, upgraded to {NEXT} and REBOOTED" in " ".join(told.split()), told
    text = " ".join(site.up(check=False).split())
    assert f"cp-1 was to run {NEXT} and came back with {FIRST}: the new one did not start" in text, text
    site.seen(FIRST, first.booted)
    wait_for("etcd on the release that it went back to", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)

    # Mended, it is drained, installed beside the first one, booted and read back.
    site.image(NEXT, site.resource("Release")["image"].replace(FIRST, NEXT))
    text = site.up()
    assert f"{FIRST} -> {NEXT}: it is drained, installs" in text, text
    assert site.resource("Release")["version"] == NEXT
    second = site.seen(NEXT, first.booted)
    assert set(site.bmc.acts("cp-1")[1:]) == {"Hdd"}, "it was booted from the network once"
    wait_for("etcd with what it held before", site.has_its_etcd, seconds=BOOT_SECONDS, every=2)

    # Somebody goes back to the release before: drift tells, and the state doesn't know.
    talosctl(site, "rollback")
    site.seen(FIRST, second.booted)
    drift = subprocess.run(
        [sys.executable, "-m", "operations.drift", "dev", "--json"],
        cwd=site.here.folder,
        env=site.here.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert drift.returncode == 7, drift.stderr
    [found] = json.loads(drift.stdout)
    assert {"document": "Talos", "path": "version", "before": NEXT, "after": FIRST}.items() <= found["differences"][
        0
    ].items(), found

    # Told to erase itself, as decommission does: it switches itself off, and its disk boots no more.
    talosctl(site, "reset", "--graceful=false", "--reboot=false", "--wipe-mode=system-disk", "--wait=false")
    wait_for("the machine to switch itself off", lambda: not site.net.on("cp-1"), seconds=BOOT_SECONDS, every=1)
    with (site.net.folder / "disk").open("rb") as disk:
        start = disk.read(1 << 20)
    assert b"EFI PART" not in start and start.count(0) == len(start), "there is a partition table still"


def talosctl(site: Site, *arguments: str) -> None:
    command = ["talosctl", f"--talosconfig={site.talosconfig()}", f"--nodes={ADDRESS}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOOT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
