"""Releases that are known not to work with what a platform chooses, each with the thread that reports it."""

from dataclasses import dataclass

Version = tuple[int, int, int]


@dataclass(frozen=True)
class KnownBad:
    """A range of releases of one project with one defect."""

    project: str
    """The stack file's section: talos, cilium or kubevirt."""
    first: Version
    last: Version
    needs: str
    """What the platform must have for the defect to show: wireguard, or the name of a system extension."""
    what: str
    """What happens."""
    thread: str
    """Where it is reported: repository#number."""
    instead: str
    """A release without the defect."""


# Source: the thread of each entry.
RELEASES: tuple[KnownBad, ...] = (
    KnownBad(
        project="cilium",
        first=(1, 19, 0),
        last=(1, 19, 4),
        needs="wireguard",
        what="with WireGuard and without kube-proxy, pods lose their connections to nodes, and nodes to pods",
        thread="cilium/cilium#46010, #45950 and #45837",
        instead="1.19.6",
    ),
    KnownBad(
        project="talos",
        first=(1, 13, 8),
        last=(1, 13, 8),
        needs="siderolabs/iscsi-tools",
        what="iscsi-tools can't read the records of earlier releases, so all iSCSI volumes are detached",
        thread="siderolabs/extensions#1182",
        instead="v1.13.9",
    ),
)
"""Releases that a stack file may not name where the platform has what the defect needs."""


def parts(version: str) -> Version:
    """The three numbers of v1.13.8 or 1.19.6."""
    first, second, third = version.lstrip("v").split(".")
    return int(first), int(second), int(third)


def defects(project: str, version: str) -> list[KnownBad]:
    """The known defects of a release."""
    return [bad for bad in RELEASES if bad.project == project and bad.first <= parts(version) <= bad.last]
