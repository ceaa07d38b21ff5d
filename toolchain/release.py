"""The second source: the official release archive, taken only if toolchain/lock.toml has its checksum."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from .download import CONNECT_SECONDS, Unavailable, download, mirrored, probe
from .errors import ToolchainError
from .layout import Layout, this_platform
from .lock import Part
from .store import locked

# All that an archive may unpack to; pulumi's, the largest, has 360 MB.
UNPACKED_BYTES = 2 << 30


def unreachable(parts: list[Part]) -> str | None:
    """Why the release origins cannot be reached; None when one of them answers.

    Each origin gets one connection for all parts, with a short time to answer.
    """
    origins = sorted({_origin(mirrored(p.release.url)) for p in parts if p.release})
    faults: dict[str, str] = {}
    threads = [threading.Thread(target=_probe, args=(o, faults), daemon=True) for o in origins]
    for thread in threads:
        thread.start()
    for thread in threads:
        # A resolver may hang for longer than any socket's time limit.
        thread.join(CONNECT_SECONDS + 0.5)
    silent = [o for o, thread in zip(origins, threads, strict=True) if thread.is_alive()]
    faults |= dict.fromkeys(silent, f"no answer within {CONNECT_SECONDS} s")
    if len(faults) < len(origins):
        return None
    return "; ".join(f"{origin}: {why}" for origin, why in sorted(faults.items())) or "no release"


def _origin(url: str) -> str:
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}"


def _probe(origin: str, faults: dict[str, str]) -> None:
    if why := probe(origin):
        faults[origin] = why


def refused(part: Part) -> str | None:
    """Why no release of the part is downloaded on this platform, whatever the network; None if one is."""
    release, platform = part.release, this_platform()
    if release is None:
        return "it has no official release"
    if platform not in release.platforms:
        return f"no official release for {platform}"
    if not release.sha256.get(platform):
        published = release.checksums.format(version=part.version)
        return (
            f"toolchain/lock.toml has no sha256 of its archive for {platform}; verify the one in {published}, "
            f"then write it under [{part.name}.release.sha256]"
        )
    return None


def fetch(part: Part, into: Path, layout: Layout) -> str:
    """Put the part's files from its verified archive into a folder. Returns the address of the archive.

    Raises Unavailable when there is no such release, and ToolchainError when the archive is not what the lock pins:
    that is never passed over for another source.
    """
    release = part.release
    if release is None or (why := refused(part)):
        raise Unavailable(why)
    platform = this_platform()
    url = mirrored(release.url.format(version=part.version, platform=release.platforms[platform]))
    layout.downloads.mkdir(parents=True, exist_ok=True)
    name = url.rsplit("/", 1)[-1]
    # Two parts may ship in one archive: the second finds it here.
    with locked(layout, f"download-{name}"):
        archive = layout.downloads / name
        expected = release.sha256[platform]
        if not archive.exists() or _sha256(archive) != expected:
            download(url, archive)
        # One handle from here on: what is hashed is what is unpacked.
        with open(archive, "rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
            if actual != expected:
                archive.unlink()
                raise ToolchainError(
                    f"{part.name}: {url} has sha256 {actual}, but toolchain/lock.toml pins {expected}.\n"
                    "  It was not used. Try again; if it stays so, someone changed the archive: "
                    "do not use it, and build instead with BEDPLATE_TOOLCHAIN=build."
                )
            file.seek(0)
            try:
                _unpack(release.members, file, into)
            except (KeyError, tarfile.TarError, OSError, EOFError, zlib.error) as fault:
                raise ToolchainError(f"{part.name}: {archive.name} cannot be unpacked: {fault}") from None
    return url


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(members: Mapping[str, str], archive: IO[bytes], into: Path) -> None:
    """Write the named members, or the archive itself where a member has no name. Raises KeyError for an absent one."""
    wanted = {member: into / name for name, member in members.items() if member}
    for name, member in members.items():
        if not member:
            _write(archive, into / name)
    if not wanted:
        return
    # Only named members are read, once and in order, so a hostile path in the archive goes nowhere.
    bounded = io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=archive)))
    with tarfile.open(fileobj=bounded, mode="r|") as tar:
        for inside in tar:
            target = wanted.pop(inside.name, None)
            content = tar.extractfile(inside) if target and inside.isreg() else None
            if target and content is None:
                raise KeyError(f"{inside.name} is not a file")
            if target and content:
                _write(content, target)
            if not wanted:
                return
    raise KeyError(f"{', '.join(sorted(wanted))} is not in it")


def _write(content: IO[bytes], target: Path) -> None:
    with open(target, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    os.chmod(target, 0o755)


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it would yield more than UNPACKED_BYTES."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream, self._left = stream, UNPACKED_BYTES

    def readable(self) -> bool:
        """Yes: it is read from."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer. Raises OSError behind the limit."""
        chunk = self._stream.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise OSError(f"it unpacks to more than {UNPACKED_BYTES} bytes")
        buffer[: len(chunk)] = chunk
        return len(chunk)
