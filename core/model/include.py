"""Parts of a platform in files of their own: many VMs, or one file per team.

Pulumi hands a stack's config to the program in one environment variable, which Linux limits to 128 KiB: about a
thousand VMs. Included files are read from the checkout instead.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from core.facts.characters import invisible

from . import sealed, yamlfile
from .faults import Fault, StackFileError, fault, sentence

# What a file may contain: mappings by name, which can be combined without losing an entry.
SECTIONS = ("machines", "vms", "workloads")


def included(raw: Any, root: Path) -> Any:
    """The platform with its included files put in.

    root: the folder that the paths start from. Raises StackFileError with every fault of the includes.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("include"), list):
        return raw  # The model reports any other value.
    whole = {**raw, **{section: dict(raw[section]) for section in SECTIONS if isinstance(raw.get(section), Mapping)}}
    faults: list[Fault] = []
    for index, name in enumerate(raw["include"]):
        path = ("include", str(index))
        try:
            part = _read(name, root)
        except ValueError as error:
            faults.append(Fault(path, str(error)))
            continue
        for section, entries in part.items():
            present = whole.setdefault(section, {})
            if not isinstance(present, dict):
                continue  # The model reports it.
            faults += [_twice(path, name, f"{section}.{entry}") for entry in entries if entry in present]
            present.update(entries)
    if faults:
        raise StackFileError(faults)
    return whole


def _twice(path: tuple[str, ...], name: str, entry: str) -> Fault:
    return fault(
        path,
        f"{name} defines {entry}, which is defined already",
        "one of the two definitions would be lost",
        "rename one of them, or remove it",
    )


def _leads_elsewhere(root: Path, path: PurePosixPath) -> bool:
    """Whether there is a link on the way to a file of the checkout."""
    return any((root / part).is_symlink() for part in (path, *path.parents) if part.parts)


def _read(name: Any, root: Path) -> dict[str, Mapping[str, Any]]:
    path = PurePosixPath(name) if isinstance(name, str) else PurePosixPath("/")
    if path.is_absolute() or ".." in path.parts or invisible(str(path)) or _leads_elsewhere(root, path):
        raise ValueError(
            sentence(
                "is not a path inside the checkout",
                "a plan must be the same on every computer",
                "write a path relative to the checkout, e.g. vms/team-a.yaml",
            )
        )
    part = yamlfile.read(root / path, name, "its machines, VMs and workloads would be missing")
    sealed.require_none(part)
    if (
        not isinstance(part, Mapping)
        or not all(isinstance(v, Mapping) for v in part.values())
        or set(part) - set(SECTIONS)
    ):
        raise ValueError(
            sentence(
                f"{name} contains something other than machines:, vms: and workloads:",
                "only mappings by name can be combined without losing an entry",
                "write machines: {…}, vms: {…} or workloads: {…} at its top level",
            )
        )
    return dict(part)
