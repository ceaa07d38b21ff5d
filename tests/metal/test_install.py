"""What Talos in a container refuses, on a machine: installed from an image made here, booted from its disk, upgraded, rolled back, reset."""

import os
import re

import pytest
from metal import netboot

from lab import installer
from lab.bench import CHECKOUT, versions
from lab.clock import Clock
from lab.images import Store, platform_images
from lab.layout import Layout
from lab.registry import Registry
from toolchain import ensure

pytestmark = pytest.mark.machines

ADDRESS, MAC, UUID = "10.77.0.11", "52:54:00:77:00:01", "27946b59-9e44-4fa7-8e91-f3527a1ef001"
DISK = "S4EWNX0R000001"
PROGRAM = '''"""The first two layers."""

import pulumi

from components import Metal, MetalArgs, Talos, TalosArgs, load

stack = load(pulumi.Config())
metal = Metal("metal", MetalArgs(platform=stack.platform, matchbox=stack.matchbox, bmc=stack.bmc))
talos = Talos("talos", TalosArgs(platform=stack.platform, booted=metal.booted))
pulumi.export("talosconfig", talos.talosconfig)
'''
ARGUMENTS = ["console=ttyS0"]


@pytest.fixture(scope="session")
def binaries():
    netboot.refuse_without()
    return ensure({"install"})


@pytest.fixture
def net(tmp_path, binaries):
    with netboot.network(tmp_path / "net", 1) as made:
        yield made


def test_all(net, checkout, binaries, tmp_path):
    disk = net.folder / "disk"
    disk.touch()
    os.truncate(disk, 10 << 30)
    facts = {"mac": MAC, "uuid": UUID, "tap": netboot.tap(0), "disk": str(disk), "disk_serial": DISK, "memory_mib": 4096, "cpus": 2}
    bmc = net.bmc({"cp-1": {**facts, "serial": "LAB0001"}})
    machine = {
        "role": "controlplane", "address": ADDRESS, "mac": MAC, "uuid": UUID, "serial": "LAB0001",
        "install": {"disk": {"serial": DISK}},
        "bmc": {"url": bmc.url, "system": UUID, "ca": bmc.pki.ca},
    }  # fmt: skip
    here = checkout("dev")
    registry = f"http://{netboot.SERVERS}:5000"
    here.edit("dev", {
        "talos.version": "v1.12.0", "talos.kubernetes": versions().kubernetes, "talos.schematic": {"kernel_args": ARGUMENTS},
        "talos.sysctls": {"kernel.kexec_load_disabled": "1"},
        "network.time": [netboot.SERVERS],
        "registries": {"mirrors": {"*": {"endpoints": [registry]}}},
    })
    archive = netboot.talos(binaries)
    platform = net.describe(here, PROGRAM, {"cp-1": machine}, binaries["vmlinuz"], archive, bmc)
    print(platform.installer)
    (tmp_path / "initramfs").write_bytes(archive)
    boots = installer.unified(binaries, tmp_path / "initramfs", version="v1.12.0", arguments=ARGUMENTS, folder=tmp_path / "uki")
    made = versions()
    store = Layout.of(CHECKOUT / ".toolchain", "netboot").store / "images"
    images = platform_images(binaries, kubernetes=made.kubernetes, etcd=made.etcd, coredns=made.coredns)
    Store(store).add([*images, installer.image(binaries, platform.installer, boots)])
    served = Registry(store, netboot.SERVERS, 5000, missing=lambda what: print("missing", what, flush=True))
    clock = Clock(netboot.SERVERS)
    here.deadline = 1500
    try:
        done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False)
        print(done.stdout, done.stderr)
        (tmp_path / "state").write_text(here.pulumi("stack", "export", "--stack", "dev", "--show-secrets").stdout)
        assert done.returncode == 0
    finally:
        served.stop()
        clock.stop()
