"""A setting of the whole computer that labs with Cilium change, and how it is set back."""

import os

import pytest

from lab import perf_events


@pytest.fixture
def places(tmp_path):
    setting = tmp_path / "perf_event_paranoid"
    setting.write_text("2\n")
    return {"folder": tmp_path / "labs", "setting": setting}


def value(places):
    return places["setting"].read_text().strip()


def test_the_last_lab_to_end_sets_back_what_the_first_one_found(places):
    first = perf_events.allow("dev-00000000", **places)
    second = perf_events.allow("prod-00000000", **places)
    assert value(places) == "0" and perf_events.used(places["folder"])
    os.close(first)
    perf_events.settle(**places)
    assert value(places) == "0"
    perf_events.settle(ending="prod-00000000", **places)
    assert value(places) == "2"
    os.close(second)
    assert not perf_events.used(places["folder"])


def test_a_lab_that_was_killed_counts_no_longer(places):
    """The kernel lets go of its lock. Whoever looks next sets the value back, or keeps what was first saved."""
    child = os.fork()
    if child == 0:
        perf_events.allow("dev-00000000", **places)
        os._exit(0)
    os.waitpid(child, 0)
    assert value(places) == "0" and not perf_events.used(places["folder"])
    handle = perf_events.allow("prod-00000000", **places)
    assert value(places) == "0"
    os.close(handle)
    perf_events.settle(**places)
    assert value(places) == "2"
    perf_events.settle(**places)
    assert value(places) == "2"


@pytest.mark.parametrize("low", ["0", "-1"])
def test_a_computer_that_allows_it_is_left_as_it_is(places, low):
    places["setting"].write_text(low)
    os.close(perf_events.allow("dev-00000000", **places))
    assert value(places) == low
    places["setting"].write_text("3")
    perf_events.settle(**places)
    assert value(places) == "3"


def test_without_such_a_lab_nothing_is_looked_at(places):
    perf_events.settle(**places)
    assert value(places) == "2" and not places["folder"].exists()
