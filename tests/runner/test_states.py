"""A state in a folder stays readable after a run was killed while it wrote."""

import os
from pathlib import Path

import pytest

from runner import main, stacks, states


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("file:///srv/states", "file:///srv/states?metadata=skip"),
        ("file://~/states", "file://~/states?metadata=skip"),
        ("file:///srv/states?no_tmp_dir=true", "file:///srv/states?no_tmp_dir=true&metadata=skip"),
        ("file:///srv/states?metadata=skip", "file:///srv/states?metadata=skip"),
        ("s3://states", "s3://states"),
        ("https://api.pulumi.com", "https://api.pulumi.com"),
    ],
)
def test_attribute_files_are_disabled_for_folder_backends_only(given, expected):
    assert states.durable(given) == expected
    assert states.durable(expected) == expected


def test_only_empty_attribute_files_are_removed(house, tmp_path):
    kept = tmp_path / "states" / ".pulumi" / "stacks" / "bedplate"
    kept.mkdir(parents=True)
    for name, text in {
        "prod.json": "",
        "prod.json.attrs": "",
        "prod.json.bak.attrs": "{}",
        "prod.json.bak": "{}",
    }.items():
        (kept / name).write_text(text)
    base = {"PULUMI_BACKEND_URL": (tmp_path / "states").as_uri(), "PULUMI_CONFIG_PASSPHRASE": "x"}
    stacks.environment(stacks.find("prod", house.layout), house.layout, base)
    assert sorted(file.name for file in kept.iterdir()) == ["prod.json", "prod.json.bak", "prod.json.bak.attrs"]


def test_in_other_backends_nothing_is_removed():
    assert states.remove_empty_attributes("s3://states") == states.remove_empty_attributes("") == []


@pytest.mark.parametrize("arguments", [["preview", "dev"], ["up", "dev"], ["pulumi", "stack", "output"]])
def test_temporary_files_of_plugins_are_removed_after_the_run(house, arguments):
    assert main.main_in(house.layout, arguments) == 0
    for call in house.calls[-1:]:
        place = Path(call["environment"]["TMPDIR"])
        assert place.is_relative_to(house.layout.home / "runs") and not place.exists()
    assert not list((house.layout.home / "runs").iterdir())


def test_files_of_a_killed_run_are_removed_by_the_next_and_those_of_a_running_one_stay(house):
    runs = house.layout.home / "runs"
    dead, living, other = runs / "Pulumi.dev-999999999-abc", runs / f"Pulumi.dev-{os.getpid()}-def", runs / "kept"
    for folder in (dead, living, other):
        folder.mkdir(parents=True)
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    assert [folder.exists() for folder in (dead, living, other)] == [False, True, True]
