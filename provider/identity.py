"""Whether a machine is the declared one: what was written in the stack file against what the machine tells. Pure."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from clients.talos import Hardware
from core.facts import disk_size


@dataclass
class Judgement:
    """What speaks against a machine. wrong: it is another one; missing: it does not tell, or not yet."""

    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def same_uuid(one: str, other: str) -> bool:
    """Whether two spellings are one UUID."""
    try:
        return uuid.UUID(one) == uuid.UUID(other)
    except ValueError:
        return one.strip().lower() == other.strip().lower()


def judge(declared: Mapping[str, Any], found: Hardware) -> Judgement:
    """Each declared fact against the machine's own; both values are named."""
    said = Judgement()
    for what, same in (("uuid", same_uuid), ("serial", lambda a, b: a.strip() == b)):
        want, real = declared.get(what), getattr(found, what)
        if want and not real:
            said.missing.append(f"it tells no {what}, and {want} is declared")
        elif want and not same(want, real):
            said.wrong.append(f"its {what} is {real}, and {want} is declared")
    mac = declared.get("mac")
    if mac and not found.macs:
        said.missing.append(f"it tells no MAC address, and {mac} is declared")
    elif mac and mac not in found.macs:
        said.wrong.append(f"its MAC addresses are {', '.join(found.macs)}, and {mac} is declared")
    _size(said, "memory", declared.get("memoryMib"), found.memory_mib, lambda mib: f"{mib / 1024:g} GiB of memory")
    _size(said, "processors", declared.get("threads"), found.threads, lambda count: f"{count:g} hardware threads")
    if declared.get("disk"):
        _disk(said, declared["disk"], found.disks)
    return said


def _size(said: Judgement, what: str, want: float | None, real: int, shown: Callable[[float], str]) -> None:
    if want and not real:
        said.missing.append(f"it does not tell its {what}, and {shown(want)} are declared")
    elif want and real < want:
        said.wrong.append(f"it has {shown(real)}, and at least {shown(want)} are declared")


def _disk(said: Judgement, selector: Mapping[str, Any], disks: Sequence[Mapping[str, Any]]) -> None:
    # As Talos itself looks for it: a device with no transport is no disk to install on.
    real = [disk for disk in disks if disk.get("transport") and not disk.get("cdrom") and not disk.get("readonly")]
    matching = [disk for disk in real if matches(selector, disk)]
    if len(matching) == 1:
        return
    wanted = ", ".join(f"{key} {value}" for key, value in sorted(selector.items()) if value)
    if matching:
        said.wrong.append(f"{' and '.join(map(_shown, matching))} all match the install disk ({wanted}), and one must")
    else:
        # Disks turn up one after the other while a machine starts.
        said.missing.append(
            f"no disk matches the install disk ({wanted}); it has {'; '.join(map(_shown, real)) or 'none'}"
        )


def matches(selector: Mapping[str, Any], disk: Mapping[str, Any]) -> bool:
    """As Talos does: names as globs, the size compared, all that is given. Source: InstallConfig.DiskMatchExpression."""
    for key in ("serial", "wwid", "model"):
        if selector.get(key) and not fnmatchcase(str(disk.get(key, "")), selector[key]):
            return False
    if selector.get("size") and not disk_size.parse(selector["size"]).matches(int(disk.get("size", 0))):
        return False
    kind = selector.get("type")
    return not kind or kind == _kind(disk)


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
