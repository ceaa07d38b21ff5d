"""Where a part comes from: PATH, then the official release, then a build; and what forces one."""

import os
import subprocess
from pathlib import Path

import pytest

from toolchain import ToolchainError


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


def test_an_unreachable_origin_is_asked_once_and_told_in_one_line(checkout):
    checkout.lock(
        lambda text: text + text[text.index("[alpha.release]") : text.index("[beta]")].replace("alpha", "beta")
    )
    checkout.ensure()
    told = checkout.told.getvalue()
    assert told.count("not reachable") == 1
    assert "Official releases are not reachable (https://127.0.0.1:9: [Errno 111] Connection refused)\n" in told
    assert checkout.builds == ["alpha", "beta"]


def test_a_forced_download_that_cannot_be_had_is_an_error(checkout, monkeypatch):
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "download")
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure()
    assert str(caught.value) == (
        "BEDPLATE_TOOLCHAIN=download, but these cannot be downloaded:\n"
        "  alpha 1.0.0: the release origin is not reachable\n"
        "  beta 2.0.0: it has no official release\n"
        "  Set BEDPLATE_MIRROR to a mirror of the releases, or unset BEDPLATE_TOOLCHAIN: then they are built."
    )
    assert checkout.builds == []
