"""What a lab could leave on the computer, looked at before it starts and after it ends."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import borrowed, cgroups, others
from .layout import Layout
from .sysctls import BORROWED, NAMES, read

KINDS = ("interfaces", "mounts", "cgroups", "sysctls")


@dataclass
class Snapshot:
    """The traces of one lab on the computer. Traces of other labs are ignored."""

    interfaces: set[str] = field(default_factory=set)
    mounts: set[str] = field(default_factory=set)
    cgroups: set[str] = field(default_factory=set)
    sysctls: set[str] = field(default_factory=set)
    alone: bool = True
    """Whether no other lab was running that could have changed the sysctls."""

    @classmethod
    def take(cls, layout: Layout) -> "Snapshot":
        """Look at the computer now."""
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        folder = layout.directory.parent.resolve()
        return cls(
            interfaces={link for link in os.listdir("/sys/class/net") if layout.mark in link},
            mounts={line.split(" ", 3)[-1] for line in mounts if f"{folder}/" in line},
            cgroups=cgroups.everywhere(layout.identity),
            sysctls={f"{name}={value}" for name, value in read((*NAMES, *BORROWED)).items()},
            alone=not others.foreign(folder) and not borrowed.used(),
        )

    def difference(self, after: "Snapshot") -> dict[str, dict[str, list[str]]]:
        """What differs afterwards, by kind: `new` and `gone`, each a sorted list; empty if nothing differs."""
        differing = {}
        for kind in KINDS:
            if kind == "sysctls" and not (self.alone and after.alone):
                continue
            before, now = getattr(self, kind), getattr(after, kind)
            if before != now:
                differing[kind] = {"new": sorted(now - before), "gone": sorted(before - now)}
        return differing
