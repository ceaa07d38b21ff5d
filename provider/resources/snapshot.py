"""What etcd holds, saved before anything is upgraded: the way back where an upgrade breaks it."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from clients.talos import Client, Maintenance, NoAnswer
from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.talosclient import client_of, wrong_client
from provider.waiting import SAY_SECONDS, wrong_timeout

# What an upgrade changes, in the order of a file's name. Of a schematic's 64 digits, as many as tell two apart.
_UPGRADED = ("talos", "schematic", "kubernetes")
_DIGITS = 12
# etcd: whole pages, and behind them the SHA-256 of what stands before it (etcdutl, snapshot.v3_snapshot).
_PAGE, _HASH = 512, hashlib.sha256().digest_size
# The checkout: a folder that is no absolute one lies in it.
_ROOT = Path(__file__).resolve().parents[2]

T = TypeVar("T")


class Snapshot(Gate):
    """Made, it only notes what runs. Changed, it saves etcd first, and all that is upgraded waits for it.

    A file is never written over and never deleted: not when a later one is there, nor with the resource.
    """

    token = "bedplate-native:talos:Snapshot"
    secrets = frozenset({"clientConfiguration"})
    ignored_in_diff = frozenset({"nodes", "clientConfiguration", "folder", "wanted", "timeoutSeconds"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = [*wrong_timeout(inputs.get("timeoutSeconds")), *wrong_client(inputs.get("clientConfiguration"))]
        for name in ("platform", "folder", *_UPGRADED):
            if not isinstance(inputs.get(name), (str, Unknown)) or not inputs.get(name):
                wrong.append(InputError(name, "is missing; a snapshot's file is named by it; write its text"))
        nodes = inputs.get("nodes")
        if not isinstance(nodes, Unknown) and not (
            isinstance(nodes, list) and nodes and all(isinstance(node, (str, Unknown)) for node in nodes)
        ):
            wrong.append(InputError("nodes", "names no control plane; etcd is asked there; write their addresses"))
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "file": UNKNOWN if _saves(inputs, state) else (state or {}).get("file", "")}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if state is None or not _upgrade(inputs, state):
            return None
        if not inputs.get("wanted"):
            return "etcd is NOT saved before the upgrade: talos.snapshots.before_upgrades is false"
        return f"etcd is saved to {inputs['folder']}/{_name(inputs, state, 'TIME')} before the upgrade"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return str(inputs["platform"]), {**inputs, "file": ""}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if not _saves(inputs, state):
            return {**inputs, "file": state.get("file", "")}
        return {**inputs, "file": await in_thread(_save, inputs, state, say)}


def _upgrade(inputs: Values, state: Values) -> list[str]:
    """What is upgraded."""
    return [part for part in _UPGRADED if inputs.get(part) != state.get(part)]


def _saves(inputs: Values, state: Values | None) -> bool:
    return state is not None and bool(inputs.get("wanted")) and bool(_upgrade(inputs, state))


def _name(inputs: Values, state: Values, when: str) -> str:
    """Such as prod-20261126T201500Z-talos-v1.14.1-to-v1.14.2.db."""
    steps = [
        f"{part}-{str(state.get(part))[:_DIGITS]}-to-{str(inputs[part])[:_DIGITS]}" for part in _upgrade(inputs, state)
    ]
    return re.sub(r"[^A-Za-z0-9.-]", "_", "-".join([inputs["platform"], when, *steps])) + ".db"


def _save(inputs: Values, state: Values, say: Progress) -> str:
    """The file that holds it. Each control plane in turn, until one gives a whole one."""
    client = client_of(inputs["clientConfiguration"])
    assert client is not None, "no update has unknown inputs"
    folder = _ROOT / inputs["folder"]
    target = folder / _name(inputs, state, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    heard: list[str] = []
    for node in inputs["nodes"]:
        try:
            _take(client, node, target, float(inputs["timeoutSeconds"]), say)
        except (NoAnswer, _Broken) as error:
            heard.append(f"{node}: {error}")
            say(f"no snapshot from {heard[-1]}")
            continue
        except _Unwritable as error:
            raise UserError(
                f"etcd is not saved, and nothing is upgraded: {folder} can't be written ({error}); make room and rights there, "
                "or name another folder in talos.snapshots.folder; then run up again"
            ) from None
        say(f"etcd is saved: {target} ({target.stat().st_size // 1024} KiB), from {node}")
        return str(target)
    if all(_blank(node) for node in inputs["nodes"]):
        say("no control plane has a config yet: there is no etcd to save")
        return ""
    raise UserError(
        f"etcd is not saved, and nothing is upgraded: no control plane gave a snapshot ({'; '.join(heard)}); see etcd well first: "
        "talosctl etcd status; then run up again, or write talos.snapshots.before_upgrades: false to upgrade with no way back"
    )


class _Unwritable(Exception):
    """The disk here, and no machine, is why there is no file."""


class _Broken(Exception):
    """What came is no whole snapshot."""


def _take(client: Client, node: str, target: Path, seconds: float, say: Progress) -> None:
    """A whole snapshot under its name, or nothing at all. Raises NoAnswer, _Broken and _Unwritable."""
    part = target.with_name(target.name + ".part")
    begun = said = time.monotonic()
    size = 0

    def write(piece: bytes) -> None:
        nonlocal size, said
        _disk(lambda: out.write(piece))
        size += len(piece)
        if time.monotonic() - said >= SAY_SECONDS:
            said = time.monotonic()
            say(f"{size // 2**20} MiB from {node}, {said - begun:.0f} s of {seconds:.0f} s")

    _disk(lambda: target.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
    if target.exists():
        raise _Unwritable(f"{target.name} is there already")
    # Neither over a file nor through a link that somebody laid there.
    out = _disk(lambda: os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0))
    try:
        with out:
            client.snapshot(node, write, seconds)
            _disk(lambda: os.fsync(out.fileno()))
        _whole(part, size)
        _disk(lambda: part.rename(target))
    finally:
        part.unlink(missing_ok=True)


def _disk(act: Callable[[], T]) -> T:
    try:
        return act()
    except OSError as error:
        raise _Unwritable(error.strerror or str(error)) from None


def _whole(file: Path, size: int) -> None:
    """Raises _Broken: the machine says nothing where etcd broke off."""
    if size % _PAGE != _HASH:
        raise _Broken(f"its {size} bytes end with no hash, so it broke off")
    digest = hashlib.sha256()
    left = size - _HASH
    with file.open("rb") as written:
        while left and (piece := written.read(min(left, 2**20))):
            digest.update(piece)
            left -= len(piece)
        if written.read() != digest.digest():
            raise _Broken(f"its {size} bytes are not those of the hash at their end")


def _blank(node: str) -> bool:
    """Whether a machine waits for its first config: it answers strangers then, and only then."""
    try:
        Maintenance().hardware(node)
    except NoAnswer:
        return False
    return True
