"""Where a lab keeps its files, what the computer calls it, and how its init is found again."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .kernel import Process

_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")


class InvalidName(ValueError):
    """A text that can't name a lab. The message is complete."""


@dataclass(frozen=True)
class Layout:
    """The directory of one lab; `store` beside it is shared by all labs."""

    directory: Path

    @classmethod
    def of(cls, root: Path, name: str) -> "Layout":
        """The lab `name` under the toolchain's directory `root`. Raises InvalidName if that can't name a lab."""
        if not _NAME.match(name):
            raise InvalidName(
                f"{name!r} can't name a lab, because cgroups and containers are called by it: "
                "write up to 32 lower-case letters, digits and dashes"
            )
        return cls(root / "lab" / name)

    @property
    def name(self) -> str:
        """The lab's name: its stack."""
        return self.directory.name

    @property
    def checkout(self) -> Path:
        """The checkout that the lab belongs to: CHECKOUT/.toolchain/lab/NAME is the lab's directory."""
        return self.directory.parent.parent.parent

    @property
    def mark(self) -> str:
        """A digest of the checkout, 8 characters. Every name that is visible outside the lab contains it."""
        return hashlib.sha256(os.fsencode(self.directory.parent.resolve())).hexdigest()[:8]

    @property
    def identity(self) -> str:
        """The lab's name on the whole computer: labs of two checkouts have different ones."""
        return f"{self.name}-{self.mark}"

    @property
    def store(self) -> Path:
        """Images and root file systems, kept between runs."""
        return self.directory.parent / ".store"

    @property
    def init_file(self) -> Path:
        """Written before the lab's init does anything; removed when nothing of the lab is left."""
        return self.directory / "init.json"

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.directory / "supervisor.log"

    @property
    def runc(self) -> Path:
        """runc's own state."""
        return self.directory / "runc"

    @property
    def pki(self) -> Path:
        """Certificate and key of the lab's registry, and the authority that nodes trust."""
        return self.directory / "pki"

    @property
    def shared(self) -> Path:
        """The folder that all nodes share: the volumes of the lab's storage driver."""
        return self.directory / "shared"

    @property
    def loops(self) -> Path:
        """The nodes of the loop devices that all nodes share."""
        return self.directory / "loops"

    def node(self, name: str) -> Path:
        """The bundle of one node."""
        return self.directory / "nodes" / name

    def socket_address(self) -> tuple[int, str]:
        """A directory handle and the address of the control socket through it.

        The handle keeps the address short, because a socket's path may have 107 bytes and a checkout's may have more.
        """
        handle = os.open(self.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return handle, f"/proc/self/fd/{handle}/control"

    def init(self) -> Process | None:
        """The lab's init, if it still runs."""
        try:
            data = json.loads(self.init_file.read_text())
            process = Process(**data["process"])
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return process if process.alive else None

    def record(self, process: Process, **more: Any) -> None:
        """Write down the init and what is needed to clean up after it."""
        fresh = self.init_file.with_suffix(".new")
        fresh.write_text(json.dumps({"process": asdict(process), **more}, indent=1))
        fresh.replace(self.init_file)

    def recorded(self) -> dict[str, Any]:
        """What `record` wrote, each keyword by its name; empty if nothing is written."""
        try:
            data: dict[str, Any] = json.loads(self.init_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return data
