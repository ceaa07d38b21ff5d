"""The program still prints the texts that phases wait for."""

import ast

import pytest
from conftest import ROOT

from lab.phases import texts

PROGRAM = ("components", "core", "operations", "provider")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(scope="module")
def messages():
    """Every text of the program's messages, without docstrings and comments."""
    literals = []
    for file in sorted(file for part in PROGRAM for file in (ROOT / part).rglob("*.py")):
        tree = ast.parse(file.read_text())
        bodies = [node.body for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and node.body]
        docstrings = {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}
        literals += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
    return literals


@pytest.mark.parametrize("text", dict.fromkeys(texts.ALL))
def test_the_program_still_has_the_text(messages, text):
    assert any(text in message for message in messages)
