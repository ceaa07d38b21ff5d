"""Which values of the platform may be encrypted, and why all others may not."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.secret_places import CHART, LEGACY, Holds, Path, holds, known_kinds, matches

from . import examples
from .faults import Sentence, sentence
from .platform import Platform

_IN_PLAIN = "write it in plain text; docs/stack-file.md lists the places of secrets"
_SOURCES = tuple(f"vms.*.{disk}.from.{kind}" for disk in ("disk", "disks.*") for kind in ("http", "s3"))
_OWNERS = ("talos", "classes.*", "machines.*")
# The first pattern that fits decides. ** is everything below, and the place itself.
_REASONS: Sequence[tuple[Sequence[str], str, str]] = (
    (
        [
            *("talos.trusted_roots.*", "talos.images.[].key", "registries.tls.*.ca", "vms.*.ssh_keys.[]"),
            *(f"{owner}.bmc.{part}" for owner in _OWNERS for part in ("ca", "fingerprint", "accept_change.**")),
            *(f"{source}.{part}" for source in _SOURCES for part in ("ca", "checksum")),
            "cilium.digest",
        ],
        "it is public, and people check whom and what the platform trusts",
        "write it in plain text",
    ),
    (
        ["boot.kernel_args.[]", *(f"{owner}.schematic.kernel_args.[]" for owner in _OWNERS)],
        "whoever has an image or reaches the boot server can read it",
        "write it in plain text, without a secret",
    ),
    (
        [f"{owner}.{field}.**" for owner in _OWNERS for field in ("sysctls", "modules")],
        "every program on the machine can read it",
        "write it in plain text, without a secret",
    ),
    (
        ["workloads.*.command.[]"],
        "whoever may read pods can read it",
        "write it in plain text, without a secret",
    ),
    (
        ["storage.classes.*.parameters.**"],
        "whoever may read StorageClasses can read it",
        "write the name of a Secret of the cluster that holds it",
    ),
    (
        [f"{source}.url" for source in _SOURCES],
        "CDI shows where a disk comes from to whoever may read DataVolumes",
        "write it in plain text, and the name of a Secret with a login as secret",
    ),
    (
        [
            *("talos.factory", "talos.kms", "talos.logs.[]", "boot.matchbox.endpoint", "boot.assets"),
            *("boot.provisioning.http", "cilium.repository", "registries.mirrors.*.endpoints.[]"),
            *("registries.auth.[]", "machines.*.bmc.url", "network.**", "talos.snapshots.to.**"),
        ],
        "an address contains no login, and people check what the platform connects to",
        "write it in plain text; docs/stack-file.md lists where logins belong",
    ),
    (
        [f"{owner}.containerd.**" for owner in _OWNERS],
        "a setting of containerd is no secret, and logins of registries are the stack's secret bedplate:registries",
        "write it in plain text",
    ),
    (
        ["cilium.values.**"],
        "the chart writes it where everyone in the cluster can read it",
        "write it in plain text; only private keys of the chart's certificates may be encrypted",
    ),
    (["exceptions.**"], "an exception is a decision that others review", "write it in plain text"),
)


def held(platform: Any, path: Path) -> Holds | None:
    """What the value at a path of a platform holds; None where it may not be encrypted."""
    kind, rest = document_of(platform, path)
    if rest:
        return holds(kind, rest)
    return Holds.TEXT if path[:1] == ("vms",) and path[2:3] == ("cloud_init",) and len(path) > 3 else None


def may_be_encrypted(platform: Any, path: Path) -> bool:
    """Whether the value at a path of a platform may be encrypted."""
    return held(platform, path) in (Holds.SECRET, Holds.TEXT)


def document_of(platform: Any, path: Path) -> tuple[str, Path]:
    """What a path leads into, and the rest of the path: a patch's kind, or CHART; both empty for any other place."""
    if path[:2] == ("cilium", "values"):
        return CHART, path[2:]
    match path:
        case ("talos", "patches", int(), *rest):
            length = 3
        case ("machines" | "classes", _, "patches", int(), *rest):
            length = 4
        case _:
            return "", ()
    patch = at(platform, path[:length])
    kind = patch.get("kind", LEGACY) if isinstance(patch, Mapping) else None
    return (kind, tuple(rest)) if isinstance(kind, str) else ("", ())


def why_not(platform: Any, path: Path) -> Sentence:
    """Why the value at a path may not be encrypted, as the text of a fault."""
    kind, rest = document_of(platform, path)
    if rest and kind != CHART and holds(kind, rest) is Holds.PKI:
        why = "the PKI in the stack's state has it, and another one locks machines out"
        return sentence("is a part of the cluster's PKI", why, "remove it")
    takes = examples.takes(Platform, tuple("0" if isinstance(key, int) else key for key in path))
    if takes in ("a mapping", "a list"):
        why = "people review the platform, and policies judge it"
        return sentence("is encrypted as a whole", why, "write it in plain text, and encrypt its secrets one by one")
    if takes:
        return sentence("may not be encrypted", f"it is {takes}, and no secret", "write it in plain text")
    if rest and kind != CHART:
        of = f"of a {kind} " if kind in known_kinds() else ""
        return sentence("may not be encrypted", f"this field {of}holds no secret, and policies judge it", _IN_PLAIN)
    for patterns, why, instead in _REASONS:
        if any(_leads(pattern.split("."), path) for pattern in patterns):
            return sentence("may not be encrypted", why, instead)
    return sentence("may not be encrypted", "it is no secret, plans show it and policies judge it", _IN_PLAIN)


def at(value: Any, path: Path) -> Any:
    """The value at a path; None where the path leads to none."""
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _leads(pattern: Sequence[str], path: Path) -> bool:
    return matches(pattern, path) or (pattern[-1] == "**" and matches(pattern[:-1], path))
