"""The code has no finding of the machine checks, and a fault of each kind is a finding."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner import docstrings, lint, main
from toolchain import Layout

ROOT = Path(__file__).parents[2]

CLEAN = '''"""A room with one function."""


def half(number: int) -> int:
    """Half a number, rounded down."""
    return number // 2
'''
FAULTS = {
    "format": (CLEAN.replace("number // 2", "number//2"), "core/room.py: format: is not formatted"),
    "lint": (CLEAN.replace('one function."""\n', 'one function."""\n\nimport os\n'), "core/room.py:3:8: F401"),
    "types": (CLEAN.replace("number // 2", "str(number)"), "core/room.py:6: error: Incompatible return value type"),
    "docstrings": (CLEAN.replace("Half a number", "The half"), "core/room.py:4: docstring: half() returns a number"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the type checker knows of the standard library, for all checkouts here."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture
def checkout(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout with one small room, checked by this environment's own programs."""
    monkeypatch.setattr(lint, "ensure", lambda names, layout: {})
    (tmp_path / "core").mkdir()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    layout = Layout(tmp_path, tmp_path / ".toolchain", tmp_path / "store")
    layout.home.mkdir()
    layout.venv.symlink_to(sys.prefix)
    (layout.home / "mypy").symlink_to(cache)
    return layout


@pytest.mark.parametrize("name", lint.CHECKS)
def test_the_code_has_no_finding(name: str) -> None:
    here = Layout.of(ROOT)
    layout = Layout(here.checkout, here.home, here.store)
    findings = list(lint.CHECKS[name](layout, ()))
    assert not findings, "\n".join(findings)


def test_clean_code_passes(checkout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout.checkout / "core/room.py").write_text(CLEAN)
    assert main.main_in(checkout, ["lint"]) == 0
    assert capsys.readouterr().out == "lint: no findings (format, lint, types, docstrings)\n"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_each_kind_is_one_finding_and_exit_code_1(
    checkout: Layout, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    text, finding = FAULTS[name]
    (checkout.checkout / "core/room.py").write_text(text)
    assert main.main_in(checkout, ["lint"]) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(finding)
    assert others == ["lint: 1 finding"]


def test_a_checker_that_cannot_run_is_no_pass(checkout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout.checkout / "core/room.py").write_text(CLEAN)
    (checkout.checkout / "pyproject.toml").write_text("[tool.ruff]\nline-length = 'wide'\n")
    assert main.main_in(checkout, ["lint"]) == 1
    assert "lint: ruff could not check the code" in capsys.readouterr().err


def test_only_the_paths_asked_for_are_shown(checkout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout.checkout / "core/room.py").write_text(FAULTS["types"][0])
    (checkout.checkout / "clients").mkdir()
    (checkout.checkout / "clients/room.py").write_text(CLEAN)
    assert main.main_in(checkout, ["lint", "clients"]) == 0
    assert main.main_in(checkout, ["lint", "core/"]) == 1
    assert main.main_in(checkout, ["lint", "cores"]) == 2
    assert "lint: cores is no file or folder of the checkout" in capsys.readouterr().err


DOCSTRINGS = {
    "raises": (
        'def f() -> None:\n    """Do it."""\n    raise ValueError("x")\n',
        'def f() -> None:\n    """Do it. Raises ValueError for x."""\n    raise ValueError("x")\n',
    ),
    "raises in a method": (
        'class C:\n    def f(self) -> None:\n        """Do it."""\n        raise errors.Wrong("x")\n',
        'class C:\n    def f(self) -> None:\n        """Do it.\n\n        Raises KeyError, or\n        Wrong for x.\n'
        '        """\n        raise errors.Wrong("x")\n',
    ),
    "number": (
        'def f() -> float | None:\n    """How it was."""\n',
        'def f() -> float | None:\n    """How it was, in seconds."""\n',
    ),
    "mapping": (
        'def f() -> Mapping[str, int]:\n    """All of it."""\n',
        'def f() -> Mapping[str, int]:\n    """Ports by name."""\n',
    ),
    "tuple": (
        'def f() -> tuple[str, int]:\n    """All of it."""\n',
        'def f() -> tuple[str, int]:\n    """A host and its port."""\n',
    ),
}


@pytest.mark.parametrize("name", DOCSTRINGS)
def test_a_docstring_that_says_too_little_is_a_finding(tmp_path: Path, name: str) -> None:
    file = tmp_path / "room.py"
    poor, good = DOCSTRINGS[name]
    file.write_text(poor)
    assert len(list(docstrings.check(file, "room.py"))) == 1
    file.write_text(good)
    assert not list(docstrings.check(file, "room.py"))


@pytest.mark.parametrize(
    "text",
    [
        'def f() -> tuple[str, ...]:\n    """All of it."""\n',
        'def _f() -> int:\n    """Private."""\n',
        'def f() -> None:\n    """Do it."""\n'
        "    try:\n        raise ValueError\n    except ValueError:\n        pass\n",
        'def f(error: Exception) -> None:\n    """Do it."""\n    raise error\n',
        'def f() -> None:\n    """Do it."""\n\n    def inner() -> None:\n        raise ValueError\n',
    ],
)
def test_what_needs_no_words_is_no_finding(tmp_path: Path, text: str) -> None:
    file = tmp_path / "room.py"
    file.write_text(text)
    assert not list(docstrings.check(file, "room.py"))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("# How many.\nLIMIT = 3\n", 1),
        ("# How many. Source: the manual, chapter 2.\nLIMIT: int = 3\n", 0),
        ('LIMIT = 3\n"""How many. Source: the manual, chapter 2."""\n', 0),
        ("# Source: the manual.\nFIRST = 1\nSECOND = 2\n", 1),
        ("_OWN = 3\nAlias = int\n", 0),
    ],
)
def test_a_fact_names_its_source(tmp_path: Path, text: str, count: int) -> None:
    file = tmp_path / "core/facts/numbers.py"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert len(list(docstrings.check(file, "core/facts/numbers.py"))) == count
