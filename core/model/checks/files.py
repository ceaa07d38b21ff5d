"""Files that patches write: where Talos can write them, each by one writer. And what the kubelet shares of the host."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.containerd import PART
from core.facts.versions import DOCUMENTS_FROM, LAST_CONTRACTS, minor
from core.model.faults import Fault, fault
from core.model.patches import all_patches
from core.model.platform import Platform

from .registry import check

# Source: siderolabs/talos internal/app/machined/pkg/runtime/v1alpha1, WriteUserFiles.
_OPERATIONS = ("create", "append", "overwrite")
_MANIFESTS = "/etc/kubernetes/manifests"

Path = tuple[str, ...]


@check("talos")
def files_can_be_written(p: Platform) -> Iterator[Fault]:
    """Each file of a patch is one that Talos can write at a boot."""
    for path, file in _files(p):
        yield from _file_faults(path, file)


@check("talos")
def containerd_has_one_writer(p: Platform) -> Iterator[Fault]:
    """No patch writes the part of containerd's configuration that Bedplate writes."""
    for path, patch in all_patches(p):
        # Before that contract the kind itself is a fault.
        if patch.get("kind") == "CRICustomizationConfig" and minor(p.talos.contract) >= DOCUMENTS_FROM:
            yield _second_writer((*path, "kind"))
    for path, file in _files(p):
        if _normal(file.get("path")) == PART:
            yield _second_writer((*path, "path"))


@check("talos")
def files_have_one_writer(p: Platform) -> Iterator[Fault]:
    """No file of a machine is written by two patches."""
    writers: dict[tuple[Path, str], Path] = {}
    for path, file in _files(p):
        target = _normal(file.get("path"))
        if not target or target == PART or file.get("op") == "append":
            continue
        owners = _owners(p, path)
        others = [writers[owner, target] for owner in owners if (owner, target) in writers]
        other = others[0] if others else writers.setdefault((owners[-1], target), path)
        if other != path:
            yield fault(
                (*path, "path"),
                f"is also written by {'.'.join(other)}",
                "the later of the two would replace the earlier at each boot",
                "write the file once",
            )


@check("talos")
def kubelet_mounts_are_in_the_contract(p: Platform) -> Iterator[Fault]:
    """No kubelet_mounts with a contract that has none."""
    if minor(p.talos.contract) <= LAST_CONTRACTS["kubelet_mounts"]:
        return
    places: list[tuple[Path, Mapping[str, Any]]] = [(("talos",), p.talos.kubelet_mounts)]
    places += [(("machines", name), machine.kubelet_mounts) for name, machine in p.machines.items()]
    for path, mounts in places:
        if mounts:
            yield fault(
                (*path, "kubelet_mounts"),
                f"is set, but contract {p.talos.contract} has no mounts of the kubelet",
                "Talos shares /var/mnt with the kubelet, and nothing else any more",
                "write volumes, whose folders are below /var/mnt",
            )


def _owners(p: Platform, path: Path) -> list[Path]:
    """What has the patch at a path, last, and before it what has patches for the same machines."""
    owners: list[Path] = [("talos",)]
    class_ = p.machines[path[1]].class_ if path[0] == "machines" else path[1] if path[0] == "classes" else None
    owners += [("classes", class_)] if class_ else []
    return owners + ([("machines", path[1])] if path[0] == "machines" else [])


def _file_faults(path: Path, file: Mapping[str, Any]) -> Iterator[Fault]:
    target, operation = _normal(file.get("path")), file.get("op")
    if not target:
        yield fault(
            (*path, "path"),
            "is not an absolute path without ..",
            "Talos could write outside of the folder that the path seems to name",
            "write e.g. /var/etc/NAME",
        )
    elif operation not in _OPERATIONS:
        yield fault(
            (*path, "op"),
            "is missing" if operation is None else "is not an operation that Talos knows",
            "Talos would stop at it, and the machine would not finish its boot",
            "write op: create, append or overwrite",
        )
    elif operation == "create" and not target.startswith(("/var/", f"{_MANIFESTS}/")) and target != PART:
        yield fault(
            (*path, "path"),
            "is outside /var, and op is create",
            "the rest of the system is read-only: Talos would stop at it, and the machine would not finish its boot",
            "write a path below /var, or op: overwrite for a file that Talos has",
        )


def _second_writer(path: Path) -> Fault:
    return fault(
        path,
        "is the part of containerd's configuration that Bedplate writes",
        "with a second writer the boot fails, or one of the two is lost",
        "write the settings in talos.containerd, or in containerd of a class or a machine",
    )


def _normal(path: Any) -> str:
    """The path without doubled slashes; empty for one that is not absolute or leads upwards."""
    parts = path.split("/") if isinstance(path, str) else ["relative"]
    if parts[0] or ".." in parts:
        return ""
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def _files(p: Platform) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each entry of machine.files in a patch, with its path. From contract v1.14 on Talos has no such field."""
    if minor(p.talos.contract) >= DOCUMENTS_FROM:
        return
    for path, patch in all_patches(p):
        machine = patch.get("machine")
        files = machine.get("files") if isinstance(machine, Mapping) else None
        for index, file in enumerate(files if isinstance(files, list | tuple) else ()):
            if isinstance(file, Mapping) and "$patch" not in file:
                yield (*path, "machine", "files", str(index)), file
