"""Parts of Debian packages: nothing is taken that the archive's keys do not vouch for."""

import gzip
import subprocess

import pytest

from toolchain import Layout, ToolchainError, debian, system
from toolchain.lock import Part, load
from toolchain.store import digest

PART = Part(
    "small",
    "debian",
    "",
    "small",
    suites=("stable",),
    packages=("small",),
    yields=("tree",),
    raw={"packages": ["small"]},
)


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, tmp_path / ".toolchain", tmp_path / "store")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive with one package in it that nobody signed; it is this machine's."""
    root = tmp_path / "archive"
    (root / "small/DEBIAN").mkdir(parents=True)
    (root / "small/DEBIAN/control").write_text(
        "Package: small\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: small\n"
    )
    (root / "small/file").write_text("text")
    subprocess.run(["dpkg-deb", "-b", "small", "small_1_all.deb"], cwd=root, check=True, capture_output=True)
    index = root / "dists/stable/main/binary-amd64"
    index.mkdir(parents=True)
    control = (root / "small/DEBIAN/control").read_text()
    with gzip.open(index / "Packages.gz", "wt") as file:
        file.write(f"{control}Filename: small_1_all.deb\nSize: {(root / 'small_1_all.deb').stat().st_size}\n")
    (root / "dists/stable/Release").write_text(
        "Origin: Debian\nSuite: stable\nArchitectures: amd64\nComponents: main\n"
    )
    monkeypatch.setattr(debian._Apt, "_mirror", lambda self: f"file:{root}")
    return root


def test_an_archive_that_nobody_signed_is_refused(archive, layout, tmp_path):
    with pytest.raises(ToolchainError, match="apt-get failed") as refused:
        debian.fetch(PART, tmp_path / "work", layout)
    assert "is not signed" in str(refused.value)
    assert not list((tmp_path / "work").rglob("*.deb"))


def test_the_archive_is_the_one_that_this_machine_uses(layout, tmp_path, monkeypatch):
    told = "Debian Debian-Security mirror://security/\nDocker Docker CE mirror://other/\nDebian Debian mirror://archive/debian/\n"
    monkeypatch.setattr(
        debian.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, told, "")
    )
    debian._Apt(PART, tmp_path / "apt", layout)
    assert (
        tmp_path / "apt/sources.list"
    ).read_text() == f"deb [signed-by={debian.KEYS}] mirror://archive/debian/ stable main\n"


def test_a_machine_with_no_debian_archive_is_told_so(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(debian.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    with pytest.raises(ToolchainError, match="knows no Debian archive"):
        debian._Apt(PART, tmp_path / "apt", layout)


def test_other_packages_are_another_entry_of_the_store(layout):
    other = Part(
        "small",
        "debian",
        "",
        "small",
        suites=("stable",),
        packages=("large",),
        yields=("tree",),
        raw={"packages": ["large"]},
    )
    assert digest(PART, "download", layout) != digest(other, "download", layout)


def test_what_a_part_is_used_with_is_looked_for_once_it_is_there_and_what_it_is_made_with_is_not():
    part = Part("a", "go", "1", "a", needs={"compiler": "/no/such/compiler"}, uses={"server": "/no/such/server"})
    assert system.missing([part]) == ["compiler", "server"]
    assert system.missing([], [part]) == ["server"]


def test_every_such_part_of_the_lock_says_where_it_comes_from_and_what_it_yields():
    parts = [part for part in load(Layout.of().lock).parts.values() if part.kind == "debian"]
    assert parts
    for part in parts:
        assert part.suites and part.yields
        trees = [name for name in part.yields if name.endswith("tree")]
        assert len(trees) == bool(part.packages)
        assert set(part.yields) == ({"vmlinuz", "modules"} if part.kernel else set()) | set(trees)
    names = [name for part in parts for name in part.yields]
    assert len(set(names)) == len(names), "a command that uses two parts would find one of them"
