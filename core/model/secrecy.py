"""Secrets in plain text, and encrypted values where none may be: judged on the platform as it is written.

Before classes and defaults are put in, so that each fault names the place in the file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core import standins
from core.facts import secret_looks
from core.facts.secret_places import Holds, texts

from . import cloudinit, places, sealed
from .faults import Fault, fault
from .setting import Path, command

_PLAIN = "the stack file is plain text, and so are plans and states"
# Texts of free form that can't be encrypted, because plans, images or boot scripts contain them.
_FREE = (
    ("workloads", "*", "command"),
    ("boot", "kernel_args"),
    ("cilium", "values"),
    ("storage", "classes", "*", "parameters"),
    *(
        (*owner, *place)
        for owner in (("talos",), ("classes", "*"), ("machines", "*"))
        for place in (("schematic", "kernel_args"), ("containerd",))
    ),
)


def faults(platform: Mapping[str, Any]) -> list[Fault]:
    """Each secret in plain text of a platform with stand-ins."""
    return [*_patches(platform), *_cloud_init(platform), *_chart(platform), *_free(platform)]


def misplaced(platform: Mapping[str, Any]) -> Iterator[Fault]:
    """A fault for each stand-in where no value may be encrypted."""
    for path, text in texts(platform):
        if not standins.is_one(text) or places.may_be_encrypted(platform, path):
            continue
        kind, rest = places.document_of(platform, path)
        if not standins.is_one(kind) or rest == ("kind",):  # Else the kind would have to be known.
            yield Fault(sealed.names(path), places.why_not(platform, path))


def _patches(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for start, patch in _all_patches(platform):
        for inner, text in texts(patch):
            path = (*start, *inner)
            place = places.held(platform, path)
            if place is Holds.PKI and not standins.is_one(text):
                yield Fault(sealed.names(path), places.why_not(platform, path))
            elif standins.is_one(text) or (not inner) or inner[-1] == "$patch":
                continue
            elif place is Holds.SECRET and text:
                yield _plain(path, "is a secret in plain text")
            elif place is Holds.TEXT:
                name = secret_looks.called(patch, inner) or str(inner[-1])
                if what := secret_looks.kind_of_variable(name, text):
                    yield _plain(path, f"contains {what} in plain text")
            elif what := secret_looks.kind_by_form(text):
                yield _elsewhere(path, what)


def _cloud_init(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for name, vm in _entries(platform.get("vms")):
        for inner, what in cloudinit.secrets(vm.get("cloud_init")):
            yield _plain(("vms", name, "cloud_init", *inner), f"contains {what} in plain text")


def _chart(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for path, text in texts(places.at(platform, ("cilium", "values")), ("cilium", "values")):
        if places.held(platform, path) is Holds.SECRET and text and not standins.is_one(text):
            yield _plain(path, "is a secret in plain text")


def _free(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for path, text in texts({key: platform.get(key) for key in sorted({place[0] for place in _FREE})}):
        if places.held(platform, path) or not any(_begins(path, each) for each in _FREE):
            continue
        name = secret_looks.called(platform, path) or _telling_key(path)
        if what := secret_looks.kind_of_variable(name, text):
            yield _elsewhere(path, what)


def _telling_key(path: Path) -> str:
    """The key of a chart's value or of a class's parameter, unless it may name a Secret, as existingSecret does."""
    key = str(path[-1])
    of_driver = path[:2] == ("storage", "classes") and path[3:4] == ("parameters",)
    told = (path[:2] == ("cilium", "values") or of_driver) and not key.lower().endswith("secret")
    return key if told else ""


def _begins(path: Path, start: tuple[str, ...]) -> bool:
    return len(path) > len(start) and all(part in ("*", key) for part, key in zip(start, path, strict=False))


def _plain(path: Path, what: str) -> Fault:
    return fault(sealed.names(path), what, _PLAIN, f"encrypt it: {command(path)}")


def _elsewhere(path: Path, what: str) -> Fault:
    return fault(
        sealed.names(path),
        f"contains {what}",
        f"{_PLAIN}, and this place can't be encrypted",
        "remove it, and replace the secret where it is in use",
    )


def _all_patches(platform: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Path and value of each patch."""
    owners: list[tuple[Path, Any]] = [(("talos",), platform.get("talos"))]
    owners += [
        ((section, name), entry)
        for section in ("classes", "machines")
        for name, entry in _entries(platform.get(section))
    ]
    for path, owner in owners:
        patches = owner.get("patches") if isinstance(owner, Mapping) else None
        if isinstance(patches, list):
            yield from (((*path, "patches", index), patch) for index, patch in enumerate(patches))


def _entries(section: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(section, Mapping):
        yield from ((str(name), entry) for name, entry in section.items() if isinstance(entry, Mapping))
