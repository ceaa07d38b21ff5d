"""QEMU's command line for a machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from lab.kernel import Process
from lab.speed import deadline
from lab.testing import qemu, rack
from lab.testing.qemu import Hardware, Machine
from lab.waiting import wait_for

FACTS = {
    "name": "m",
    "mac": "52:54:00:00:00:01",
    "uuid": "u",
    "serial": "S1",
    "tap": "tap0",
    "disk": "/d",
    "disk_serial": "D1",
}


def words_of(boot, **more):
    return qemu.command(Hardware(**(FACTS | more)), Path("/f"), boot)


@pytest.mark.parametrize(("boot", "net", "disk"), [("Pxe", 1, 2), ("Hdd", 2, 1)])
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_the_boot_order_is_set_in_the_firmware(boot, net, disk, firmware):
    (card,) = (word for word in words_of(boot, firmware=firmware) if word.startswith("virtio-net"))
    (block,) = (word for word in words_of(boot, firmware=firmware) if word.startswith("virtio-blk"))
    assert f"bootindex={net}" in card and f"bootindex={disk}" in block
    assert block.endswith("serial=D1") and "mac=52:54:00:00:00:01" in card


def test_the_identity_is_set_in_the_firmware():
    words = words_of("Hdd")
    assert words[words.index("-uuid") + 1] == "u" and "type=1,serial=S1" in words


def test_a_machine_gets_no_device_of_the_host():
    assert {"-nodefaults", "-no-user-config"} <= set(words_of("Hdd")) and "kvm" not in " ".join(words_of("Hdd"))


def test_a_machine_that_qemu_refuses_is_reported_with_qemus_reason(tmp_path, monkeypatch):
    refusing = tmp_path / "qemu"
    refusing.write_text("#!/bin/sh\necho no such card >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(qemu, "EMULATOR", str(refusing))
    machine = Machine(Hardware(**(FACTS | {"firmware": "bios"})), tmp_path / "m")
    with pytest.raises(RuntimeError, match="m did not start: no such card"):
        machine.start("Hdd")
    assert not machine.on


def test_a_guest_that_resets_boots_its_disk_and_one_that_ends_stays_off(tmp_path, monkeypatch):
    """A BMC's one-time boot applies to one boot; QEMU alone would keep the boot order."""
    pretend = tmp_path / "qemu"
    pretend.write_text(f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
echo '{{"QMP": {{}}}}'
read said
[ $(wc -l < {tmp_path}/calls) = 1 ] && reason=guest-reset || reason=guest-shutdown
echo '{{"event": "SHUTDOWN", "data": {{"reason": "'$reason'"}}}}'
""")
    pretend.chmod(0o755)
    monkeypatch.setattr(qemu, "EMULATOR", str(pretend))
    heard = []
    machine = Machine(Hardware(**(FACTS | {"firmware": "bios"})), tmp_path / "m", heard.append)
    machine.start("Pxe")
    machine._thread.join(deadline(20))
    assert heard == ["boot Hdd", "off"] and not machine.on
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert (
        "netdev=n0,mac=52:54:00:00:00:01,bootindex=1" in first
        and "netdev=n0,mac=52:54:00:00:00:01,bootindex=2" in second
    )


def test_every_machine_has_its_own_tap_device():
    lines = rack.cabling("10.0.0.1/24", 2)
    assert [line for line in lines if "tuntap" in line] == ["tuntap add tap0 mode tap", "tuntap add tap1 mode tap"]
    assert f"addr add 10.0.0.1/24 dev {rack.LINK}" in lines


def test_a_machine_ends_with_the_process_that_started_it(tmp_path):
    pretend = tmp_path / "qemu"
    pretend.write_text(f"""#!/bin/sh
echo $$ > {tmp_path}/pid
echo '{{"QMP": {{}}}}'
exec sleep 600
""")
    pretend.chmod(0o755)
    owner = f"""
import pathlib, time
from lab.testing import qemu
qemu.EMULATOR = {str(pretend)!r}
facts = {FACTS | {"firmware": "bios"}!r}
qemu.Machine(qemu.Hardware(**facts), pathlib.Path({str(tmp_path / "m")!r})).start("Hdd")
print("on", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", owner], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"on\n"
        machine = Process.at(int((tmp_path / "pid").read_text()))
        assert machine is not None
        process.kill()
    wait_for("the machine to end", lambda: not machine.alive, seconds=10)
