"""Machines with firmware, a disk and a network card: QEMU without KVM, so that they run wherever it does.

`Hardware` describes a machine, and `Machine` runs it. Disk and firmware variables persist while it is off.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab import speed
from lab.kernel import die_with_parent

EMULATOR = "qemu-system-x86_64"
OVMF = Path("/usr/share/OVMF")
# SeaBIOS and OVMF alike: the lower number is tried first.
ORDERS = {"Pxe": {"net": 1, "disk": 2}, "Hdd": {"net": 2, "disk": 1}}


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One machine as it stands in the rack."""

    name: str
    mac: str
    uuid: str
    serial: str
    tap: str
    """The link that its network card is plugged into."""
    firmware: Literal["bios", "uefi"] = "uefi"
    disk: str = ""
    """A raw image; with `fat:rw:` in front, a folder that the machine sees as a disk."""
    disk_serial: str = ""
    memory_mib: int = 1024
    cpus: int = 1


def command(hardware: Hardware, folder: Path, boot: str) -> list[str]:
    """QEMU's command line for the machine. boot: Pxe or Hdd, which is tried first."""
    order = ORDERS[boot]
    words = [
        EMULATOR,
        "-name",
        hardware.name,
        "-nodefaults",
        "-no-user-config",
        "-accel",
        "tcg,thread=multi",
        "-display",
        "none",
    ]
    # A reset ends QEMU, so that the next boot can have another order, as a BMC's one-time boot wants it.
    words += ["-no-reboot", "-qmp", "stdio", "-serial", f"file:{folder / 'console'}"]
    words += ["-cpu", "max", "-smp", str(hardware.cpus), "-m", str(hardware.memory_mib)]
    words += ["-uuid", hardware.uuid, "-smbios", f"type=1,serial={hardware.serial}", "-device", "virtio-rng-pci"]
    card = f"virtio-net-pci,netdev=n0,mac={hardware.mac},bootindex={order['net']}"
    if hardware.firmware == "uefi":
        words += ["-machine", "q35"]
        for unit, (file, access) in enumerate(((OVMF / "OVMF_CODE_4M.fd", "on"), (folder / "firmware", "off"))):
            words += ["-drive", f"if=pflash,format=raw,unit={unit},readonly={access},file={file}"]
        # Without the card's own ROM, OVMF boots from the network by itself.
        card += ",romfile="
    else:
        # Text of SeaBIOS and iPXE goes to the serial line.
        words += ["-machine", "q35,graphics=off"]
    words += ["-netdev", f"tap,id=n0,ifname={hardware.tap},script=no,downscript=no", "-device", card]
    if hardware.disk:
        words += ["-drive", f"if=none,id=d0,format=raw,file={hardware.disk}"]
        words += ["-device", f"virtio-blk-pci,drive=d0,bootindex={order['disk']},serial={hardware.disk_serial}"]
    return words


class Machine:
    """A machine that can be switched on and off, and that reports when its guest does so."""

    def __init__(self, hardware: Hardware, folder: Path, report: Callable[[str], None] = lambda what: None) -> None:
        """report: called with `boot Hdd` when the guest restarts itself, and with `off` when the machine is off."""
        self.hardware, self.folder, self.report = hardware, folder, report
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = self._ran = False
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def console(self) -> str:
        """What it has printed since it was switched on last."""
        try:
            return (self.folder / "console").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def on(self) -> bool:
        """Whether it is switched on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, boot: str) -> None:
        """Switch it on. Raises RuntimeError where QEMU refuses."""
        if self.on:
            return
        if self.hardware.firmware == "uefi" and not (self.folder / "firmware").exists():
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", self.folder / "firmware")
        self._stopping = self._ran = False
        up = threading.Event()
        # The kernel ends QEMU when the thread that started it ends, so this thread lives as long as the machine is on.
        self._thread = threading.Thread(target=self._run, args=(boot, up), daemon=True)
        self._thread.start()
        up.wait(speed.deadline(20))
        if not self._ran:
            raise RuntimeError(f"{self.hardware.name} did not start: {self.log[-1500:]}")

    def stop(self) -> None:
        """Cut its power."""
        self._stopping = True
        if self._process is not None:
            self._process.kill()
        if self._thread is not None:
            self._thread.join(speed.deadline(20))

    @property
    def log(self) -> str:
        """The log of QEMU itself."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def before(self) -> str:
        """What it printed in all boots before this one."""
        try:
            return (self.folder / "before").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _put_away(self) -> None:
        with open(self.folder / "before", "a") as kept:
            kept.write(self.console)
        (self.folder / "console").unlink(missing_ok=True)

    def _run(self, boot: str, up: threading.Event) -> None:
        # Tells other processes that the machine is on, because they can't see this thread.
        (self.folder / "on").touch()
        try:
            while True:
                reason = self._session(boot, up)
                if reason != "guest-reset" or self._stopping:
                    break
                boot = "Hdd"
                self.report("boot Hdd")
        finally:
            self._process = None
            (self.folder / "on").unlink(missing_ok=True)
            up.set()
            self.report("off")

    def _session(self, boot: str, up: threading.Event) -> str:
        """Run from power-on to power-off or reset; returns QEMU's reason for the end."""
        self._put_away()
        reason = ""
        with open(self.folder / "log", "ab") as log:
            process = self._process = subprocess.Popen(
                command(self.hardware, self.folder, boot),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        assert process.stdin is not None and process.stdout is not None
        with process.stdin, process.stdout:
            for line in process.stdout:
                heard = json.loads(line)
                if "QMP" in heard:
                    self._ran = True
                    process.stdin.write(b'{"execute": "qmp_capabilities"}\n')
                    process.stdin.flush()
                    up.set()
                if heard.get("event") == "SHUTDOWN":
                    reason = heard["data"]["reason"]
        process.wait()
        return reason
