"""Where Cilium's chart comes from."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("cilium")
def chart_and_repository_fit(p: Platform) -> Iterator[Fault]:
    """A chart by name has a repository; one that is a folder or an oci:// address has none."""
    by_itself = p.cilium.chart.startswith((".", "/", "oci://"))
    if by_itself and p.cilium.repository is not None:
        yield fault(
            ("cilium", "repository"),
            "is set, but cilium.chart is a folder or an oci:// address",
            "Helm would look for the chart in the repository",
            "write repository: null",
        )
    elif not by_itself and p.cilium.repository is None:
        yield fault(
            ("cilium", "repository"),
            "is null, but cilium.chart is a name",
            "Helm looks a name up in a repository",
            "write the repository's address, or a folder or an oci:// address as chart",
        )
