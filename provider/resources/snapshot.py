"""etcd, saved to a file before anything is upgraded: the way back if an upgrade breaks it."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from clients.talos import Client, Maintenance, NoAnswer
from core.facts.folders import is_system_folder
from core.native import UNKNOWN, Values
from core.native.cluster import SNAPSHOT
from provider.framework import UserError, in_thread
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import SAY_SECONDS

# What an upgrade changes, in the order of a file's name. Twelve of a schematic's 64 digits tell two schematics apart.
_UPGRADED = ("talos", "schematic", "kubernetes")
_DIGITS = 12
# The file has whole pages of etcd, followed by the SHA-256 of all of them (etcdutl, snapshot.v3_snapshot).
_PAGE, _HASH = 512, hashlib.sha256().digest_size
# The checkout: a relative folder lies in it.
_ROOT = Path(__file__).resolve().parents[2]

T = TypeVar("T")


class Snapshot(Resource):
    """Its creation only records the versions. A change saves etcd first, and every upgrade depends on it.

    A file is never overwritten and never deleted, neither for a later one nor with the resource.
    """

    contract = SNAPSHOT

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs by name: the file is UNKNOWN if etcd is saved."""
        return {**inputs, "file": UNKNOWN if _saves(inputs, state) else (state or {}).get("file", "")}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """Where etcd is saved to, or that it is not."""
        if state is None or not _upgrades(inputs, state):
            return None
        if not inputs.get("wanted"):
            return "etcd is NOT saved before the upgrade: talos.snapshots.before_upgrades is false"
        return f"etcd is saved to {inputs['folder']}/{_name(inputs, state, 'TIME')} before the upgrade"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Record the versions. Returns the platform's name, and the outputs by name."""
        return str(inputs["platform"]), {**inputs, "file": ""}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Save etcd, if something is upgraded. Returns the outputs by name."""
        if not _saves(inputs, state):
            return {**inputs, "file": state.get("file", "")}
        return {**inputs, "file": await in_thread(_save, inputs, state, say)}


def _upgrades(inputs: Values, state: Values) -> list[str]:
    """The inputs whose versions change."""
    return [part for part in _UPGRADED if inputs.get(part) != state.get(part)]


def _saves(inputs: Values, state: Values | None) -> bool:
    return state is not None and bool(inputs.get("wanted")) and bool(_upgrades(inputs, state))


def _name(inputs: Values, state: Values, when: str) -> str:
    """The file's name, such as prod-20261126T201500Z-talos-v1.14.1-to-v1.14.2.db."""
    steps = [
        f"{part}-{str(state.get(part))[:_DIGITS]}-to-{str(inputs[part])[:_DIGITS]}" for part in _upgrades(inputs, state)
    ]
    return re.sub(r"[^A-Za-z0-9.-]", "_", "-".join([inputs["platform"], when, *steps])) + ".db"


def _save(inputs: Values, state: Values, say: Progress) -> str:
    """The path of the file. Each control plane is queried in turn, until one provides a complete snapshot.

    Raises UserError if none does, or the file can't be written.
    """
    client = client_of(inputs)
    folder = _ROOT / inputs["folder"]
    target = folder / _name(inputs, state, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    failures: list[str] = []
    for node in inputs["nodes"]:
        try:
            _take(client, node, target, float(inputs["timeoutSeconds"]), say)
        except (NoAnswer, _Incomplete) as error:
            failures.append(f"{node}: {error}")
            say(f"no snapshot from {failures[-1]}")
            continue
        except _Unwritable as error:
            raise UserError(
                f"etcd is not saved, and nothing is upgraded: {folder} can't be written ({error}); without a snapshot "
                "there is no way back; free space or change the rights there, or write another folder in "
                "talos.snapshots.folder; then run up again"
            ) from None
        say(f"etcd is saved: {target} ({target.stat().st_size // 1024} KiB), from {node}")
        return str(target)
    if all(_is_unconfigured(node) for node in inputs["nodes"]):
        say("no control plane has a config yet: there is no etcd to save")
        return ""
    raise UserError(
        f"etcd is not saved, and nothing is upgraded: no control plane provided a snapshot ({'; '.join(failures)}); "
        "without a snapshot there is no way back; check etcd with: talosctl etcd status; then run up again, or write "
        "talos.snapshots.before_upgrades: false to upgrade without one"
    )


class _Unwritable(Exception):
    """The file can't be written on this computer, whichever machine provides it."""


class _Incomplete(Exception):
    """The received data is not a complete snapshot."""


def _take(client: Client, node: str, target: Path, seconds: float, say: Progress) -> None:
    """Write a complete snapshot to `target`, or nothing. Raises NoAnswer, _Incomplete and _Unwritable."""
    part = target.with_name(target.name + ".part")
    begun = reported = time.monotonic()
    size = 0

    def write(piece: bytes) -> None:
        nonlocal size, reported
        _disk(lambda: out.write(piece))
        size += len(piece)
        if time.monotonic() - reported >= SAY_SECONDS:
            reported = time.monotonic()
            say(f"{size // 2**20} MiB from {node}, {reported - begun:.0f} s of {seconds:.0f} s")

    _require_data_folder(target.parent.resolve())
    _disk(lambda: target.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
    if target.exists():
        raise _Unwritable(f"{target.name} already exists")
    # O_EXCL: neither an existing file is overwritten nor a symbolic link followed.
    out = _disk(lambda: os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0))
    try:
        with out:
            client.snapshot(node, write, seconds)
            _disk(lambda: os.fsync(out.fileno()))
        _require_complete(part, size)
        _disk(lambda: part.rename(target))
    finally:
        part.unlink(missing_ok=True)


def _require_data_folder(folder: Path) -> None:
    """Raises _Unwritable if a folder, its links resolved, belongs to the system; the checkout may lie anywhere."""
    if is_system_folder(str(folder)) and not folder.is_relative_to(_ROOT):
        raise _Unwritable(f"it leads to {folder}, which belongs to the system")


def _disk(act: Callable[[], T]) -> T:
    try:
        return act()
    except OSError as error:
        raise _Unwritable(error.strerror or str(error)) from None


def _require_complete(file: Path, size: int) -> None:
    """Raises _Incomplete if the data is truncated: the machine ends the stream without an error then."""
    if size % _PAGE != _HASH:
        raise _Incomplete(f"its {size} bytes do not end with a hash, so it is truncated")
    digest = hashlib.sha256()
    left = size - _HASH
    with file.open("rb") as written:
        while left and (piece := written.read(min(left, 2**20))):
            digest.update(piece)
            left -= len(piece)
        if written.read() != digest.digest():
            raise _Incomplete(f"its {size} bytes do not match the hash at their end")


def _is_unconfigured(node: str) -> bool:
    """Whether a machine waits for its first config: only then does it answer without a client certificate."""
    try:
        Maintenance.at(node).hardware(node)
    except NoAnswer:
        return False
    return True
