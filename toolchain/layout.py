"""The folders under `.toolchain`, in one place."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


def this_platform() -> str:
    """The platform as Go releases name it, such as `linux-amd64`."""
    machine = platform.machine().lower()
    arch = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    return f"{platform.system().lower()}-{arch.get(machine, machine)}"


@dataclass(frozen=True)
class Layout:
    """The folders of one checkout. The store may be shared between checkouts."""

    checkout: Path
    home: Path
    store: Path

    @classmethod
    def of(cls, checkout: Path = HERE.parent) -> Layout:
        """The layout of a checkout; BEDPLATE_STORE names another store."""
        home = checkout / ".toolchain"
        store = os.environ.get("BEDPLATE_STORE")
        return cls(checkout, home, Path(store).resolve() if store else home / "store")

    @property
    def lock(self) -> Path:
        """The pinned versions and where each part comes from."""
        return self.checkout / "toolchain" / "lock.toml"

    @property
    def bin(self) -> Path:
        """Binaries, first on the PATH of the engine."""
        return self.home / "bin"

    @property
    def venv(self) -> Path:
        """The Python environment of requirements.txt."""
        return self.home / "venv"

    @property
    def pulumi_home(self) -> Path:
        """The engine's home, instead of ~/.pulumi."""
        return self.home / "home"

    @property
    def plugins(self) -> Path:
        """The engine's plugins."""
        return self.pulumi_home / "plugins"

    @property
    def logs(self) -> Path:
        """A log per part."""
        return self.home / "logs"

    @property
    def downloads(self) -> Path:
        """Archives of official releases."""
        return self.home / "downloads"

    @property
    def seen(self) -> Path:
        """What the files of the store were when this checkout last hashed them."""
        return self.home / "seen.json"

    @property
    def times(self) -> Path:
        """How long the latest runs took, per part."""
        return self.home / "times.json"
