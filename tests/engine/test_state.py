"""What a killed run leaves of a state in a folder, with the real engine."""

from pathlib import Path

import pytest

from runner.states import durable, folder, remove_empty_attributes

pytestmark = pytest.mark.engine


def test_attributes_cut_short_lock_a_stack_and_are_mended(checkout):
    here = checkout("dev")
    url = here.environment["PULUMI_BACKEND_URL"]
    [attributes] = folder(url).glob(".pulumi/stacks/bedplate/dev.json.attrs")
    attributes.write_text("")
    refused = here.pulumi("stack", "export", "--stack", "dev", check=False)
    assert refused.returncode != 0 and "failed to load checkpoint: EOF" in refused.stderr
    assert remove_empty_attributes(url) == [attributes]
    here.pulumi("stack", "export", "--stack", "dev")


def test_a_folder_that_is_told_so_has_none(checkout, tmp_path):
    here = checkout("dev")
    state = tmp_path / "other"
    state.mkdir()
    here.pulumi("stack", "init", "dev", PULUMI_BACKEND_URL=durable(state.as_uri()))
    here.pulumi("stack", "export", "--stack", "dev", PULUMI_BACKEND_URL=durable(state.as_uri()))
    written = sorted(Path(state).rglob("*"))
    assert any(file.name == "dev.json" for file in written)
    assert not [file for file in written if file.suffix == ".attrs"]
