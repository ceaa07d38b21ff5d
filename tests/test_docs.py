"""The docs tell the truth about the repository."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_test_that_a_trap_names_is_there():
    """A guard whose test was renamed or deleted would go on being claimed."""
    page = (ROOT / "docs/talos-provider.md").read_text(encoding="utf-8")
    for path, name in re.findall(r"`((?:tests/[\w/]+\.(?:py|yaml))|…)(?:::(\w+))?`", page):
        file = ROOT / ("tests/program/test_graph.py" if path == "…" else path)
        assert file.exists(), file
        assert not name or f"def {name}(" in file.read_text(encoding="utf-8"), name


def test_every_trap_has_a_guard_and_a_test_of_its_own():
    """A row that names none, or a whole folder, claims what nobody looks for."""
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs/talos-provider.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ][1:]
    assert len(rows) > 30
    for row in rows:
        trap, guard, test = row
        named = re.findall(r"`(tests/[\w/]+\.(?:py|yaml)|…::\w+)", test)
        assert guard.strip() and named, trap


def test_the_picture_of_the_house_is_the_house():
    """Every room in the picture is there, and every room there is in the picture."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^([a-z]+)/ ", page, re.MULTILINE))
    there = {
        p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith((".", "__")) and p.name not in ("venv",)
    }
    assert drawn == there


def test_the_readme_shows_the_two_commands():
    commands = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert commands == ["./bedplate preview dev", "./bedplate test"]
    assert "./bedplate test" in Path(ROOT / ".ci/run").read_text(encoding="utf-8")
