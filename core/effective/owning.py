"""Patches that say again, or take away, what another key of the stack file sets."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.document_fields import PATCH
from core.facts.flag_names import canonical
from core.facts.kspp import HARDENED, NEEDED, PROGRAMS
from core.facts.sysctls import dotted, starts_another
from core.machineconfig.merge import LEGACY, Document, Documents, Key, key_of
from core.machineconfig.sources import Source
from core.model.checks.kernel import STARTS
from core.model.faults import Fault, fault
from core.model.patches import Place

from .owned import BEDPLATE, KEPT, SYSCTLS, Owned, owned
from .section import at


def said_again(source: Source, bedplates: Documents, own: Documents, now: Documents) -> Iterator[Fault]:
    """What one patch says of fields that another key sets.

    bedplates: what Bedplate's documents set. own: that with the generator's base. now: with all patches.
    """
    key, patch = key_of(source.document), source.document
    for row in owned():
        if row.kind != ("" if key == LEGACY else key[0]):
            continue
        touched = touches(patch, row.path)
        if touched is None:
            continue
        value = at(now.get(key), *row.path)
        if touched != row.path and value == at(own.get(key), *row.path) and not row.unseen:
            continue  # It deletes a mapping around the field, which is as it was.
        there = at(patch, *touched)
        deletes = isinstance(there, Mapping) and PATCH in there
        same = value is not None and value == at(bedplates.get(key), *row.path)
        yield _fault(source.place, row, touched, "deletes" if deletes else "says again" if same else "sets")


def touches(patch: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The path at which a patch sets or deletes a field, or deletes a mapping around it; None where it does neither."""
    value: Any = patch
    for depth, part in enumerate(path):
        if isinstance(value, Mapping) and value.get(PATCH) == "delete":
            return path[:depth]
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return path


def _fault(place: Place, row: Owned, touched: tuple[str, ...], does: str) -> Fault:
    if row.owner == BEDPLATE:
        return fault((*place, *touched), f"{does} what Bedplate itself sets", row.why, "remove it")
    instead = "remove it" if does == "says again" else f"write {row.owner}, and remove it here"
    return fault((*place, *touched), f"{does} what {row.owner} sets", row.why, instead)


def taken_away(source: Source, before: Documents, now: Documents, own: Documents) -> Iterator[Fault]:
    """What one patch changes of documents that other keys make; it may add to them.

    before, now: the machine's documents before and after the patch. own: without any patch.
    """
    key = key_of(source.document)
    owner = KEPT.get("" if key == LEGACY else key[0])
    if owner is None or key not in own:
        return
    path: tuple[str, ...] = SYSCTLS if key == LEGACY else ()
    wanted = at(own[key], *path)
    if wanted and _holds(at(before.get(key), *path), wanted) and not _holds(at(now.get(key), *path), wanted):
        yield fault(
            (*source.place, *path),
            f"changes or deletes what {owner} sets",
            "the rest of the platform relies on that",
            f"write {owner}, and remove it here",
        )


def _holds(value: Any, wanted: Any) -> bool:
    """Whether everything of `wanted` is in the value still."""
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(_holds(value.get(key), inner) for key, inner in wanted.items())
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(_holds(each, inner) for each in value) for inner in wanted)
    return bool(value == wanted)


def misspelt_flags(source: Source) -> Iterator[Fault]:
    """Flags in another spelling than their own, by which the program reads them and no table of Talos knows them."""
    key = key_of(source.document)
    for path in _FLAGS if key == LEGACY else (("extraArgs",),):
        flags = at(source.document, *path)
        for name in flags if isinstance(flags, Mapping) else ():
            own = canonical(str(name))
            if name not in (own, PATCH):
                what, why = "is not how the flag is spelled", "Talos would pass it beside the flag that it means"
                yield fault((*source.place, *path, str(name)), what, why, f"write {own}")


_FLAGS = (
    ("machine", "kubelet", "extraArgs"),
    *(("cluster", name, "extraArgs") for name in ("apiServer", "controllerManager", "scheduler", "etcd", "proxy")),
)


def isolating(source: Source, now: Documents) -> Iterator[Fault]:
    """A patch after which Talos isolates workloads, or leaves that to its default, on a platform with KubeVirt."""
    key, path = key_of(source.document), ("workloadIsolation",)
    if key == LEGACY or key[0] != "SecurityProfileConfig":
        return
    touched = touches(source.document, path)
    if touched is not None and at(now.get(key), *path) is not False:
        yield fault(
            (*source.place, *touched),
            "isolates workloads from Talos, and the platform has KubeVirt",
            "KubeVirt is not proven to work where they are isolated",
            "remove it",
        )


TALOS_CA = "TALOS CA"
"""The control of further authorities whose clients may give orders."""
_AUTHORITIES = {
    "": (("machine", "acceptedCAs"), ("cluster", "acceptedCAs")),
    "KubeAPIServerCAConfig": (("acceptedCAs",),),
    "KubeAggregatorCAConfig": (("acceptedCAs",),),
}


def trusting(source: Source) -> Iterator[Fault]:
    """Authorities in a patch whose clients the Talos API or Kubernetes would accept beside the cluster's own."""
    key = key_of(source.document)
    for path in _AUTHORITIES.get("" if key == LEGACY else key[0], ()):
        if isinstance(given := at(source.document, *path), list | tuple) and given:
            whom = "the machine" if "machine" in path else "Kubernetes"
            yield fault(
                (*source.place, *path),
                f"lets clients of another authority give orders to {whom}",
                "whoever has that authority's key is an administrator",
                f"remove it, or record an exception to {TALOS_CA} in exceptions",
            )


def weakened(source: Source, excepted: bool) -> Iterator[Fault]:
    """Kernel parameters that a patch sets so that the pod network breaks, or the kernel is less hardened.

    excepted: whether the stack file records an exception to KSPP for the machine that gets the patch.
    """
    for path, name, value in _sysctls(source.document):
        text = str(value).strip()
        if name in NEEDED and text not in NEEDED[name][0]:
            working, consequence = NEEDED[name]
            instead = f"write {' or '.join(working)}, or remove it"
            yield fault((*source.place, *path), f"{text!r} breaks the pod network", consequence, instead)
        elif name in HARDENED and text not in HARDENED[name] and not excepted:
            yield fault(
                (*source.place, *path),
                f"{text!r} weakens the kernel's hardening",
                "a process could read or control others",
                f"write {' or '.join(HARDENED[name])}, or record an exception to KSPP in exceptions",
            )
        elif starts_another(name, text, PROGRAMS) and not excepted:
            yield fault((*source.place, *path), *STARTS)


def _sysctls(document: Document) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Path, name and value of each kernel parameter of a document. Talos takes names with dots or slashes."""
    key: Key = key_of(document)
    path: tuple[str, ...] = SYSCTLS if key == LEGACY else ("params",)
    found = at(document, *path) if key == LEGACY or key[0] == "SysctlConfig" else None
    for name, value in found.items() if isinstance(found, Mapping) else ():
        if not isinstance(value, Mapping):
            yield (*path, str(name)), dotted(str(name)), value
