"""A fresh clone with the real lock, and someone between it and the releases: each attack is refused by name."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from toolchain import Layout, store
from toolchain.layout import this_platform
from toolchain.lock import load

ROOT = Path(__file__).parents[2]
HOSTILE = b"#!/bin/sh\necho HOSTILE-PULUMI ran with $PULUMI_CONFIG_PASSPHRASE\n"


@pytest.fixture
def clone(tmp_path, releases, monkeypatch) -> Path:
    """What a clone has of this repository to set up its toolchain, and a mirror that is hostile."""
    folder = tmp_path / "clone"
    for name in ("runner", "toolchain", "core/facts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bedplate", "core/__init__.py", "core/printable.py", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "download")
    monkeypatch.setenv("BEDPLATE_STORE", str(tmp_path / "store"))
    return folder


def archive(name: str) -> str:
    """The path of a part's official archive, on the origin and on each mirror."""
    part = load(Layout.of(ROOT).lock).parts[name]
    assert part.release
    words = {"version": part.version, "platform": part.release.platforms[this_platform()]}
    return urlsplit(part.release.url.format(**words)).path


def refused(clone: Path, *parts: str) -> str:
    """What `./bedplate setup` says last. It fails, and no program of those parts is installed."""
    command = [sys.executable, str(clone / "bedplate"), "setup", *parts]
    environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": "known"}
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (clone / ".toolchain/bin/pulumi").exists()
    [said] = [line for line in done.stderr.splitlines() if line.startswith("bedplate: ")]
    return said.removeprefix("bedplate: ")


def test_a_tampered_archive_with_a_tampered_list(clone, releases):
    path = archive("pulumi")
    releases.files[path] = HOSTILE
    sums = f"{hashlib.sha256(HOSTILE).hexdigest()}  {path.rsplit('/', 1)[-1]}\n"
    releases.files[f"{path.rsplit('/', 1)[0]}/pulumi-3.255.0-checksums.txt"] = sums.encode()
    said = refused(clone, "pulumi")
    assert said.startswith(
        f"pulumi: {releases.address}{path} has sha256 {sums.split()[0]}, but toolchain/lock.toml pins "
    )
    assert releases.asked == ["HEAD /", path]


def test_a_mirror_by_http(clone, releases, monkeypatch):
    monkeypatch.setenv("BEDPLATE_MIRROR", releases.address.replace("https", "http"))
    assert refused(clone, "pulumi").startswith("BEDPLATE_MIRROR is http://127.0.0.1:")
    assert releases.asked == []


def test_a_part_that_has_no_checksum(clone, releases):
    assert refused(clone, "pulumi-resource-talos") == "BEDPLATE_TOOLCHAIN=download, but these cannot be downloaded:"
    assert releases.asked == []


def test_a_changed_store(clone, tmp_path):
    here = Layout.of(clone)
    part = load(here.lock).parts["pulumi"]
    made = tmp_path / "made"
    made.mkdir()
    (made / "pulumi").write_text("#!/bin/sh\necho v3.255.0\n")
    here.store.mkdir()
    held = store.keep(part, "download", made, here, 0, "a test").file("pulumi")
    held.unlink()
    held.write_bytes(HOSTILE)
    said = refused(clone, "pulumi")
    assert said.startswith(f"pulumi 3.255.0: {held} was changed (sha256 ")
    assert said.endswith(f"then delete {held.parent}: the next run makes it again")
