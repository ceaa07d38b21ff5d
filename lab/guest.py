"""The small Linux guest of a rehearsal's virtual machines: a kernel, one program, and a disk that it boots from.

Its serial console and its web server show what a test asks of a machine: how often this disk was booted, since when the
machine runs, which user data it got, a marker that a test wrote to the disk, and an id that each start has for itself.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import speed
from .initramfs import archive, modules
from .rootfs import kept, marks

# Drivers for what KubeVirt gives a machine: disks on either bus, the network, a random source, a power button, and
# cloud-init's disk.
MODULES = (
    *("virtio_pci", "virtio_net", "virtio_blk", "virtio_scsi", "sd_mod", "virtio_rng", "virtio_balloon"),
    *("ext4", "isofs", "button", "evdev", "virtio_mem"),
)
# Each line of the guest's own on the console begins with it.
MARK = "BEDPLATE"
# Where the web server answers, besides 80: whatever ports a stack opens, something answers there.
PORTS = (22, 25, 80, 143, 443, 993, 8080)

_INIT = f"""#!/bin/busybox sh
# The whole system of the guest.
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /data /seed /tmp /var/log /var/run
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module 2>/dev/null; done
say() {{ echo "{MARK} $*"; echo "$*" >>/www/index.html; }}

# The machine's own disk: its second partition, or a disk of its own that is formatted when it is blank.
for disk in /dev/vda2 /dev/sda2 /dev/vd[b-z] /dev/sd[b-z]; do
  [ -b $disk ] || continue
  if [ "$(dd if=$disk bs=64k count=1 2>/dev/null | tr -d '\\000' | wc -c)" = 0 ]; then
    mke2fs $disk >/dev/null 2>&1 && say FORMATTED $disk
  fi
  if [ ! -e /data/.here ] && mount -t ext4 $disk /data 2>/dev/null; then
    boots=$(cat /data/boots 2>/dev/null || echo 0)
    echo $((boots + 1)) >/data/boots
    touch /data/.here
    sync
    say BOOTS $((boots + 1)) of $disk, marker: $(cat /data/marker 2>/dev/null || echo none)
  elif mount -t iso9660 -o ro $disk /seed 2>/dev/null; then
    [ -f /seed/user-data ] && say USER-DATA $(sha256sum </seed/user-data | cut -d' ' -f1)
    umount /seed
  fi
done

# Memory that is added while the guest runs is used at once.
echo online >/sys/devices/system/memory/auto_online_blocks

ip link set lo up
for link in /sys/class/net/*; do
  link=${{link##*/}}
  [ $link = lo ] && continue
  ip link set $link up
  udhcpc -i $link -n -q -t 10 -s /dhcp >/dev/null 2>&1
done
for port in {" ".join(map(str, PORTS))}; do httpd -p $port -h /www; done
acpid 2>/dev/null
say UP after $(cut -d' ' -f1 /proc/uptime) s
while :; do setsid cttyhack sh -l </dev/ttyS0 >/dev/ttyS0 2>&1; sleep 1; done
"""

_DHCP = f"""#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr add $ip/${{mask:-24}} dev $interface
[ -n "$router" ] && ip route add default via $router 2>/dev/null
echo "{MARK} ADDRESS $interface $ip" >/dev/console
"""

# What the power button runs, so that a machine stops at once and not at the end of its grace period.
_BUTTON = """#!/bin/sh
umount /data
sync
poweroff -f
"""

# Answers /cgi-bin/machine, and keeps what /cgi-bin/machine?TEXT says on the disk.
_ANSWER = """#!/bin/sh
[ -n "$QUERY_STRING" ] && echo "$QUERY_STRING" >/data/marker && sync
echo "Content-Type: text/plain"
echo
boots=$(cat /data/boots 2>/dev/null) marker=$(cat /data/marker 2>/dev/null)
uptime=$(cut -d' ' -f1 /proc/uptime) start=$(cat /proc/sys/kernel/random/boot_id)
memory=$(grep MemTotal /proc/meminfo | tr -dc 0-9)
echo "boots=$boots marker=$marker uptime=$uptime start=$start memory=$memory"
"""

_LOADER = """serial 0 115200
default guest
label guest
 kernel /vmlinuz
 initrd /initrd
 append console=ttyS0 quiet no_timer_check
"""

# Run in the root of the tools: a partition with the boot loader, kernel and initramfs, and one for what must stay.
_MAKE = """set -e
cd /work
truncate -s 64M disk.raw
truncate -s 32M boot
truncate -s 16M data
printf 'label: dos\\nstart=2048, size=65536, type=e, bootable\\nstart=67584, size=32768, type=83\\n' >parts
sfdisk -q disk.raw <parts
mkfs.vfat -F 16 -h 2048 boot >/dev/null
MTOOLS_SKIP_CHECK=1 mcopy -i boot vmlinuz initrd syslinux.cfg ::/
syslinux --install boot
mke2fs -q -t ext4 data
dd if=boot of=disk.raw bs=1M seek=1 conv=notrunc status=none
dd if=data of=disk.raw bs=1M seek=33 conv=notrunc status=none
dd if=/usr/lib/syslinux/mbr/mbr.bin of=disk.raw bs=440 count=1 conv=notrunc status=none
qemu-img convert -c -O qcow2 disk.raw disk.qcow2
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw disk.vmdk
"""


_ENTER = 'mount --bind /proc "$0/proc" && exec chroot "$0" /usr/bin/dash -c "$1"'


@dataclass(frozen=True)
class Guest:
    """The guest's files, all in one folder."""

    folder: Path

    @property
    def qcow2(self) -> Path:
        """The disk for QEMU, compressed."""
        return self.folder / "disk.qcow2"

    @property
    def vmdk(self) -> Path:
        """The same disk for VMware, streamOptimized."""
        return self.folder / "disk.vmdk"


def build(parent: Path, built: Mapping[str, Path]) -> Guest:
    """The guest, made once and kept below `parent`.

    built: has the kernel `vmlinuz`, its `modules`, and the folder `vm-disk-tools-tree`. Raises RuntimeError with the
    tools' last words if they fail.
    """
    tools = built["vm-disk-tools-tree"]
    texts = [_INIT, _DHCP, _BUTTON, _ANSWER, _LOADER, _MAKE, *MODULES]

    def make(fresh: Path) -> None:
        root = fresh / "root"
        # A copy, because the store's files must stay as they are.
        shutil.copytree(tools, root, symlinks=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            if not os.path.lexists(root / name):
                (root / name).symlink_to(f"usr/{name}")
        for name in ("work", "tmp", "dev", "proc"):
            (root / name).mkdir(exist_ok=True)
        (root / "work/vmlinuz").write_bytes(built["vmlinuz"].read_bytes())
        (root / "work/initrd").write_bytes(_initramfs(tools, built["modules"]))
        (root / "work/syslinux.cfg").write_text(_LOADER)
        done = subprocess.run(
            # syslinux opens the image through /proc.
            ["unshare", "--mount", "sh", "-c", _ENTER, str(root), _MAKE],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/work"},
            capture_output=True,
            text=True,
            timeout=speed.deadline(120),
        )
        if done.returncode:
            raise RuntimeError(f"the guest's disk could not be made: {(done.stdout + done.stderr)[-600:].strip()}")
        for name in ("disk.qcow2", "disk.vmdk"):
            (root / "work" / name).rename(fresh / name)
        shutil.rmtree(root)

    return Guest(kept(parent, ["guest", *texts, *marks({"vmlinuz": built["vmlinuz"], "tools": tools})], make, "guest"))


def _initramfs(tools: Path, kernel: Path) -> bytes:
    files: dict[str, bytes | Path] = {
        "init": _INIT.encode(),
        "dhcp": _DHCP.encode(),
        "bin/busybox": tools / "usr/bin/busybox",
        "etc/acpi/PWRF/00000080": _BUTTON.encode(),
        "www/cgi-bin/machine": _ANSWER.encode(),
        **modules(kernel, MODULES),
    }
    programs = ("init", "dhcp", "bin/busybox", "etc/acpi/PWRF/00000080", "www/cgi-bin/machine")
    return archive(files, executable=programs)
