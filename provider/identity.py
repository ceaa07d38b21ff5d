"""Whether a machine is the declared one: the stack file's facts against the hardware that it reports. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clients.talos import Hardware
from core.facts import disk_size, globs
from core.facts.hardware import AS_DECLARED, uuid_spelling

PAIRED = "as the other serial number that its BMC reports"
"""The machine reports another serial number than the declared one, and its BMC reports both."""


@dataclass
class Judgement:
    """The declared facts that a machine does not meet."""

    wrong: list[str] = field(default_factory=list)
    """Facts that contradict the declaration: it is another machine."""
    missing: list[str] = field(default_factory=list)
    """Facts that the machine does not report, or not yet."""
    matched: dict[str, str] = field(default_factory=dict, compare=False)
    """How the machine spells each declared fact that it meets: uuid, serial."""


def judge(declared: Mapping[str, Any], hardware: Hardware) -> Judgement:
    """Compare each declared fact with the machine's own; messages contain both values.

    The fact serials is the pair of serial numbers that the machine's BMC reports. Talos reads one of the two: on Dell's
    machines the service tag, and not the board's serial number. So either is accepted if the other one is declared.
    """
    judgement, paired = Judgement(), declared.get("serials") or ()
    for fact, spelling in (
        ("uuid", uuid_spelling),
        ("serial", lambda one, reported: _serial_spelling(one, reported, paired)),
    ):
        want, real = declared.get(fact), getattr(hardware, fact)
        if want and not real:
            judgement.missing.append(f"it reports no {fact}, and {want} is declared")
        elif want:
            if spelled := spelling(want, real):
                judgement.matched[fact] = spelled
            else:
                judgement.wrong.append(f"its {fact} is {real}, and {want} is declared")
    mac = declared.get("mac")
    if mac and not hardware.macs:
        judgement.missing.append(f"it reports no MAC address, and {mac} is declared")
    elif mac and mac not in hardware.macs:
        judgement.wrong.append(f"its MAC addresses are {', '.join(hardware.macs)}, and {mac} is declared")
    _at_least(
        judgement, "memory", declared.get("memoryMib"), hardware.memory_mib, lambda mib: f"{mib / 1024:g} GiB of memory"
    )
    _at_least(
        judgement, "processors", declared.get("threads"), hardware.threads, lambda count: f"{count:g} hardware threads"
    )
    if declared.get("disk"):
        _install_disk(judgement, declared["disk"], hardware.disks)
    return judgement


def _serial_spelling(declared: str, reported: str, paired: Sequence[str]) -> str | None:
    if declared.strip() == reported.strip():
        return AS_DECLARED
    # Both are of one machine, because its BMC reports both.
    return PAIRED if declared.strip() in paired and reported.strip() in paired else None


def _at_least(judgement: Judgement, fact: str, want: float | None, real: int, shown: Callable[[float], str]) -> None:
    if want and not real:
        judgement.missing.append(f"it does not report its {fact}, and {shown(want)} are declared")
    elif want and real < want:
        judgement.wrong.append(f"it has {shown(real)}, and at least {shown(want)} are declared")


def _install_disk(judgement: Judgement, selector: Mapping[str, Any], disks: Sequence[Mapping[str, Any]]) -> None:
    # As Talos itself searches: it can't install on a device without a transport.
    real = [disk for disk in disks if disk.get("transport") and not disk.get("cdrom") and not disk.get("readonly")]
    matching = [disk for disk in real if matches(selector, disk)]
    if len(matching) == 1:
        return
    wanted = ", ".join(f"{key} {value}" for key, value in sorted(selector.items()) if value)
    if matching:
        judgement.wrong.append(
            f"{' and '.join(map(_shown, matching))} all match the install disk ({wanted}), and exactly one must"
        )
    else:
        # Disks are discovered one after another while a machine starts.
        judgement.missing.append(
            f"no disk matches the install disk ({wanted}); it has {'; '.join(map(_shown, real)) or 'none'}"
        )


def matches(selector: Mapping[str, Any], disk: Mapping[str, Any]) -> bool:
    """Whether Talos would select this disk: names match as globs, the size compares, and every given key counts.

    Source: siderolabs/talos, InstallConfig.DiskMatchExpression.
    """
    for key in ("serial", "wwid", "model"):
        if selector.get(key) and not globs.matches(selector[key], str(disk.get(key, ""))):
            return False
    if selector.get("size") and not _size_matches(selector["size"], int(disk.get("size", 0))):
        return False
    kind = selector.get("type")
    return not kind or kind == _kind(disk)


def _size_matches(comparison: str, size: int) -> bool:
    try:
        return disk_size.parse(comparison).matches(size)
    except ValueError:
        return False


def _kind(disk: Mapping[str, Any]) -> str:
    if disk.get("transport") == "nvme":
        return "nvme"
    if disk.get("transport") == "mmc":
        return "sd"
    return "hdd" if disk.get("rotational") else "ssd"


def _shown(disk: Mapping[str, Any]) -> str:
    size = int(disk.get("size", 0)) / 10**9
    named = [f"{key} {disk[key]}" for key in ("serial", "wwid", "model") if disk.get(key)]
    return f"{disk.get('name')} ({', '.join([f'{size:.0f} GB', *named])})"
