"""What of the lab the rehearsal uses, and what only tests do."""

import ast

import pytest
from conftest import ROOT

FILES = sorted((ROOT / "lab").rglob("*.py"))


def name(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name(file) for file in FILES}


def imported(file):
    """The modules of the lab that a module imports, also for its types alone."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            whole = f"{base}.{node.module or ''}".strip(".")
            parts = {f"{whole}.{alias.name}" for alias in node.names}
            # What is no module is something in the one that it is imported from.
            found |= (parts & MODULES) or {whole}
    return found & MODULES


@pytest.mark.parametrize("file", [file for file in FILES if "testing" not in file.parts], ids=name)
def test_the_rehearsal_imports_nothing_that_only_tests_use(file):
    assert not [each for each in imported(file) if each.startswith("lab.testing")]


def test_no_module_of_the_lab_imports_itself_by_a_detour():
    edges = {name(file): imported(file) for file in FILES}

    def reaches(start):
        seen, todo = set(), [start]
        while todo:
            for need in edges[todo.pop()] - seen:
                seen.add(need)
                todo.append(need)
        return seen

    assert sorted(module for module in edges if module in reaches(module)) == []
