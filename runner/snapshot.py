"""`./bedplate snapshot STACK [FILE]`: a snapshot of the stack's etcd as a file."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from toolchain import Layout

from . import access, session
from .environment import tools
from .errors import UsageError

TIMEOUT_SECONDS = 600


def snapshot(given: Namespace, layout: Layout) -> int:
    """Write a snapshot of a stack's etcd to a file that only its owner can read. Returns exit code 0.

    Raises UsageError when the file exists already, or when no control plane yields a snapshot.
    """
    work = session.start(given.stack, layout, parts=("plan", "talosctl"))
    talosconfig: str = access.outputs(work, "snapshot")["talosconfig"]
    target = Path(given.file) if given.file else _default(work.stack.name, layout)
    if target.exists():
        raise UsageError(f"snapshot: {target} exists already, and may be the only snapshot; name another file")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    endpoints: list[str] = next(iter(json.loads(talosconfig)["contexts"].values()))["endpoints"]
    with tempfile.TemporaryDirectory(dir=layout.home) as folder:  # Made with mode 0700.
        config = Path(folder) / "talosconfig"
        config.touch(mode=0o600)
        config.write_text(talosconfig)
        for address in endpoints:
            reason = _save(work.files["talosctl"], config, address, target, layout)
            if not reason:
                print(f"{target} ({target.stat().st_size // 1024} KiB), from {address}")
                print(
                    "It holds every Secret of the cluster. How to restore from it: docs/day-two.md, or your runbooks."
                )
                return 0
    raise UsageError(
        f"snapshot: no control plane provided one ({', '.join(endpoints)}): {reason}; "
        f"look at: ./bedplate access {work.stack.name}, then talosctl etcd status"
    )


def _save(talosctl: Path, config: Path, address: str, target: Path, layout: Layout) -> str:
    """Save a snapshot of one control plane's etcd; why not, where that fails."""
    fresh = config.with_name("db.snapshot")
    command: list[str | Path] = [
        talosctl, "--talosconfig", config, "--endpoints", address, "--nodes", address, "etcd", "snapshot", fresh,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env=tools(layout, os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        return (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
    # The target may be on another disk: the copy is complete before it has its name.
    partial = target.with_name(target.name + ".part")
    partial.touch(mode=0o600)
    partial.write_bytes(fresh.read_bytes())
    partial.replace(target)
    return ""


def _default(stack: str, layout: Layout) -> Path:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return layout.home / "snapshots" / f"{stack.replace('/', '-')}-{moment}.db"
