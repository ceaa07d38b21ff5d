"""The version is written once for programs; the files that must repeat it are equal."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from core.facts.release import VERSION

ROOT = Path(__file__).parents[2]


def test_the_policy_pack_has_the_version() -> None:
    pack = yaml.safe_load((ROOT / "policy/PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert pack["version"] == VERSION


def test_the_newest_release_of_the_changelog_has_the_version() -> None:
    releases = re.findall(r"^## (\d+\.\d+\.\d+) \(", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert releases[0] == VERSION


def test_no_other_module_that_ships_repeats_it() -> None:
    repeated = [
        file.relative_to(ROOT).as_posix()
        for room in ("components", "core", "operations", "policy", "provider", "runner")
        for file in (ROOT / room).rglob("*.py")
        if re.search(rf"[\"']v?{re.escape(VERSION)}[\"']", file.read_text(encoding="utf-8"))
    ]
    assert repeated == ["core/facts/release.py"]
