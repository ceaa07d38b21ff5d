"""Secrets in plain text, and encrypted values where none may be: judged on the platform as it is written.

Before classes and defaults are put in, so that each fault names the place in the file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core import standins
from core.facts import secret_looks
from core.facts.secret_places import Holds, holds, texts

from . import cloudinit, sealed
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
    """The faults of a platform with stand-ins: each secret in plain text, each stand-in where none may be."""
    return [*_misplaced(platform), *_patches(platform), *_cloud_init(platform), *_free(platform)]


def _misplaced(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for path, text in texts(platform):
        if standins.is_one(text) and not sealed.may_be_encrypted(platform, path):
            yield _not_here(platform, path)


def _not_here(platform: Mapping[str, Any], path: Path) -> Fault:
    found = sealed.patch_of(platform, path)
    if found and holds(*found) is Holds.PKI:
        return _of_the_pki(path)
    return fault(
        sealed.names(path),
        "may not be encrypted",
        "plans show it, policies judge it, or it is sent where anyone can read it",
        "write it in plain text; docs/stack-file.md lists the places of secrets",
    )


def _of_the_pki(path: Path) -> Fault:
    return fault(
        sealed.names(path),
        "is a part of the cluster's PKI",
        "the PKI in the stack's state has it, and another one locks machines out",
        "remove it",
    )


def _patches(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for start, patch in _all_patches(platform):
        for inner, text in texts(patch):
            path = (*start, *inner)
            found = sealed.patch_of(platform, path)
            place = holds(*found) if found else None
            if place is Holds.PKI and not standins.is_one(text):
                yield _of_the_pki(path)
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


def _free(platform: Mapping[str, Any]) -> Iterator[Fault]:
    for path, text in texts({key: platform.get(key) for key in sorted({place[0] for place in _FREE})}):
        if not any(_begins(path, each) for each in _FREE):
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
