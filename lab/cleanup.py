"""Ending a lab so that nothing of it is left, whichever of its processes died first."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from . import borrowed, cgroups, loops, others, speed, sysctls
from .layout import Layout
from .waiting import wait_for


def stop(layout: Layout, *, volumes: bool = True) -> list[str]:
    """End the lab if it runs and remove what it left; returns a line for each thing done. Doing it twice is fine.

    Raises RuntimeError if processes stay in its cgroups, with their names.
    """
    done = []
    record = layout.recorded()
    if init := layout.init():
        # The nodes are not shut down: their power fails, as when the supervisor ends.
        init.signal(signal.SIGKILL)
        wait_for(f"lab {layout.name}: the end of its processes", lambda: not init.alive, seconds=30, every=0.05)
        done.append(f"ended lab {layout.name} (process {init.pid})")
    for command in record.get("remove", []):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=speed.deadline(120))
    if record.get("remove"):
        done.append("removed its containers, their volumes and their network")
    if _remove_cgroups(layout, record):
        done.append("removed its cgroups")
    sysctls.restore(record.get("sysctls", {}))
    borrowed.settle()
    if taken := loops.take_back(layout.loops):
        done.append(f"removed its {taken} loop devices")
    if volumes and layout.shared.exists():
        remove_tree(layout.shared)
    if volumes and (layout.directory / "nodes").exists():
        remove_tree(layout.directory / "nodes")
        remove_tree(layout.runc)
        done.append("removed its nodes' volumes")
    for name in ("control", "init.json", "init.new"):
        (layout.directory / name).unlink(missing_ok=True)
    return done


def _remove_cgroups(layout: Layout, record: dict[str, Any]) -> bool:
    """Remove the lab's cgroups: the recorded ones, because an earlier release may have used other names."""
    directories = [Path(path) for path in record.get("cgroups", [])] or cgroups.of_lab(layout.identity)
    if not any(directory.exists() for directory in directories):
        return False
    if left := cgroups.remove(directories):
        raise RuntimeError(
            f"lab {layout.name} of the checkout {layout.checkout}: its cgroups {', '.join(map(str, left))} are still "
            f"busy, because they hold {', '.join(cgroups.processes(left)) or 'a process that is ending'}; end these "
            f"processes, then run ./bedplate rehearse stop {layout.name}"
        )
    return True


def remove_tree(tree: Path) -> None:
    """Remove a directory, if it is there."""
    if tree.exists():
        shutil.rmtree(tree)


def running(root: Path) -> list[Layout]:
    """Every lab of this checkout of which something is left."""
    return [Layout(path.parent) for path in sorted((root / "lab").glob("*/init.json"))]


def left_alone(root: Path) -> list[str]:
    """A line for each lab of another checkout on this computer."""
    return [
        f"{lab} keeps running: stop it from its own checkout, with ./bedplate rehearse stop {lab.stack}"
        for lab in others.foreign(root / "lab")
    ]
