"""The second source: the official release archive, taken only when its checksum is right."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .errors import ToolchainError
from .layout import Layout, this_platform
from .lock import Part, Release
from .store import locked

CONNECT_SECONDS = 3
READ_SECONDS = 60


class Unavailable(Exception):
    """This release cannot be downloaded here; another source may do."""


def mirrored(url: str) -> str:
    """The address to download from: the official one, or the same path below BEDPLATE_MIRROR."""
    mirror = os.environ.get("BEDPLATE_MIRROR", "").rstrip("/")
    return mirror + urlsplit(url).path if mirror else url


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
    try:
        urllib.request.urlopen(urllib.request.Request(origin + "/", method="HEAD"), timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # The origin answers; a refused top page tells nothing about an archive.
    except (OSError, ValueError) as fault:
        faults[origin] = str(getattr(fault, "reason", fault)).removeprefix("[Errno -2] ")


def fetch(part: Part, into: Path, layout: Layout) -> str:
    """Put the part's files from its verified archive into a folder. Returns the address of the archive.

    Raises Unavailable when there is no such release, and ToolchainError when the archive is not what was published:
    that is never passed over for another source.
    """
    release = part.release
    theirs = release.platforms.get(this_platform()) if release else None
    if not release or not theirs:
        raise Unavailable(f"no official release for {this_platform()}")
    words = {"version": part.version, "platform": theirs}
    url = mirrored(release.url.format(**words))
    layout.downloads.mkdir(parents=True, exist_ok=True)
    name = url.rsplit("/", 1)[-1]
    # Two parts may ship in one archive: the second finds it here.
    with locked(layout, f"download-{name}"):
        archive = layout.downloads / name
        expected = _expected(part, release, url, mirrored(release.checksums.format(**words)), layout)
        if not archive.exists() or _sha256(archive) != expected:
            _download(url, archive)
        actual = _sha256(archive)
        if actual != expected:
            archive.unlink()
            raise ToolchainError(
                f"{part.name}: {url} has sha256 {actual}, but {expected} was published.\n"
                "  It was not used. Try again; if it stays so, someone changed the archive: "
                "do not use it, and build instead with BEDPLATE_TOOLCHAIN=build."
            )
        _unpack(part, release.members, archive, into)
    return url


def _expected(part: Part, release: Release, url: str, checksums: str, layout: Layout) -> str:
    pinned = release.sha256.get(this_platform())
    if pinned:
        return pinned
    with locked(layout, "known-checksums"):
        known = _known(layout)
        if url in known:
            return known[url]
        name = url.rsplit("/", 1)[-1]
        for line in _read(checksums).decode(errors="replace").splitlines():
            words = line.split()
            if len(words) == 2 and words[1].lstrip("*").removeprefix("./") == name:
                known[url] = words[0].lower()
                fresh = layout.known_checksums.with_suffix(".new")
                fresh.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
                os.replace(fresh, layout.known_checksums)
                return known[url]
    raise ToolchainError(
        f"{part.name}: {checksums} does not name {name}, so it cannot be verified.\n"
        "  Use BEDPLATE_TOOLCHAIN=build, or put its sha256 into toolchain/lock.toml."
    )


def _known(layout: Layout) -> dict[str, str]:
    try:
        checksums: dict[str, str] = json.loads(layout.known_checksums.read_text())
    except (OSError, ValueError):
        return {}
    return checksums


def _read(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=READ_SECONDS) as answer:
            content: bytes = answer.read()
    except (OSError, ValueError) as fault:
        raise Unavailable(f"{url}: {fault}") from None
    return content


def _download(url: str, archive: Path) -> None:
    fresh = archive.with_name(f"{archive.name}.{os.getpid()}")
    try:
        with urllib.request.urlopen(url, timeout=READ_SECONDS) as answer, open(fresh, "wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
        os.replace(fresh, archive)
    except (OSError, ValueError) as fault:
        raise Unavailable(f"{url}: {fault}") from None
    finally:
        fresh.unlink(missing_ok=True)


def _unpack(part: Part, members: Mapping[str, str], archive: Path, into: Path) -> None:
    try:
        for name, member in members.items():
            target = into / name
            if member:
                # Only named members are read, so a hostile path in the archive goes nowhere.
                with tarfile.open(archive) as tar, open(target, "wb") as file:
                    inside = tar.extractfile(member)
                    if inside is None:
                        raise KeyError(f"{member} is not a file")
                    shutil.copyfileobj(inside, file)
            else:
                shutil.copyfile(archive, target)
            target.chmod(0o755)
    except (KeyError, tarfile.TarError) as fault:
        raise ToolchainError(f"{part.name}: {archive.name}: {fault}") from None


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
