"""A stack file has one meaning: what the loader reads is what the engine hands to the program."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from core.loading import stackfile
from core.model import StackFileError, parse, yamlfile

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


def faults(tmp_path: Path, content: str | bytes) -> list[str]:
    """Each fault of a file, as a person reads it."""
    encoded = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "a.yaml").write_bytes(encoded)
    with pytest.raises(StackFileError) as refused:
        yamlfile.read(tmp_path / "a.yaml", "a.yaml", "it is needed")
    return [str(fault) for fault in refused.value.faults]


def test_scalars_are_read_as_the_engine_reads_them():
    """tests/engine/test_scalars.py asks the engine for the same values."""
    assert yamlfile.read(SCALARS, "scalars", "")["config"][stackfile.KEY] == READ


ANOTHER_VALUE = "the engine would hand the program another value"
NO_NAME = (
    "is not a name; YAML reads it as no text, and the engine would hand on another key; write a name before the colon, "
    "in quotes unless it starts with a letter"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            "2027-03-31",
            "2027-03-31 is a date without quotes; the engine would hand on another text; write '2027-03-31'",
        ),
        (
            "2027-03-31T10:00:00Z",
            "2027-03-31T10:00:00Z is a date without quotes; the engine would hand on another text; "
            "write '2027-03-31T10:00:00Z'",
        ),
        (".inf", ".inf is not a finite number; the engine can't hand it on; put it in quotes if it is a text"),
        ("-.Inf", "-.Inf is not a finite number; the engine can't hand it on; put it in quotes if it is a text"),
        (".NaN", ".NaN is not a finite number; the engine can't hand it on; put it in quotes if it is a text"),
        ("0022", "0022 starts with a zero; YAML reads it as 18; write 22 for a number, or '0022' in quotes for a text"),
        (
            "-017",
            "-017 starts with a zero; YAML reads it as -15; write 17 for a number, or '-017' in quotes for a text",
        ),
        ("0_22", "0_22 starts with a zero; YAML reads it as 18; write 22 for a number, or '0_22' in quotes for a text"),
        ("089", "089 starts with a zero; YAML reads it as 89.0; write 89 for a number, or '089' in quotes for a text"),
        ("[000]", "000 starts with a zero; YAML reads it as 0; write 0 for a number, or '000' in quotes for a text"),
        *(
            (
                f"!!{tag} {inner}",
                f"has the tag !!{tag}; {ANOTHER_VALUE}; "
                "remove the tag, and write a text, a number, a list or a mapping",
            )
            for tag, inner in (
                ("binary", "aGVsbG8="),
                ("set", "{a, b}"),
                ("omap", "[a: 1]"),
                ("timestamp", "'2027-01-01'"),
                ("int", "five"),
            )
        ),
        (
            "!mine x",
            f"has the tag !mine; {ANOTHER_VALUE}; remove the tag, and write a text, a number, a list or a mapping",
        ),
    ],
)
def test_what_the_engine_would_hand_on_as_something_else_is_refused(tmp_path, value, says):
    where = "platform.b.0" if value.startswith("[") else "platform.b"
    assert faults(tmp_path, f"a: 1\nb: {value}\n") == [f"a.yaml:2: {where}: {says}"]


@pytest.mark.parametrize(
    ("key", "shown", "says"),
    [
        ("~", "~", NO_NAME),
        ("", "~", NO_NAME.replace("is not a name", "a name is missing")),
        ("null", "null", NO_NAME),
        ("1.5", "1.5", NO_NAME),
        ("[a]", "?", NO_NAME),
        ("{a: 1}", "?", NO_NAME),
        ("2027-01-31", "2027-01-31", "2027-01-31 is a date without quotes; the engine would hand on another text; "
         "write '2027-01-31' in quotes"),
        ("007", "7", "007 starts with a zero; YAML reads it as 7; write '007' in quotes"),
    ],
)  # fmt: skip
def test_a_key_that_is_no_text_is_refused(tmp_path, key, shown, says):
    assert faults(tmp_path, f"a: 1\nb:\n  ? {key}\n  : 1\n") == [f"a.yaml:3: platform.b.{shown}: {says}"]


@pytest.mark.parametrize("keys", ["1: a\n'1': b\n", "true: a\n'true': b\n", "0x1: a\n1: b\n", 'x: 1\n"x": 2\n'])
def test_keys_that_are_one_text_are_one_key(tmp_path, keys):
    [fault] = faults(tmp_path, keys)
    assert fault.startswith("a.yaml:2: ") and fault.endswith(
        ": is defined twice, before in line 1; one of the two values would be lost; "
        "rename one of the keys, or remove it"
    )


def test_all_faults_of_a_file_are_told_at_once_each_with_its_line(tmp_path):
    text = "a: 0022\nb: {c: 1, c: 2}\nd:\n  - !!set {x}\n  - ~: 1\n  - .nan\n---\ne: 1\n"
    assert [fault.split(": ")[:2] for fault in faults(tmp_path, text)] == [
        ["a.yaml:7", "a second document starts here, at ---; the engine reads the first one alone, so the rest would "
         "silently be missing; remove the line ---, and put what follows under the keys above it"],
        ["a.yaml:1", "platform.a"],
        ["a.yaml:2", "platform.b.c"],
        ["a.yaml:4", "platform.d.0"],
        ["a.yaml:5", "platform.d.1.~"],
        ["a.yaml:6", "platform.d.2"],
    ]  # fmt: skip


@pytest.mark.parametrize("second", ["---\na: 2\n", "---\n", "...\n---\n- x\n", "--- text\n", "---\na: [\n"])
def test_a_second_document_is_refused(tmp_path, second):
    [fault] = faults(tmp_path, f"a: 1\n{second}")
    assert "a second document starts here" in fault


@pytest.mark.parametrize(
    "text", ["---\na: 1\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n", "\ufeffa: 1\n", "# x\n\na: 1\n"]
)
def test_one_document_may_have_a_start_and_an_end(tmp_path, text):
    assert read(tmp_path, text) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\n# für\n".encode("latin-1"), "a.yaml:2: the file can't be read (it is not UTF-8 text)"),
        ("a: 1\nb: 2\n".encode("utf-16"), "a.yaml:1: the file can't be read (it is UTF-16 text)"),
        ("a: 1\nb: 2\n".encode("utf-16-be"), "a.yaml:1: the file can't be read (it contains the character U+0000)"),
        (b"a: 1\nb: \xc3\xbc\xff\n", "a.yaml:2: the file can't be read (it is not UTF-8 text)"),
        (b"a: 1\n\nb: x\x00y\n", "a.yaml:3: the file can't be read (it contains the character U+0000)"),
        (b"a: 1\nb: \x1b[2J\n", "a.yaml:2: the file can't be read (it contains the character U+001B)"),
        ("a: 1\nb: \ufffe\n".encode(), "a.yaml:2: the file can't be read (it contains the character U+FFFE)"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, content, says):
    assert faults(tmp_path, content) == [f"{says}; it is needed; save it as UTF-8 text"]


@pytest.mark.parametrize(
    ("text", "line", "meaning"),
    [
        ("a: [\n", 2, "a bracket is not closed"),
        ("x: 1\na: {b: 1, c: 2\nd: 3\n", 3, "the bracket opened in line 2 is not closed, or a comma is missing"),
        ("a: 'x\nb: 1\n", 3, "the quote opened in line 1 is not closed"),
        ("a: b: c\n", 1, "a second ': ' in one line, or a key that is indented too far"),
        ("a:\n\tb: 1\n", 2, "a tab, @, ` or % before a value; indent with blanks, and put such a value in quotes"),
        ("a: *x\n", 1, "an alias (*) that no anchor (&) defines above it"),
        ("a: &x 1\nb: &x 2\n", 2, "an anchor (&) whose name is taken"),
        ('a: "\\d"\n', 1, "a backslash in double quotes; write '…' instead"),
        ("- a\nb: 1\n", 2, "a line that is indented differently from the list around it"),
        ("a: - b\n", 1, "an entry of a list in the line of its key"),
        ("a: 1\nb\n", 3, "a line without ': ' after its key"),
        ("%YAML 1.3\n---\na: 1\n", 1, "%YAML names another version than 1.1; remove that line"),
        ("%ROOM\n---\na: 1\n", 1, "a line starts with %"),
        (
            "a:\n  b: 1\n c: 2\n",
            3,
            "a line that is indented differently from its neighbours, or text after a closing quote or bracket",
        ),
    ],
)
def test_what_is_no_yaml_is_refused_in_words_of_our_own(tmp_path, text, line, meaning):
    assert faults(tmp_path, text) == [
        f"a.yaml:{line}: the file is not YAML: {meaning}; nothing in it can be read reliably; "
        "correct this line or the one above it"
    ]


def test_a_number_of_any_length_is_read(tmp_path):
    assert read(tmp_path, f"a: {'9' * 300}\n") == {"a": float("9" * 300)}
    assert read(tmp_path, f"a: {'9' * 5000}\n") == {"a": "9" * 5000}
    assert not isinstance(read(tmp_path, "a: '2027-03-31'")["a"], datetime.date)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
BEYOND = "no platform needs that, and reading it could take all memory; write the values out, or divide them among "


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (BOMB, "stands for more than 500000 values", 6),
        ("a: &a\n  b: *a\n", "has the alias *a within what it stands for", 2),
        ("a: &a [[*a]]\n", "has the alias *a within what it stands for", 1),
        (f"a: {'[' * 70}{']' * 70}\n", "is nested in more than 64 levels", 1),
        (f"a: {'[' * 1_000_000}\n", "is nested in more than 64 levels", 1),
        ("".join(f"{' ' * depth}a:\n" for depth in range(100)), "is nested in more than 64 levels", 65),
        (f"a: &a {'[' * 40}{']' * 40}\nb: {'[' * 40}*a{']' * 40}\n", "is nested in more than 64 levels", 2),
        (f"a: {'x' * (4 << 20)}\n", "has more than 4 MiB", 1),
        ("a: &a {b: 1}\nc: &a {d: *a}\n", "has the alias *a within what it stands for", 2),
        (
            f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 100_000)}]\n",
            "stands for more than 16 MiB of text",
            2,
        ),
        (
            f"a: &a [{'x' * 1_000_000}]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b,\n  *b, *b]\n",
            "stands for more than 16 MiB of text",
            4,
        ),
        (
            f"a: {{? &a {'x' * 1000} : 1}}\n" + "b: {*a : 1}\n" * 20_000,
            "stands for more than 16 MiB of text",
            16744,
        ),
    ],
    ids=[
        *("bomb", "itself", "itself deeper", "deep", "very deep", "deep by blanks", "deep by an alias", "large"),
        *("an anchor again", "long text", "long text in lists", "long key"),
    ],
)
def test_a_file_beyond_the_limits_is_refused_before_it_is_read(tmp_path, text, what, line):
    assert faults(tmp_path, text) == [f"a.yaml:{line}: the file {what}; {BEYOND}files under include:"]


def test_aliases_that_a_person_writes_are_read(tmp_path):
    text = "x: &x {a: 1}\ny: {<<: *x, b: [*x, *x]}\n" + "".join(f"m{n}: *x\n" for n in range(5000))
    assert read(tmp_path, text)["y"] == {"a": 1, "b": [{"a": 1}, {"a": 1}]}


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("{<<: *x, b: 2}", {"a": 1, "b": 2}),
        ("{b: 2, <<: *x}", {"a": 1, "b": 2}),
        ("{a: 3, <<: *x}", {"a": 3}),
        ("{<<: [*x, *y]}", {"a": 1, "c": 3}),
        ("{<<: [*y, *x]}", {"a": 2, "c": 3}),
    ],
)
def test_merge_keys_put_in_what_a_mapping_does_not_say_itself(tmp_path, text, merged):
    assert read(tmp_path, f"x: &x {{a: 1}}\ny: &y {{a: 2, c: 3}}\nz: {text}\n")["z"] == merged


@pytest.mark.parametrize("text", ["{<<: 1}", "{<<: [x]}", "{<<: [{a: 1}, 2]}"])
def test_a_merge_key_names_mappings_alone(tmp_path, text):
    [fault] = faults(tmp_path, f"z: {text}\n")
    assert (
        fault
        == "a.yaml:1: platform.z: << does not name a mapping; only keys can be merged; write <<: *NAME of a mapping"
    )


def fifo(file: Path) -> None:
    os.mkfifo(file)


def folder(file: Path) -> None:
    file.mkdir()


def device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def terminal(file: Path) -> None:
    file.symlink_to("/dev/ptmx")


@pytest.mark.parametrize("make", [fifo, folder, device, terminal])
def test_what_is_no_file_is_not_waited_for(tmp_path, make):
    make(tmp_path / "a.yaml")
    with pytest.raises(StackFileError, match=r"^a\.yaml can't be read \((it is not a regular file|Is a directory)\); "):
        yamlfile.read(tmp_path / "a.yaml", "a.yaml", "it is needed")


@pytest.mark.parametrize(
    ("path", "line", "column", "depth"),
    [
        (("a",), 1, 1, 1),
        (("b", "1", "c"), 4, 5, 3),
        (("b", "1", "gone", "further"), 4, 5, 2),
        (("b", "7"), 2, 1, 1),
        (("d", "x"), 5, 14, 2),
        (("d", "z"), 6, 11, 2),
        (("gone",), 1, 1, 0),
    ],
)
def test_a_key_has_a_place(tmp_path, path, line, column, depth):
    text = "a: 1\nb:\n  - x\n  - c: 1\nanchor: &it {x: 1}\nd: {y: 1, z: 2, <<: *it}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    place, found = yamlfile.document(tmp_path / "a.yaml", "a.yaml", "").place(path)
    assert place and (place.line, place.column, found) == (line, column, depth)


def test_a_platform_of_any_depth_is_refused_by_name(dev):
    deep: Any = "x"
    for _ in range(3000):
        deep = [deep]
    with pytest.raises(StackFileError, match=r"^platform: is nested in more than 64 levels; no platform needs that"):
        parse({**dev, "vms": deep})


@pytest.mark.parametrize(
    "text",
    [
        "config: {'bedplate:bmc': {password: 0071234}}\n",
        "config: {'bedplate:matchbox': 00712341}\n",
        "config: {'bedplate:registries': {a.example.com: {username: 00712341, x: 1}}}\n",
        "vms: {web: {cloud_init: {password: 00712341}}}\n",
        "vms: {web: {cloud_init: {wifi_psk: 2026-07-12}}}\n",
        "vms: {web: {cloud_init: {api_token: 00712341}}}\n",
    ],
)
def test_what_may_be_a_secret_is_not_repeated(tmp_path, text):
    [fault] = faults(tmp_path, text)
    assert "007" not in fault and "2026" not in fault
    assert fault.endswith("; the engine would hand on another text; put it in quotes")
