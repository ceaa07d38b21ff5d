"""System packages that a part needs: installed where that is allowed, otherwise named."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .errors import ToolchainError
from .lock import Part
from .progress import Progress


def missing(absent: Iterable[Part], there: Iterable[Part] = ()) -> list[str]:
    """Names of the system packages that this machine lacks: to make the absent parts, and to use all of them."""
    absent = list(absent)
    needs = {package: proof for part in absent for package, proof in part.needs.items()}
    needs |= {package: proof for part in (*absent, *there) for package, proof in part.uses.items()}
    return sorted(package for package, proof in needs.items() if not _there(proof))


def _there(proof: str) -> bool:
    kind, _, name = proof.rpartition(":")
    if kind == "command":
        return shutil.which(name) is not None
    if kind == "module":
        return importlib.util.find_spec(name) is not None
    return Path(name).exists()


def provide(absent: Iterable[Part], progress: Progress, there: Iterable[Part] = ()) -> None:
    """Install what is missing. Raises ToolchainError with the line to copy where it may not."""
    packages = missing(absent, there)
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolchainError(f"system packages are missing. Install them, then run again:\n  {by_hand(packages)}")
    progress.say(f"Installing system packages: {names}")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True, "text": True}
    done = subprocess.run(install, **quiet)
    if done.returncode:
        # A fresh machine has no package lists yet.
        subprocess.run(["apt-get", "update"], **quiet)
        done = subprocess.run(install, **quiet)
    if done.returncode:
        last = "\n".join(f"  | {line}" for line in (done.stdout + done.stderr).splitlines()[-20:])
        raise ToolchainError(f"system packages could not be installed: {names}\n{last}\n  try: {by_hand(packages)}")


def by_hand(packages: list[str]) -> str:
    """The one line that installs these packages on this kind of machine."""
    names = " ".join(packages)
    sudo = "" if os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return f"{sudo}apt-get install -y {names}"
    return f"(with your system's package manager, by their Debian names) {names}"
