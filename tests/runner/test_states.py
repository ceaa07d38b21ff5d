"""A state in a folder outlives a run that is killed while it writes."""

import os
from pathlib import Path

import pytest

from runner import main, stacks, states


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("file:///srv/states", "file:///srv/states?metadata=skip"),
        ("file://~/states", "file://~/states?metadata=skip"),
        ("file:///srv/states?no_tmp_dir=true", "file:///srv/states?no_tmp_dir=true&metadata=skip"),
        ("file:///srv/states?metadata=skip", "file:///srv/states?metadata=skip"),
        ("s3://states", "s3://states"),
        ("https://api.pulumi.com", "https://api.pulumi.com"),
    ],
)
def test_a_folder_alone_is_told_to_keep_no_attributes(given, made):
    assert states.durable(given) == made
    assert states.durable(made) == made


def test_attributes_without_a_text_are_removed_and_nothing_else(house, tmp_path):
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


def test_a_backend_that_is_no_folder_has_nothing_to_remove():
    assert states.remove_empty_attributes("s3://states") == states.remove_empty_attributes("") == []


@pytest.mark.parametrize("arguments", [["preview", "dev"], ["up", "dev"], ["pulumi", "stack", "output"]])
def test_what_plugins_leave_in_temporary_files_goes_with_the_run(house, arguments):
    assert main.main_in(house.layout, arguments) == 0
    for call in house.calls[-1:]:
        place = Path(call["environment"]["TMPDIR"])
        assert place.is_relative_to(house.layout.home / "runs") and not place.exists()
    assert not list((house.layout.home / "runs").iterdir())


def test_what_a_killed_run_left_goes_with_the_next_and_a_living_ones_stays(house):
    runs = house.layout.home / "runs"
    dead, living, other = runs / "Pulumi.dev-999999999-abc", runs / f"Pulumi.dev-{os.getpid()}-def", runs / "kept"
    for folder in (dead, living, other):
        folder.mkdir(parents=True)
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    assert [folder.exists() for folder in (dead, living, other)] == [False, True, True]
