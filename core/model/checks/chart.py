"""Where Cilium's chart comes from."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.cilium_values import OWNED, REFUSED
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


@check("cilium")
def values_set_nothing_twice(p: Platform) -> Iterator[Fault]:
    """No value is one that Bedplate sets, or one that would undo those."""
    for keys, value in _leaves(p.cilium.values):
        path = ("cilium", "values", *keys)
        if owner := next((owner for owned, owner in OWNED.items() if _overlap(tuple(owned.split(".")), keys)), None):
            yield fault(
                path,
                f"is set by {owner}",
                "the platform depends on that value",
                "remove it" if owner == "Bedplate" else f"remove it, and use {owner}",
            )
        elif refused := next((key for key in keys if key in REFUSED), None):
            above = path[: 3 + keys.index(refused)]
            yield fault(above, f"{refused} can't be set", REFUSED[refused], "remove it")
        elif keys == ("policyEnforcementMode",) and value == "never":
            yield fault(path, "is never", "no network policy would be enforced", "write default or always")


def _overlap(owned: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether one of the two paths is the other or above it."""
    shorter = min(len(owned), len(keys))
    return owned[:shorter] == keys[:shorter]


def _leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value that is no mapping, and each empty mapping: its keys and itself."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, (*path, str(key)))
        elif isinstance(inner, list | tuple):
            yield (*path, str(key)), inner
            for each in inner:
                yield from _leaves(each, (*path, str(key))) if isinstance(each, Mapping) else ()
        else:
            yield (*path, str(key)), inner
