"""A chart of the checkout, as it is on the disk: complete, and without links to files elsewhere."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from core.model.faults import Fault, fault
from core.model.platform import Platform

# Source: helm.sh/helm/v3 v3.18, pkg/chart/loader/archive.go, MaxDecompressedChartSize: a larger chart is refused there.
MOST_BYTES = 100 << 20
_MOST_ENTRIES = 10_000
_PATH = ("cilium", "chart")
_LINK = (
    "Helm would follow it, and the chart could put any file of this computer into the cluster",
    "replace it with what it leads to",
)


def faults(platform: Platform, root: Path) -> Iterator[Fault]:
    """What is wrong with the platform's chart, if that is a path of the checkout.

    root: the checkout. Reads names alone of a folder, and the whole of a packed chart that has a digest.
    """
    want = platform.cilium
    if not want.chart.startswith("./"):
        return
    path = root
    for part in Path(want.chart).parts:
        path /= part
        if path.is_symlink():
            yield fault(_PATH, f"{path.relative_to(root)} is a link", *_LINK)
            return
    if path.is_dir():
        yield from _folder(path, root)
    elif path.is_file() and path.suffix == ".tgz":
        yield from _packed(path, want.sha256 if want.digest else None)
    else:
        yield fault(
            _PATH,
            f"{want.chart} is neither a folder of the checkout nor a .tgz file",
            "there is no chart for Helm to install",
            "write a path from the checkout on, e.g. ./charts/cilium",
        )


def _folder(folder: Path, root: Path) -> Iterator[Fault]:
    if not (folder / "Chart.yaml").is_file():
        yield fault(
            _PATH,
            f"{folder.relative_to(root)} has no Chart.yaml",
            "Helm takes no other folder for a chart",
            "write the folder in which Chart.yaml is",
        )
        return
    for count, entry in enumerate(_entries(folder)):
        if count == _MOST_ENTRIES:
            yield fault(
                _PATH,
                f"{folder.relative_to(root)} has more than {_MOST_ENTRIES} files",
                "Helm reads every one of them into memory",
                "write the chart's own folder",
            )
            return
        if entry.is_symlink():
            yield fault(_PATH, f"{Path(entry.path).relative_to(root)} is a link", *_LINK)
        elif not entry.is_dir() and not entry.is_file():
            yield fault(
                _PATH,
                f"{Path(entry.path).relative_to(root)} is no regular file",
                "Helm would wait for it, or read without end",
                "remove it",
            )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything in a folder, at any depth, in the order of names. No link is followed."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))


def _packed(file: Path, digest: str | None) -> Iterator[Fault]:
    if file.stat().st_size > MOST_BYTES:
        yield fault(
            _PATH,
            f"is a file of more than {MOST_BYTES >> 20} MiB",
            "Helm refuses such a chart",
            "write the path of a packed chart",
        )
    elif digest and (found := hashlib.sha256(file.read_bytes()).hexdigest()) != digest:
        yield fault(
            ("cilium", "digest"),
            f"is not that of {file.name}, which has sha256:{found}",
            "another chart than the reviewed one would run with all rights in the cluster",
            "restore the file, or review it and write its digest",
        )
