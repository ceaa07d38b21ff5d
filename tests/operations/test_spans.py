"""Names of many machines in few words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.drift.spans import spans


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([f"wk-{number}" for number in range(1, 101)], "wk-1 to wk-100"),
        ([f"wk-{number:02}" for number in range(8, 13)], "wk-08 to wk-12"),
        (["wk-2", "wk-1"], "wk-1, wk-2"),
        (["wk-1", "wk-2", "wk-4", "wk-5", "wk-6"], "wk-1, wk-2, wk-4 to wk-6"),
        (["a1", "b2", "c3"], "a1, b2, c3"),
        (["wk-9", "wk-010", "wk-011"], "wk-9, wk-010, wk-011"),
        (["r1m1", "r1m2", "r1m3", "r2m1", "r2m2", "r2m3"], "r1m1 to r1m3, r2m1 to r2m3"),
        (["storage", "gateway"], "gateway, storage"),
        (["web", "web"], "web"),
        ([], ""),
    ],
)
def test_names_that_follow_one_another_are_one_span(names, text):
    assert spans(names) == text


@given(st.sets(st.builds("{}{}".format, st.sampled_from(["a", "b-", "c1m"]), st.integers(0, 40)), max_size=40))
def test_a_span_names_each_machine_once_and_no_other(names):
    named = set()
    for part in filter(None, spans(names).split(", ")):
        first, _, last = part.partition(" to ")
        stem = first.rstrip("0123456789")
        start, end = int(first[len(stem) :]), int((last or first)[len(stem) :])
        assert not named & {f"{stem}{number}" for number in range(start, end + 1)}
        named |= {f"{stem}{number}" for number in range(start, end + 1)}
    assert named == names
