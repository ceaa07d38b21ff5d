"""A stack file has one meaning: what the loader reads is what the engine hands to the program."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from core.model import StackFileError, parse, stackfile, yamlfile

SCALARS = Path(__file__).with_name("scalars.yaml")
READ = {
    "words": ["yes", "No", "on", "y", True, False, None, None, "=", "~", "true"],
    "numbers": [16, 10, 1000, 15, 1000, 0.5, 1, 5, -10, 3, 1, 8.5, 9, 0.000001, 150, "._5"],
    "large": [1.2345678901234568e22, 9223372036854775807, -9223372036854775808, "1e400"],
    "texts": ["1:30", "190:20:30.15", "012", "1.2.3", "10.0.0.0/8", "0x", "1e", "2027-01-31", "12-31"],
    "keys": {"1": "a", "true": "b", "on": "c", "2": "d"},
    "merged": {"z": 1, "y": 2},
    "tagged": ["5", "yes"],
}


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    return yamlfile.read(tmp_path / "a.yaml", "a.yaml", "it is needed")


def test_scalars_are_read_as_the_engine_reads_them():
    """tests/engine/test_scalars.py asks the engine for the same values."""
    assert yamlfile.read(SCALARS, "scalars", "")["config"][stackfile.KEY] == READ


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("2027-03-31", "a date without quotes"),
        ("2027-03-31T10:00:00Z", "a date without quotes"),
        (".inf", "a number that is not finite"),
        (".NaN", "a number that is not finite"),
        ("!!binary aGVsbG8=", "a value with the tag tag:yaml.org,2002:binary"),
        ("!!set {a, b}", "a value with the tag tag:yaml.org,2002:set"),
        ("{~: 1}", "a key that is not a text"),
        ("{1.5: 1}", "a key that is not a text"),
    ],
)
def test_what_the_engine_would_hand_on_as_something_else_is_refused(tmp_path, value, what):
    with pytest.raises(ValueError) as refused:
        read(tmp_path, f"a: 1\nb: {value}\n")
    assert str(refused.value) == (
        f"a.yaml has {what} in line 2; the engine would hand the program another value; put it in quotes"
    )


@pytest.mark.parametrize("keys", ["1: a\n'1': b\n", "true: a\n'true': b\n", "0x1: a\n1: b\n"])
def test_keys_that_are_one_text_are_one_key(tmp_path, keys):
    with pytest.raises(ValueError, match="twice in one mapping, again in line 2"):
        read(tmp_path, keys)


def test_a_number_of_any_length_is_read(tmp_path):
    assert read(tmp_path, f"a: {'9' * 300}\n") == {"a": float("9" * 300)}
    assert read(tmp_path, f"a: {'9' * 5000}\n") == {"a": "9" * 5000}
    assert not isinstance(read(tmp_path, "a: '2027-03-31'")["a"], datetime.date)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
BEYOND = "no platform needs that, and reading it could take all memory; write the values out, or divide them among "


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BOMB, "stands for more than 500000 values in line 6"),
        ("a: &a\n  b: *a\n", "has the alias *a within what it stands for in line 2"),
        ("a: &a [[*a]]\n", "has the alias *a within what it stands for in line 1"),
        (f"a: {'[' * 70}{']' * 70}\n", "is nested in more than 64 levels in line 1"),
        (f"a: {'[' * 1_000_000}\n", "is nested in more than 64 levels in line 1"),
        (f"a: &a {'[' * 40}{']' * 40}\nb: {'[' * 40}*a{']' * 40}\n", "is nested in more than 64 levels in line 2"),
        (f"a: {'x' * (4 << 20)}\n", "has more than 4 MiB"),
        ("a: &a {b: 1}\nc: &a {d: *a}\n", "has the alias *a within what it stands for in line 2"),
        (
            f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 100_000)}]\n",
            "stands for more than 16 MiB of text in line 2",
        ),
        (
            f"a: &a [{'x' * 1_000_000}]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b,\n  *b, *b]\n",
            "stands for more than 16 MiB of text in line 4",
        ),
        (
            f"a: {{? &a {'x' * 1000} : 1}}\n" + "b: {*a : 1}\n" * 20_000,
            "stands for more than 16 MiB of text in line 16744",
        ),
    ],
    ids=[
        *("bomb", "itself", "itself deeper", "deep", "very deep", "deep by an alias", "large", "an anchor again"),
        *("long text", "long text in lists", "long key"),
    ],
)
def test_a_file_beyond_the_limits_is_refused_before_it_is_read(tmp_path, text, what):
    with pytest.raises(ValueError) as refused:
        read(tmp_path, text)
    assert str(refused.value) == f"a.yaml {what}; {BEYOND}files under include:"


def test_aliases_that_a_person_writes_are_read(tmp_path):
    text = "x: &x {a: 1}\ny: {<<: *x, b: [*x, *x]}\n" + "".join(f"m{n}: *x\n" for n in range(5000))
    assert read(tmp_path, text)["y"] == {"a": 1, "b": [{"a": 1}, {"a": 1}]}


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(ValueError, match=r"can't be read \(it is not a regular file\)"):
        yamlfile.read(tmp_path / "a.yaml", "a.yaml", "it is needed")


def test_a_platform_of_any_depth_is_refused_by_name(dev):
    deep: Any = "x"
    for _ in range(3000):
        deep = [deep]
    with pytest.raises(StackFileError, match=r"^platform: is nested in more than 64 levels; no platform needs that"):
        parse({**dev, "vms": deep})
