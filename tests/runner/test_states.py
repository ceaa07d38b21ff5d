"""A state in a folder outlives a run that is killed while it writes."""

import pytest

from runner import stacks, states


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
    for name, text in {"prod.json": "", "prod.json.attrs": "", "prod.json.bak.attrs": "{}", "prod.json.bak": "{}"}.items():
        (kept / name).write_text(text)
    base = {"PULUMI_BACKEND_URL": (tmp_path / "states").as_uri(), "PULUMI_CONFIG_PASSPHRASE": "x"}
    stacks.environment(stacks.find("prod", house.layout), house.layout, base)
    assert sorted(file.name for file in kept.iterdir()) == ["prod.json", "prod.json.bak", "prod.json.bak.attrs"]


def test_a_backend_that_is_no_folder_has_nothing_to_mend():
    assert states.mend("s3://states") == states.mend("") == []
