"""A text that a stranger wrote costs no more than its limits, whatever it is."""

from __future__ import annotations

import datetime
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core import boundedyaml
from core.boundedyaml import UnreadableYAML, load, load_all, load_each

MIB = 1 << 20
# Each ends in half a second on one core; safe_load takes minutes for some, or more memory than there is.
SECONDS = 10.0
ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
HOSTILE = {
    "aliases": (ALIASES, "it has an anchor or an alias in line 1, which can multiply without end"),
    "an alias": ("a: 1\nb: *a\n", "it has an anchor or an alias in line 2, which can multiply without end"),
    "an anchor": ("a: 1\nb: &c 2\n", "it has an anchor or an alias in line 2, which can multiply without end"),
    "too large": ("a" * (4 * MIB + 1), "it has 4194305 bytes, and the limit is 4194304"),
    "too large in bytes": ("ä" * (3 * MIB), "it has 6291456 bytes, and the limit is 4194304"),
    "many values": ("- 1\n" * MIB, "it has more than 100000 values"),
    "many documents": ("---\n" * (MIB - 1), "it has more than 100000 values"),
    "flow levels": ("[" * (4 * MIB), "it is nested in more than 64 levels in line 1"),
    "block levels": ("- " * (2 * MIB), "it is nested in more than 64 levels in line 1"),
    "keys of keys": ("? " * (2 * MIB), "it is nested in more than 64 levels in line 1"),
    "base 60": ("a: 1" + ":1" * (2 * MIB - 10), "it has a value that is out of range, or is not UTF-8"),
    "base 60 with a fraction": ("a: 1" + ":1" * MIB + ".5", "it has a value that is out of range, or is not UTF-8"),
    "digits": ("a: 1" + "9" * (4 * MIB - 10), "it has a value that is out of range, or is not UTF-8"),
    "keys of one hash": (
        "".join(f"{n * (2**61 - 1)}: v\n" for n in range(40_000)),
        "it has a value that is out of range, or is not UTF-8",
    ),
    "a date": ("a: 2001-99-99", "it has a value that is out of range, or is not UTF-8"),
    "a time zone": ("a: 2001-01-01t00:00:00+99:99", "it has a value that is out of range, or is not UTF-8"),
    "a lone surrogate": ("a: \udc80", "it has a value that is out of range, or is not UTF-8"),
    "not UTF-8": (b"a: \xff\xfe", "it is not YAML"),
    "a tag": ("a: 1\nb: !!python/object/apply:os.system ['true']\n", "it has a tag in line 2"),
    "a tag without a scalar for it": ("a: !!timestamp x", "it has a tag in line 1"),
    "a control character": ("a: \x00", "it is not YAML"),
    "not YAML": ("a: 1\n]\n", "it is not YAML in line 2"),
    "a list as key": ("? [1]\n: 1\n", "it is not YAML in line 1"),
    "two documents": ("a: 1\n---\nb: 2\n", "it has 2 documents instead of one"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_in_a_moment_and_in_one_line(name: str) -> None:
    text, why = HOSTILE[name]
    began = time.process_time()
    with pytest.raises(UnreadableYAML) as refused:
        load(text, what="the disks of cp-1")
    assert time.process_time() - began < SECONDS
    assert str(refused.value) == f"the disks of cp-1 can't be read: {why}"


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{n}: v{n}\n" for n in range(49_999)),
        "a: " + "x" * (4 * MIB - 10),
        "a: " + "x " * (2 * MIB - 10),
        "a: >\n" + " x\n\n" * (MIB - 10),
        "#" * (4 * MIB),
        'a: !!binary "' + "A" * (4 * MIB - 20) + '"',
    ],
    ids=["many keys", "a long text", "many words", "many lines", "a comment", "binary"],
)
def test_the_largest_texts_are_read_in_a_moment(text: str) -> None:
    began = time.process_time()
    load(text, what="the disks of cp-1")
    assert time.process_time() - began < SECONDS


def test_the_limits_can_be_lower() -> None:
    assert load("[a, b]", what="it", most_bytes=6, most_values=3) == ["a", "b"]
    with pytest.raises(UnreadableYAML, match=r"^it can't be read: it has 7 bytes, and the limit is 6$"):
        load("[a, bc]", what="it", most_bytes=6)
    with pytest.raises(UnreadableYAML, match=r"^it can't be read: it has more than 3 values$"):
        load_all("[a, b, c]", what="it", most_values=3)


def test_several_texts_share_the_limits() -> None:
    assert load_each(["a: 1", "", "[b]"], what="it") == [{"a": 1}, None, ["b"]]
    with pytest.raises(UnreadableYAML, match=r"^it can't be read: it has more than 1 values$"):
        load_each(["[a, b]", "[c]"], what="it", most_values=4)
    with pytest.raises(UnreadableYAML, match=r"^it can't be read: it has 3 bytes, and the limit is 2$"):
        load_each(["[a]", "[b]"], what="it", most_bytes=5)


def test_the_loader_without_libyaml_has_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel without libyaml parses in Python, by the same events."""

    class Slow(yaml.SafeLoader):
        pass

    monkeypatch.setattr(boundedyaml, "_Loader", Slow)
    for name in ("aliases", "an anchor", "flow levels", "a tag", "not YAML"):
        with pytest.raises(UnreadableYAML):
            load(HOSTILE[name][0], what=name)


def test_every_document_is_read() -> None:
    assert load_all("a: 1\n---\nb: 2\n", what="it") == [{"a": 1}, {"b": 2}]
    assert load_all("", what="it") == []
    assert load("", what="it") is None
    assert load(b"a: 1", what="it") == {"a": 1}


def test_scalars_are_read_as_the_safe_loader_reads_them() -> None:
    text = "a: [1, -1, 0x10, 1:30, 1.5, .inf, ~, true, 2001-01-01, !!binary aGk=, 18446744073709551615, '9', 1e3]"
    assert load(text, what="it") == yaml.safe_load(text)
    assert load("2001-01-01", what="it") == datetime.date(2001, 1, 1)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_an_honest_program_writes_is_read(value: object) -> None:
    text = yaml.dump(value, Dumper=_WithoutAliases)
    assert load(text, what="it") == yaml.safe_load(text)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text: str | bytes) -> None:
    try:
        load(text, what="it")
    except UnreadableYAML as error:
        assert str(error).startswith("it can't be read: it ")
        assert len(str(error).splitlines()) == 1


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True
