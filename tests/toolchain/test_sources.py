"""Where a part comes from: PATH, then the official release, then a build; and what forces one."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from toolchain import ToolchainError

PROGRAM = "#!/bin/sh\necho 1.0.0\n"


def on_path(checkout, monkeypatch, name: str, version: str) -> Path:
    folder = checkout.root.parent / "machine"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return checkout.program(folder, name, version)


def test_the_exact_version_on_path_is_used_as_it_is(checkout, monkeypatch):
    theirs = on_path(checkout, monkeypatch, "alpha", "1.0.0")
    ours = checkout.ensure("alpha")["alpha"]
    assert ours.resolve() == theirs
    assert checkout.builds == []
    assert f"alpha 1.0.0: path, 0 s ({theirs.parent})" in checkout.told.getvalue()


def test_another_version_on_path_is_passed_over(checkout, monkeypatch):
    on_path(checkout, monkeypatch, "alpha", "1.0.1")
    ours = checkout.ensure("alpha")["alpha"]
    assert subprocess.check_output([ours], text=True) == "1.0.0\n"
    assert checkout.builds == ["alpha"]


def test_a_program_that_was_upgraded_since_is_not_used_any_more(checkout, monkeypatch):
    theirs = on_path(checkout, monkeypatch, "alpha", "1.0.0")
    checkout.ensure("alpha")
    theirs.write_text("#!/bin/sh\necho v1.0.1-longer\n")
    ours = checkout.ensure("alpha")["alpha"]
    assert not ours.is_symlink()
    assert checkout.builds == ["alpha"]


def test_a_plugin_in_the_users_pulumi_home_counts_by_its_folder_name(checkout):
    checkout.lock(
        lambda text: text.replace('[alpha]\nkind = "go"', '[alpha]\nkind = "go"\nplugin = "resource-alpha-v1.0.0"')
    )
    home = Path(os.environ["PULUMI_HOME"]) / "plugins" / "resource-alpha-v1.0.0"
    theirs = checkout.program(home, "alpha", "9.9.9")
    ours = checkout.ensure("alpha")["alpha"]
    assert ours == checkout.layout.plugins / "resource-alpha-v1.0.0" / "alpha"
    assert ours.resolve() == theirs
    assert not (home / "asked").exists()


def test_what_must_lie_beside_another_part_is_taken_only_from_that_parts_folder(checkout, monkeypatch):
    checkout.lock(
        lambda text: text.replace('version = "2.0.0"\nask = ["version"]', 'version = "2.0.0"\nbeside = "alpha"')
    )
    leader = on_path(checkout, monkeypatch, "alpha", "1.0.0")
    checkout.program(checkout.root.parent / "elsewhere", "beta", "2.0.0")
    monkeypatch.setenv("PATH", f"{checkout.root.parent / 'elsewhere'}{os.pathsep}{os.environ['PATH']}")
    assert not checkout.ensure("beta")["beta"].is_symlink()
    follower = checkout.program(leader.parent, "beta", "anything")
    checkout.lock(lambda text: text.replace('tags = "small"', 'tags = "other"'))
    assert checkout.ensure("beta")["beta"].resolve() == follower


def test_a_forced_build_does_not_look_at_path(checkout, monkeypatch):
    folder = on_path(checkout, monkeypatch, "alpha", "1.0.0").parent
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "build")
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha"]
    assert not (folder / "asked").exists()
    assert "not reachable" not in checkout.told.getvalue()


def test_a_forced_source_does_not_accept_what_another_source_has_left(checkout, monkeypatch):
    on_path(checkout, monkeypatch, "alpha", "1.0.0")
    checkout.ensure("alpha")
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "build")
    assert not checkout.ensure("alpha")["alpha"].is_symlink()


def test_forcing_path_names_each_part_that_is_not_there(checkout, monkeypatch):
    theirs = on_path(checkout, monkeypatch, "alpha", "0.9.0")
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "path")
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure()
    assert str(caught.value) == (
        "BEDPLATE_TOOLCHAIN=path, but these are not on PATH at their exact version:\n"
        f"  alpha 1.0.0: {theirs} is 0.9.0\n"
        "  beta 2.0.0: not on PATH\n"
        "  Install them, or unset BEDPLATE_TOOLCHAIN."
    )


def test_a_source_that_there_is_not_is_refused(checkout, monkeypatch):
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "docker")
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure()
    assert str(caught.value) == ("BEDPLATE_TOOLCHAIN is 'docker': it must be one of path, download, build, or unset.")


def test_a_release_is_verified_against_its_published_checksum(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    ours = checkout.ensure("alpha")["alpha"]
    assert subprocess.check_output([ours], text=True) == "1.0.0\n"
    assert checkout.builds == []
    assert re.search(
        r"alpha 1\.0\.0: download, \d+ s \(http://127\.0\.0\.1:\d+/alpha/v1\.0\.0/alpha-here", checkout.told.getvalue()
    )


def test_a_published_checksum_is_remembered(checkout, releases, monkeypatch):
    releases.offer("alpha", "1.0.0", PROGRAM)
    checkout.ensure("alpha")
    # The same address now serves another archive, and a checksum that fits it.
    releases.offer("alpha", "1.0.0", PROGRAM + "# changed\n")
    monkeypatch.setenv("BEDPLATE_STORE", str(checkout.root.parent / "store"))
    (checkout.layout.downloads / "alpha-here.tar.gz").unlink()
    checkout.layout = type(checkout.layout).of(checkout.root)
    with pytest.raises(ToolchainError, match="has sha256"):
        checkout.ensure("alpha")


def test_an_archive_that_is_not_what_was_published_is_refused_and_nothing_else_is_tried(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM, published="0" * 64)
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure("alpha")
    text = re.sub(
        r"http://127\.0\.0\.1:\d+", "ORIGIN", re.sub(r"sha256 [0-9a-f]{64}", "sha256 ACTUAL", str(caught.value))
    )
    assert text == (
        "alpha: ORIGIN/alpha/v1.0.0/alpha-here.tar.gz has sha256 ACTUAL, "
        f"but {'0' * 64} was published.\n"
        "  It was not used. Try again; if it stays so, someone changed the archive: "
        "do not use it, and build instead with BEDPLATE_TOOLCHAIN=build."
    )
    assert checkout.builds == []
    assert not (checkout.layout.bin / "alpha").exists()
    assert not list(checkout.layout.store.glob("alpha-*"))


def test_a_checksum_in_the_lock_needs_no_published_one(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    content = releases.files["/alpha/v1.0.0/sums.txt"].decode().split()[0]
    del releases.files["/alpha/v1.0.0/sums.txt"]
    checkout.lock(lambda text: re.sub(r'(\[alpha\.release\.sha256\]\n\S+ = )""', rf'\1"{content}"', text))
    checkout.ensure("alpha")
    assert checkout.builds == []
    assert "/alpha/v1.0.0/sums.txt" not in releases.asked


def test_a_release_whose_checksums_do_not_name_it_is_refused(checkout, releases):
    releases.offer("alpha", "1.0.0", PROGRAM)
    releases.files["/alpha/v1.0.0/sums.txt"] = b"abc  another.tar.gz\n"
    with pytest.raises(ToolchainError, match=r"sums\.txt does not name alpha-here\.tar\.gz, so it cannot be verified"):
        checkout.ensure("alpha")


def test_a_release_that_is_not_there_is_built(checkout, releases):
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha"]
    assert "alpha 1.0.0: no download (http://127.0.0.1:" in checkout.told.getvalue()


def test_an_unreachable_origin_is_asked_once_and_told_in_one_line(checkout):
    checkout.lock(
        lambda text: text + text[text.index("[alpha.release]") : text.index("[beta]")].replace("alpha", "beta")
    )
    checkout.ensure()
    told = checkout.told.getvalue()
    assert told.count("not reachable") == 1
    assert "Official releases are not reachable (http://127.0.0.1:9: [Errno 111] Connection refused)\n" in told
    assert checkout.builds == ["alpha", "beta"]


def test_a_forced_download_that_cannot_be_had_is_an_error(checkout, monkeypatch):
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "download")
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure()
    assert str(caught.value) == (
        "BEDPLATE_TOOLCHAIN=download, but the release origin is not reachable: alpha, beta\n"
        "  Set BEDPLATE_MIRROR to a mirror of the releases, or unset BEDPLATE_TOOLCHAIN."
    )
    assert checkout.builds == []
