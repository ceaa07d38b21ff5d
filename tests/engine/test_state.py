"""A state in a folder after a run was killed, with the real engine."""

from pathlib import Path

import pytest

from runner.states import durable, folder, remove_empty_attributes

pytestmark = pytest.mark.engine


def test_truncated_attribute_files_block_a_stack_until_they_are_removed(checkout):
    here = checkout("dev")
    url = here.environment["PULUMI_BACKEND_URL"]
    [attributes] = folder(url).glob(".pulumi/stacks/bedplate/dev.json.attrs")
    attributes.write_text("")
    refused = here.pulumi("stack", "export", "--stack", "dev", check=False)
    assert refused.returncode != 0 and "failed to load checkpoint: EOF" in refused.stderr
    assert remove_empty_attributes(url) == [attributes]
    here.pulumi("stack", "export", "--stack", "dev")


def test_a_folder_backend_with_metadata_skip_has_no_attribute_files(checkout, tmp_path):
    here = checkout("dev")
    state = tmp_path / "other"
    state.mkdir()
    here.pulumi("stack", "init", "dev", PULUMI_BACKEND_URL=durable(state.as_uri()))
    here.pulumi("stack", "export", "--stack", "dev", PULUMI_BACKEND_URL=durable(state.as_uri()))
    written = sorted(Path(state).rglob("*"))
    assert any(file.name == "dev.json" for file in written)
    assert not [file for file in written if file.suffix == ".attrs"]
