"""`./bedplate snapshot STACK`: everything that Kubernetes knows, as a file of etcd's."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from toolchain import Layout, ensure

from . import access, stacks
from .errors import UsageError

SECONDS = 600


def snapshot(arguments: list[str], layout: Layout) -> int:
    """Write a snapshot of a stack's etcd to a file, readable by its owner alone, and say how it is put back."""
    names = [each for each in arguments if not each.startswith("-")]
    if names != arguments or not 1 <= len(names) <= 2:
        there = ", ".join(stacks.known(layout)) or "none yet"
        raise UsageError(f"snapshot: name one stack: ./bedplate snapshot STACK [FILE]; there are: {there}")
    stack = stacks.find(names[0], layout)
    environment = stacks.environment(stack, layout, os.environ)
    talosctl = ensure({"plan", "talosctl"}, layout)["talosctl"]
    talosconfig = access.outputs(stack, layout, environment, "snapshot")["talosconfig"]
    target = Path(names[1]) if len(names) == 2 else _default(stack.name, layout)
    if target.exists():
        raise UsageError(f"snapshot: {target} is there already, and may be the only one; name another file")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    asked = next(iter(json.loads(talosconfig)["contexts"].values()))["endpoints"]
    told = ""
    with tempfile.TemporaryDirectory(dir=layout.home) as folder:  # Made with mode 0700.
        config, fresh = Path(folder) / "talosconfig", Path(folder) / "db.snapshot"
        config.touch(mode=0o600)
        config.write_text(talosconfig)
        for address in asked:
            command = [
                talosctl,
                "--talosconfig",
                config,
                "--endpoints",
                address,
                "--nodes",
                address,
                "etcd",
                "snapshot",
                fresh,
            ]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
            told = (done.stderr or done.stdout).strip()
            if done.returncode == 0:
                fresh.chmod(0o600)
                # On the same disk or another: complete before it has its name.
                partial = target.with_name(target.name + ".part")
                partial.touch(mode=0o600)
                partial.write_bytes(fresh.read_bytes())
                partial.replace(target)
                print(f"{target} ({target.stat().st_size // 1024} KiB), from {address}")
                print(
                    "It holds every Secret of the cluster. How it is put back: docs/day-two.md, or where you keep your runbooks."
                )
                return 0
    raise UsageError(
        f"snapshot: no control plane gave one ({', '.join(asked)}): {told}; look at: ./bedplate access {stack.name}, then talosctl etcd status"
    )


def _default(stack: str, layout: Layout) -> Path:
    return layout.home / "snapshots" / f"{stack.replace('/', '-')}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
