"""Patches of the machine config: documents that the contract has, and no field that Bedplate sets by a document."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.contracts import KINDS, MOVED, UNJUDGED, given, replaced
from core.facts.document_fields import problems
from core.facts.versions import minor, spell
from core.model.faults import Fault, fault
from core.model.patches import all_patches
from core.model.platform import Platform

from .registry import check

# The prefix of the annotations that Bedplate itself sets on a node, exceptions among them.
_OWN_PREFIX = "bedplate/"


@check("talos")
def kinds_are_in_the_contract(p: Platform) -> Iterator[Fault]:
    """Each document is of a kind that the contract has."""
    contract = minor(p.talos.contract)
    for path, patch in all_patches(p):
        kind = patch.get("kind")
        if not isinstance(kind, str):
            continue
        since = KINDS.get(kind)
        if kind in UNJUDGED:
            yield fault((*path, "kind"), f"{kind} is not accepted in patches", *UNJUDGED[kind])
        elif since is None:
            yield fault(
                (*path, "kind"),
                "is not a known kind of machine config document",
                "Talos refuses a config with an unknown kind",
                "look the kind up in Talos' configuration reference",
            )
        elif since > contract:
            yield fault(
                (*path, "kind"),
                f"{kind} requires contract v{spell(since)}, but talos.contract is {p.talos.contract}",
                "the generator of the config would refuse it",
                "write the field of machine: or cluster: that the document replaces",
            )


@check("talos")
def fields_are_not_replaced(p: Platform) -> Iterator[Fault]:
    """No patch sets a field that the contract replaces by a document."""
    for path, patch in all_patches(p):
        for field, kinds in replaced(minor(p.talos.contract)).items():
            if given(patch, field):
                yield fault(
                    (*path, *field.split(".")),
                    f"is set by {' and '.join(kinds)} in contract {p.talos.contract}",
                    "Talos refuses a config that sets one thing in two places",
                    _instead(patch, field, kinds),
                )


def _instead(patch: Mapping[str, Any], field: str, kinds: tuple[str, ...]) -> str:
    """The document to write in place of a field, and what the field is called there."""
    moved = [(old, *new) for old, new in MOVED.items() if f"{old}.".startswith(f"{field}.") and given(patch, old)]
    if not moved:
        return f"write a document of kind {kinds[0]}"
    return "write " + " and ".join(
        f"a document of kind {kind}, where {old.rpartition('.')[2]} is {name}" for old, kind, name in moved
    )


@check("talos")
def talos_can_read_them(p: Platform) -> Iterator[Fault]:
    """Each field exists in the platform's Talos release, and has a value of the field's type."""
    for path, patch in all_patches(p):
        for problem in problems(patch, minor(p.talos.version)):
            why = "Talos refuses a config that it can't read"
            yield fault((*path, *problem.path), problem.what, why, problem.instead)


@check("talos")
def own_annotations_are_not_patched(p: Platform) -> Iterator[Fault]:
    """No patch sets an annotation with Bedplate's prefix."""
    for path, patch in all_patches(p):
        if any(str(key).startswith(_OWN_PREFIX) for key in _annotations(patch)):
            yield fault(
                (*path, "machine", "nodeAnnotations") if patch.get("kind") is None else (*path, "annotations"),
                f"sets an annotation with the prefix {_OWN_PREFIX}",
                "policies read excepted controls from these annotations, and people the machine's identity",
                "record exceptions in exceptions, and use another prefix for your own annotations",
            )


def _annotations(patch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node annotations of a patch: key to value."""
    machine = patch.get("machine")
    if patch.get("kind") == "KubeNodeConfig":
        annotations = patch.get("annotations")
    else:
        annotations = machine.get("nodeAnnotations") if isinstance(machine, Mapping) else None
    return annotations if isinstance(annotations, Mapping) else {}
