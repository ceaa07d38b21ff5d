"""What is both generated and committed: a difference is refused, and one command writes it."""

import pytest

from toolchain import Layout, ToolchainError, manifests

NAME = "kubevirt-operator-v1.8.4.yaml"


@pytest.fixture
def pair(tmp_path):
    layout = Layout.of(tmp_path)
    made = tmp_path / "made.yaml"
    made.write_text("kind: CustomResourceDefinition\n")
    committed = tmp_path / "core" / "manifests" / "upstream" / NAME
    committed.parent.mkdir(parents=True)
    return layout, {NAME: made}, committed


def test_equal_files_pass(pair):
    layout, installed, committed = pair
    committed.write_text("kind: CustomResourceDefinition\n")
    manifests.check(installed, layout)
    assert manifests.write(installed, layout) == []


@pytest.mark.parametrize("text", ["kind: Something\n", None])
def test_another_or_no_committed_file_is_refused_with_the_remedy(pair, text):
    layout, installed, committed = pair
    if text:
        committed.write_text(text)
    with pytest.raises(ToolchainError) as caught:
        manifests.check(installed, layout)
    assert str(caught.value) == (
        f"core/manifests/upstream/{NAME} is not what its pinned module generates.\n"
        "  ./bedplate setup --write-manifests   writes the generated one: review it, then commit it"
    )


def test_writing_makes_them_equal_and_names_what_changed(pair):
    layout, installed, committed = pair
    assert manifests.write(installed, layout) == [committed]
    manifests.check(installed, layout)


def test_only_what_was_generated_is_compared(pair):
    layout, _, _ = pair
    manifests.check({}, layout)
