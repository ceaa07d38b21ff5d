"""A provisioning network as a platform asks for it: the rendered dnsmasq, a real matchbox, and machines on it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.boot import dnsmasq
from core.model import Platform, parse
from lab import initramfs, kernel, prepare
from lab.layout import Layout
from lab.speed import deadline
from lab.testing import machine_root
from lab.testing.qemu import Hardware, Machine
from lab.testing.rack import LINK, Rack, tap
from lab.waiting import wait_for
from tests.bmcs import PASSWORD, USER, Bmc
from tests.conftest import KEY
from tests.engine.conftest import Checkout
from tests.metal.conftest import Server, prepared, serve

SERVERS, PORT = "10.77.0.1", 8080
IPXE = Path("/usr/lib/ipxe")
# What a machine prints goes to the line that the tests read. On a busy machine an emulated timer comes so late that the
# kernel takes it for broken, and panics before it has started.
KERNEL_ARGUMENTS = ["console=ttyS0", "no_timer_check"]
# A boot takes 20 s here. What it may take where everything else runs as well:
BOOT_SECONDS = 240
# And an update that waits for one.
UP_SECONDS = 600


def refuse_without() -> None:
    """Skips the test on a machine that can have no rack, and fails it in CI."""
    told = []
    if os.geteuid() != 0 or not (kernel.may(kernel.CAP_SYS_ADMIN) and kernel.may(kernel.CAP_NET_ADMIN)):
        told.append("root with SYS_ADMIN and NET_ADMIN is needed, for namespaces and links")
    if not Path("/dev/net/tun").exists():
        told.append("there is no /dev/net/tun, which virtual network cards are plugged into")
    if told:
        text = f"no rack to be had here: {'; '.join(told)}"
        pytest.fail(text) if os.environ.get("CI") == "true" else pytest.skip(text)


@dataclass
class Network:
    """The servers that answer machines, and the machines."""

    folder: Path
    rack: Rack
    matchbox: Server
    machines: dict[str, Machine] = field(default_factory=dict)
    _bmc: Bmc | None = None
    _dnsmasq: subprocess.Popen[bytes] | None = None

    def describe(
        self,
        here: Checkout,
        program: str,
        machines: dict[str, Any],
        image: Path,
        archive: Path,
        bmc: Bmc | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Platform:
        """Make dev a stack of this network with these machines and this program, and serve everything that it needs.

        more: the rest of its platform, dotted path to value.
        """
        here.deadline = UP_SECONDS
        (here.folder / "__main__.py").write_text(program, encoding="utf-8")
        provisioning = {
            "interface": LINK,
            "http": f"http://{SERVERS}:{PORT}",
            "dhcp": "full",
            "tftp_root": str(self.folder / "tftp"),
        }
        told = {
            "network": {"nodes": "10.77.0.0/24", "gateway": SERVERS, "endpoint": "10.77.0.5"},
            # The images' registry is named by it; what boot loaders fetch comes without TLS.
            "talos.factory": f"https://{SERVERS}:{PORT}/assets",
            "boot.assets": f"http://{SERVERS}:{PORT}/assets",
            "boot.provisioning": provisioning,
            "boot.kernel_args": KERNEL_ARGUMENTS,
            "machines": machines,
            **(more or {}),
        }
        here.edit("dev", told)
        serve(here, "dev", self.matchbox)
        login = {"username": USER, "password": PASSWORD, "hosts": "127.0.0.1,"}
        for part, text in login.items() if bmc else ():
            here.pulumi("config", "set", "--stack", "dev", "--secret", "--path", f"bedplate:bmc.{part}", text)
        platform = parse(yaml.safe_load((here.folder / "Pulumi.dev.yaml").read_text())["config"][KEY])
        self.images(platform, image, archive)
        self.serve(platform)
        return platform

    def bmc(self, slots: dict[str, dict[str, Any]]) -> Bmc:
        """A BMC that runs, with machines of these facts behind it."""
        systems = []
        for name, facts in slots.items():
            self.slot(name, **facts)
            nic = {"mac": facts["mac"], "ip": SERVERS}
            systems.append(
                {
                    "uuid": facts["uuid"],
                    "name": name,
                    "serial": facts["serial"],
                    "nics": [nic],
                    "slot": str(self.folder / f"{name}.json"),
                }
            )
        self._bmc = Bmc(self.folder / "bmc", systems, emulator=Path(__file__).with_name("machine_bmc.py")).start()
        return self._bmc

    def slot(self, name: str, **facts: Any) -> None:
        """Puts hardware into a place of the rack that a BMC switches. It is what is switched on next."""
        (self.folder / f"{name}.json").write_text(json.dumps({"name": name, **facts}))

    def console(self, name: str) -> str:
        """What a machine behind a BMC has printed since it was switched on last."""
        file = self.folder / name / "console"
        return file.read_text(errors="replace") if file.exists() else ""

    def printed(self, name: str) -> str:
        """And in all boots before."""
        file = self.folder / name / "before"
        return (file.read_text(errors="replace") if file.exists() else "") + self.console(name)

    def on(self, name: str) -> bool:
        """Whether a machine behind a BMC is on."""
        return (self.folder / name / "on").exists()

    def serve(self, platform: Platform) -> None:
        """Starts dnsmasq with what the platform renders, as it is."""
        self.stop_dnsmasq()
        tftp = self.folder / "tftp"
        tftp.mkdir(exist_ok=True)
        for loader in dnsmasq.loaders(platform).values():
            shutil.copy(IPXE / loader, tftp)
        files = dnsmasq.files(platform)
        (self.folder / "dnsmasq.conf").write_text(files.pop("dnsmasq.conf"))
        for name, text in files.items():
            (tftp / name).write_text(text)
        command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--leasefile-ro", "--pid-file", "--log-facility=-"]
        with (self.folder / "dnsmasq.log").open("ab") as log:
            self._dnsmasq = subprocess.Popen(
                [*command, "-C", str(self.folder / "dnsmasq.conf")],
                stdout=log,
                stderr=log,
                preexec_fn=kernel.die_with_parent,
            )
        wait_for("dnsmasq", lambda: "sockets bound" in self.told("dnsmasq"), seconds=20)

    def images(self, platform: Platform, kernel_image: Path, archive: Path) -> None:
        """Puts kernel and initramfs where the platform's profiles look for them."""
        folder = (
            self.matchbox.folder / "assets/image" / platform.schematic_id_of(platform.first) / platform.talos.version
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel-amd64").symlink_to(kernel_image)
        (folder / "initramfs-amd64.xz").symlink_to(archive)

    def plug(self, name: str, **facts: Any) -> Machine:
        """Puts a machine into the rack. It is off."""
        hardware = Hardware(name=name, tap=tap(len(self.machines)), **facts)
        made = self.machines[name] = Machine(hardware, self.folder / "machines" / name)
        return made

    def told(self, server: str) -> str:
        """What dnsmasq or matchbox logged."""
        file = self.folder / ("dnsmasq.log" if server == "dnsmasq" else "matchbox/log")
        return file.read_text(errors="replace")

    def stop_dnsmasq(self) -> None:
        if self._dnsmasq is not None:
            self._dnsmasq.kill()
            self._dnsmasq.wait(deadline(10))
            self._dnsmasq = None

    def stop(self) -> None:
        if self._bmc is not None:
            self._bmc.stop()
        for machine in self.machines.values():
            machine.stop()
        self.stop_dnsmasq()
        self.matchbox.stop()


@contextmanager
def network(folder: Path, machines: int) -> Iterator[Network]:
    """A network with room for so many machines. The caller's own sockets and processes are in it too."""
    refuse_without()
    folder.mkdir(exist_ok=True)
    with Rack(f"{SERVERS}/24", machines) as rack, rack.inside():
        made = Network(folder, rack, prepared(folder / "matchbox", PORT, SERVERS))
        made.matchbox.start()
        try:
            yield made
        finally:
            made.stop()


def off(machine: Machine) -> str:
    """Waits until a machine has switched itself off; what it printed."""
    wait_for(f"{machine.hardware.name} to switch itself off", lambda: not machine.on, seconds=BOOT_SECONDS)
    return machine.console


def kept() -> Path:
    """Where roots, archives and images of machines are kept between runs."""
    return Layout.of(prepare.CHECKOUT / ".toolchain", "netboot").store


def talos(binaries: dict[str, Path], version: str = "") -> Path:
    """An initramfs with Talos in metal mode: its own first and second init, for a distribution's kernel.

    version: another release than the one that is built here.
    """
    root = machine_root.squashed(kept(), binaries, talos=version or prepare.versions().talos)
    files = {"init": binaries["lab-tools"], "talos-init": binaries["talos-init"], "rootfs.sqsh": root}
    return initramfs.made_once(kept(), files, modules_of=binaries["modules"], executable=("init", "talos-init"))


def guest(binaries: dict[str, Path]) -> Path:
    """An initramfs that prints the machine's identity and its kernel arguments, and switches it off."""
    return initramfs.made_once(kept(), {"init": binaries["lab-tools"]})
