"""Where Cilium's chart comes from."""

from collections.abc import Iterator

from core.facts.versions import CILIUM, minor
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("cilium")
def chart_and_repository_fit(p: Platform) -> Iterator[Fault]:
    """A chart by name has a repository; one that is a folder or an oci:// address has none."""
    if not p.cilium.by_name and p.cilium.repository is not None:
        yield fault(
            ("cilium", "repository"),
            "is set, but cilium.chart is a path or an oci:// address",
            "Helm would look for the chart in the repository",
            "write repository: null",
        )
    elif p.cilium.by_name and p.cilium.repository is None:
        yield fault(
            ("cilium", "repository"),
            "is null, but cilium.chart is a name",
            "Helm looks a name up in a repository",
            "write the repository's address, or a path or an oci:// address as chart",
        )


@check("cilium")
def contents_are_pinned(p: Platform) -> Iterator[Fault]:
    """A packed chart has a digest, and nothing else has one."""
    cilium = p.cilium
    if cilium.by_name and cilium.sha256 is None and minor(cilium.version) in CILIUM:
        yield fault(
            ("cilium", "digest"),
            f"is missing, and this release knows none of {cilium.chart} {cilium.version}",
            "the repository, or whoever answers in its place, would choose what runs with all rights in the cluster",
            f"write digest: sha256:… as `sha256sum {cilium.chart}-{cilium.version}.tgz` prints it for the chart that "
            "was reviewed",
        )
    elif cilium.digest is not None and not cilium.by_name and not cilium.chart.endswith(".tgz"):
        yield fault(
            ("cilium", "digest"),
            "is set, but cilium.chart is a folder or an oci:// address",
            "a folder is pinned by the checkout, and an oci:// address contains its own digest",
            "remove it",
        )
