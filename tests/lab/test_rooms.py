"""The rehearsal imports nothing from `lab/testing`, and the lab has no import circle."""

import ast

import pytest
from conftest import ROOT

FILES = sorted((ROOT / "lab").rglob("*.py"))


def name(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name(file) for file in FILES}


def imported(file):
    """The modules of the lab that a module imports, also if only for type annotations."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            whole = f"{base}.{node.module or ''}".strip(".")
            parts = {f"{whole}.{alias.name}" for alias in node.names}
            # A name that is no module is defined in the module that it is imported from.
            names |= (parts & MODULES) or {whole}
    return names & MODULES


@pytest.mark.parametrize("file", [file for file in FILES if "testing" not in file.parts], ids=name)
def test_the_rehearsal_imports_nothing_that_only_tests_use(file):
    assert not [each for each in imported(file) if each.startswith("lab.testing")]


def test_the_labs_imports_have_no_circle():
    edges = {name(file): imported(file) for file in FILES}

    def reaches(start):
        seen, todo = set(), [start]
        while todo:
            for need in edges[todo.pop()] - seen:
                seen.add(need)
                todo.append(need)
        return seen

    assert sorted(module for module in edges if module in reaches(module)) == []
