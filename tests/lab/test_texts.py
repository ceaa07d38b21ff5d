"""The texts that phases wait for, before a rehearsal of minutes finds out that one is no more."""

import re

import pytest
from conftest import ROOT

from lab.phases import texts

PROGRAM = ("components", "core", "operations", "provider")


@pytest.fixture(scope="module")
def program():
    """The source of the program, with literals that go on in the next line joined."""
    sources = [file.read_text() for part in PROGRAM for file in sorted((ROOT / part).rglob("*.py"))]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))


@pytest.mark.parametrize("text", dict.fromkeys(texts.ALL))
def test_the_program_still_has_the_text(program, text):
    assert text in program
