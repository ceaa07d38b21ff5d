"""System packages that a part needs: installed as root on Debian, otherwise named in the error."""

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
    """Names of the system packages that are missing to build the absent parts, or to use any part."""
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
    """Install what is missing. Raises ToolchainError with the command to type where this user cannot install it."""
    packages = missing(absent, there)
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolchainError(f"system packages are missing. Install them, then run again:\n  {by_hand(packages)}")
    progress.say(f"Installing system packages: {names}")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    done = _quietly(install)
    if done.returncode:
        # A fresh machine has no package lists yet.
        _quietly(["apt-get", "update"])
        done = _quietly(install)
    if done.returncode:
        last = "\n".join(f"  | {line}" for line in (done.stdout + done.stderr).splitlines()[-20:])
        raise ToolchainError(f"system packages could not be installed: {names}\n{last}\n  try: {by_hand(packages)}")


def _quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def by_hand(packages: list[str]) -> str:
    """The shell command that installs these packages; without apt-get, the packages' names and what to do with them."""
    names = " ".join(packages)
    sudo = "" if os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return f"{sudo}apt-get install -y {names}"
    return f"(with your system's package manager, by their Debian names) {names}"
