"""Strangers' texts: whatever a machine, a BMC or a server says, one printable line of it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.printable import LINE_CHARACTERS, MARK, printable, printable_lines

# Every character, lone surrogates included: they come out of JSON's \ud800, and no encoding accepts them.
CHARACTERS = st.text(st.characters(codec=None, exclude_categories=()))
NASTY = st.text(
    st.sampled_from(
        "a \x1b\x07\x00\x7f\x85\x9b\r\n\t\v\f\x1c\u00ad\u061c\u200b\u200e\u2028\u2029\u202e\u2066\ufeff\ud800…\\"
    )
)
LIMITS = st.integers(1, 300)


@given(CHARACTERS | NASTY, LIMITS)
def test_every_text_becomes_one_short_line_of_printable_characters(text, limit):
    shown = printable(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()


@given(CHARACTERS | NASTY, LIMITS)
def test_a_printable_text_passes_unchanged(text, limit):
    once = printable(text, limit)

    assert printable(once, limit) == once
    assert printable(once, limit + 1) == once


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=200))
def test_plain_words_are_shown_as_they_are(word):
    assert printable(word) == word


@given(CHARACTERS | NASTY)
def test_a_message_of_several_lines_has_the_lines_that_its_author_wrote(text):
    shown = printable_lines(text)

    assert len(shown.split("\n")) == len(text.split("\n"))
    assert all(line.isprintable() for line in shown.split("\n"))
    assert printable_lines(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "\x1b[2J\x1b]0;pwned\x07", r"\x1b[2J\x1b]0;pwned\x07", id="a terminal that is cleared and renamed"
        ),
        pytest.param("1\n  + up succeeded", "1 + up succeeded", id="a line of its own"),
        pytest.param("1\r\u2028\u2029\x85ok", "1 ok", id="line breaks of other systems"),
        pytest.param("\x9b31mred", r"\x9b31mred", id="C1: one character that begins a sequence"),
        pytest.param("a\u202egnp.exe", r"a\u202egnp.exe", id="letters in another order"),
        pytest.param("cp\u200b-1\ufeff", r"cp\u200b-1\ufeff", id="invisible letters"),
        pytest.param("\U000e0041", r"\U000e0041", id="a tag, which is invisible too"),
        pytest.param("\ud800", r"\ud800", id="half a character"),
        pytest.param(b"\xff\x1b", r"\xff\x1b", id="bytes that are no text"),
        pytest.param("Größe 東京", "Größe 東京", id="letters of every language"),
        pytest.param(None, "None", id="no text"),
        pytest.param("", "", id="an empty text"),
    ],
)
def test_what_is_shown(text, shown):
    assert printable(text) == shown


def test_a_long_text_is_cut_with_a_mark():
    assert printable("x" * 200) == "x" * 200
    assert printable("x" * 201) == "x" * 199 + MARK


def test_an_escape_is_never_cut_in_two():
    assert printable("abc\x1b\x1b", 8) == r"abc\x1b" + MARK
    assert printable("abc\x1b", 7) == r"abc\x1b"
    assert printable("abc\x1b", 6) == "abc" + MARK


def test_the_indentation_of_our_own_lines_stays():
    assert printable_lines("two faults\n  cp-1: \x1b[2J\r\n\n  wk-1: x") == "two faults\n  cp-1: \\x1b[2J\n\n  wk-1: x"
    assert len(printable_lines("x" * 10_000)) == LINE_CHARACTERS
