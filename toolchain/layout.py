"""Where everything lies: one place that knows the folders under `.toolchain`."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


def this_platform() -> str:
    """The platform in the words of Go releases, such as `linux-amd64`."""
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
        home = checkout / ".toolchain"
        store = os.environ.get("BEDPLATE_STORE")
        return cls(checkout, home, Path(store).resolve() if store else home / "store")

    @property
    def lock(self) -> Path:
        return self.checkout / "toolchain" / "lock.toml"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    @property
    def pulumi_home(self) -> Path:
        return self.home / "home"

    @property
    def plugins(self) -> Path:
        return self.pulumi_home / "plugins"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def downloads(self) -> Path:
        return self.home / "downloads"

    @property
    def times(self) -> Path:
        return self.home / "times.json"

    @property
    def known_checksums(self) -> Path:
        return self.home / "known-checksums.json"
