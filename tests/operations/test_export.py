"""The engine's export of a stack: what is said where there is none."""

import os

import pytest

from operations.drift.export import ExportError, exported_resources


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (
            "error: no stack named 'dev' found",
            "error: no stack named 'dev' found; create the platform first: ./bedplate up dev",
        ),
        ("error: incorrect passphrase", "error: incorrect passphrase"),
    ],
)
def test_a_stack_that_was_never_made_is_refused_with_the_remedy(tmp_path, monkeypatch, engine, said):
    program = tmp_path / "pulumi"
    program.write_text(f'#!/bin/sh\necho "{engine}" >&2\nexit 6\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ExportError) as failed:
        exported_resources("dev")
    assert str(failed.value) == said
