"""Disks of VMs that could not be filled, or not be kept, where they are."""

from collections.abc import Iterator, Mapping

from core.facts import storage
from core.model.claims import Claim
from core.model.copies import Key, copied, made
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("storage")
def kept_disks_are_in_no_scratch_space(p: Platform) -> Iterator[Fault]:
    """No disk that is kept is in the class whose volumes are deleted with their claims."""
    if p.storage is None or p.storage.local is None:
        return
    for each in made(p).values():
        if each.spec.class_ == storage.SCRATCH_CLASS and each.spec.keep:
            yield fault(
                (*each.path, "class"),
                f"is {storage.SCRATCH_CLASS}, and the disk is kept",
                "a volume of this class is deleted with its claim, so the data could be lost by one mistake",
                f"write {storage.CLASS}, or keep: false if the data may go",
            )


@check()
def no_disks_are_copies_of_each_other(p: Platform) -> Iterator[Fault]:
    """No disks are copies of each other in a circle. A copy of itself is reported elsewhere."""
    new = made(p)
    reported: set[Key] = set()
    for key, each in new.items():
        circle = _circle(new, key)
        if len(circle) < 2 or reported & set(circle):
            continue
        reported |= set(circle)
        way = ", which is a copy of ".join(".".join(new[of].path) for of in (*circle[1:], key))
        yield fault(
            (*each.path, "from", "claim"),
            f"is that of {way}",
            "CDI would wait for ever for the first of them to be filled",
            "fill one of them from something else",
        )


def _circle(new: Mapping[Key, Claim], start: Key) -> list[Key]:
    """The disks from one to the one before it again, each a copy of the next; empty where it is in no such circle."""
    way: list[Key] = []
    at: Key | None = start
    while at is not None and at in new and at not in way:
        way.append(at)
        at = copied(new[at])
    return way if at == start else []
