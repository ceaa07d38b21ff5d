"""What each Talos release runs by itself, if the config names no image: etcd, CoreDNS and the pause container."""

from collections.abc import Mapping
from types import MappingProxyType

from .versions import Minor, minor

# Source: siderolabs/talos, pkg/machinery/constants/constants.go at each release (EtcdImage, CoreDNSImage).
ETCD = "registry.k8s.io/etcd"
# Source: as above.
COREDNS = "registry.k8s.io/coredns/coredns"
# Source: siderolabs/talos, the configuration of containerd at each release.
PAUSE = "registry.k8s.io/pause"

# Source: siderolabs/talos, pkg/machinery/constants/constants.go (DefaultEtcdVersion, DefaultCoreDNSVersion) and the
# pause image of containerd's config, at each release; only those that differ from the release before.
_SINCE: tuple[tuple[str, str, str, str], ...] = (
    ("v1.12.0", "v3.6.7", "v1.13.2", "3.10"),
    ("v1.12.5", "v3.6.8", "v1.13.2", "3.10"),
    ("v1.12.7", "v3.6.9", "v1.13.2", "3.10"),
    ("v1.12.8", "v3.6.11", "v1.14.3", "3.10.1"),
    ("v1.12.9", "v3.6.11", "v1.14.2", "3.10.1"),
    ("v1.13.0", "v3.6.9", "v1.14.2", "3.10.1"),
    ("v1.13.1", "v3.6.11", "v1.14.2", "3.10.1"),
    ("v1.13.4", "v3.6.12", "v1.14.2", "3.10.1"),
    ("v1.13.7", "v3.6.12", "v1.14.4", "3.10.1"),
    ("v1.13.8", "v3.6.12", "v1.14.6", "3.10.1"),
    ("v1.14.0", "3.7.1", "v1.14.6", "3.10.2"),
    ("v1.14.1", "3.7.1", "v1.14.7", "3.10.2"),
)
# Source: siderolabs/talos, its tags.
NEWEST: Mapping[Minor, str] = MappingProxyType({(1, 12): "v1.12.11", (1, 13): "v1.13.9", (1, 14): "v1.14.1"})
"""Minor release to its newest patch release that the table was read from."""


def own_images(release: str) -> dict[str, str]:
    """The images by name: etcd, coredns and pause. release: such as v1.14.2.

    A patch release after the newest known has the images of that one. Empty for a minor release that is not known.
    """
    known = [row for row in _SINCE if minor(row[0]) == minor(release) and _patch(row[0]) <= _patch(release)]
    if not known:
        return {}
    _, etcd, coredns, pause = known[-1]
    return {"etcd": f"{ETCD}:{etcd}", "coredns": f"{COREDNS}:{coredns}", "pause": f"{PAUSE}:{pause}"}


def is_known(release: str) -> bool:
    """Whether the images are those of this very release, and not of an earlier patch release."""
    newest = NEWEST.get(minor(release))
    return newest is not None and _patch(release) <= _patch(newest)


def _patch(release: str) -> int:
    """The third number of v1.14.2; a prerelease of it counts as the release."""
    return int(release.split(".")[2].partition("-")[0])
