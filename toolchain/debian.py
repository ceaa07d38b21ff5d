"""Parts that are Debian packages: fetched and unpacked into the store, never installed.

apt checks the signature of each suite's index with the archive's keys, and the hash of each package with the index.
Debian serves only the newest version of a suite, so no version is pinned; the record names the version that came.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .errors import ToolchainError
from .layout import Layout
from .lock import Part

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_SECONDS = 1800
KERNEL = re.compile(r"\blinux-image-(\d\S+)")


def fetch(part: Part, work: Path, layout: Layout) -> tuple[Path, str]:
    """The folder with what the part yields, and the packages that it came from.

    Raises ToolchainError with the command and its last lines where apt or dpkg fails.
    """
    apt = _Apt(part, work / "apt", layout)
    apt.get("update")
    packages = apt.closure(part.packages)
    made = work / "made"
    made.mkdir()
    names_used: list[str] = []
    if part.kernel:
        release = apt.kernel(part.kernel)
        names = [f"linux-{what}-{release}" for what in ("base", "binary", "modules")]
        tree = apt.unpack(names, work / "kernel")
        shutil.move(tree / "usr/lib/modules" / release, made / "modules")
        shutil.move(made / "modules/vmlinuz", made / "vmlinuz")
        names_used += names
    if packages:
        shutil.move(apt.unpack(packages, work / "tree"), made / _tree(part))
        names_used += packages
    return made, f"Debian packages: {' '.join(names_used)}"


def _tree(part: Part) -> str:
    """The name of the folder with the files of its packages. A command may use several such parts."""
    return next(name for name in part.yields if name.endswith("tree"))


class _Apt:
    """apt with its own folders: other suites than this machine's, and the state of a machine with nothing installed."""

    def __init__(self, part: Part, folder: Path, layout: Layout) -> None:
        self.part, self.folder = part, folder
        layout.logs.mkdir(parents=True, exist_ok=True)
        self.log = layout.logs / f"{part.name}.log"
        self.log.unlink(missing_ok=True)
        for name in ("state/lists/partial", "cache/archives/partial", "none"):
            (folder / name).mkdir(parents=True)
        (folder / "state/status").touch()
        mirror = self._mirror()
        lines = [f"deb [signed-by={KEYS}] {mirror} {suite} main\n" for suite in part.suites]
        (folder / "sources.list").write_text("".join(lines))
        self.options = [
            f"-oDir::{key}={folder / value}"
            for key, value in {
                "State": "state", "State::status": "state/status", "Cache": "cache", "Etc::sourcelist": "sources.list",
                "Etc::sourceparts": "none", "Etc::preferencesparts": "none", "Etc::parts": "none",
            }.items()
        ]  # fmt: skip
        # The user that apt would fetch as may have no access to these folders.
        self.options.append("-oAPT::Sandbox::User=root" if os.geteuid() == 0 else "-oAPT::Sandbox::User=")

    def get(self, *words: str) -> str:
        """What apt-get prints."""
        return self._run(["apt-get", *self.options, "-q", *words])

    def kernel(self, name: str) -> str:
        """The release that a kernel's meta package depends on, in the newest of the suites. Raises ToolchainError."""
        wanted = f"{name}/{self.part.suites[-1]}"
        shown = self._run(["apt-cache", *self.options, "show", wanted])
        image = KERNEL.search(shown)
        if not image:
            raise ToolchainError(f"{self.part.name}: {wanted} names no kernel; look at {self.log}")
        return image[1].rstrip(",")

    def closure(self, names: tuple[str, ...]) -> list[str]:
        """These packages and all that they depend on."""
        if not names:
            return []
        uris = self._run(
            ["apt-get", *self.options, "install", "--no-install-recommends", "--print-uris", "-qq", *names]
        )
        return [line.split()[1].split("_")[0] for line in uris.splitlines() if line.startswith("'")]

    def unpack(self, names: list[str], into: Path) -> Path:
        """The files of these packages, without their scripts ever being run."""
        into.mkdir()
        debs = self.folder / f"debs-{into.name}"
        debs.mkdir()
        self._run(["apt-get", *self.options, "-q", "download", *names], debs)
        for deb in sorted(debs.glob("*.deb")):
            self._run(["dpkg-deb", "-x", str(deb), str(into)])
        return into

    def _mirror(self) -> str:
        """The archive that this machine's own apt uses."""
        targets = self._run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"])
        for line in sorted(set(targets.splitlines())):
            origin, label, address = line.split()[0], line.split()[1:-1], line.split()[-1]
            if origin == "Debian" and label == ["Debian"]:
                return address
        raise ToolchainError(
            f"{self.part.name}: this machine's apt knows no Debian archive; run apt-get update, then this again"
        )

    def _run(self, command: list[str], folder: Path | None = None) -> str:
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=APT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise ToolchainError(
                f"{self.part.name}: {command[0]} was not complete after {APT_SECONDS} s.\n"
                f"  command: {' '.join(command)}"
            ) from None
        with open(self.log, "a") as log:
            print("+", *command, file=log)
            log.write(done.stdout + done.stderr)
        if done.returncode:
            last = "\n".join(f"  | {line}" for line in (done.stdout + done.stderr).splitlines()[-20:])
            raise ToolchainError(
                f"{self.part.name}: {command[0]} failed.\n"
                f"  command: {' '.join(command)}\n{last}\n  the whole log: {self.log}"
            )
        return done.stdout
