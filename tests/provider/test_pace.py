"""Machines are switched on a few at a time, one after the other, and who waits says for whom."""

import threading
import time
from types import SimpleNamespace

import pytest

from provider.pace import LOOK, PREPARE, SWITCH, Pace


def crowd(pace, kinds, at_once, hold=0.05):
    """Everybody's turn: the most that were under way at once, and the order in which they came."""
    busy, most, order, lock = 0, 0, [], threading.Lock()
    said = []

    def one(number, kind):
        nonlocal busy, most
        with pace.turn(kind, at_once, said.append):
            with lock:
                busy += 1
                most = max(most, busy)
                order.append(number)
            time.sleep(hold)
            with lock:
                busy -= 1

    threads = [threading.Thread(target=one, args=each) for each in enumerate(kinds)]
    for thread in threads:
        thread.start()
        time.sleep(0.002)
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    return most, order, said


def test_no_more_than_so_many_are_under_way_and_all_have_their_turn():
    most, order, said = crowd(Pace(), [PREPARE] * 23, 5)
    assert most == 5 and sorted(order) == list(range(23))
    assert order == sorted(order), "who came first is served first"
    assert said[0] == "waits for its turn: 5 of 5 at once are under way, 0 more before it"
    assert any(line.startswith("its turn, after ") for line in said)


def test_a_machine_that_is_ready_goes_before_another_is_made_ready():
    """Some BMCs forget after a minute what the next boot is."""
    _, order, _ = crowd(Pace(), [PREPARE, LOOK, PREPARE, PREPARE, SWITCH], 1, hold=0.1)
    assert order == [0, 4, 2, 3, 1]


def test_a_turn_that_ends_in_a_failure_is_given_on():
    pace = Pace()
    for _ in range(3):
        try:
            with pace.turn(SWITCH, 1, lambda text: None):
                raise ValueError
        except ValueError:
            pass
    with pace.turn(SWITCH, 1, lambda text: None):
        pass


def test_switches_are_apart(monkeypatch):
    """With a clock that stands still, so that the waits do not depend on the speed of the machine."""
    pace, waits = Pace(), []
    monkeypatch.setattr("provider.pace.time", SimpleNamespace(monotonic=lambda: 100.0, sleep=waits.append))
    threads = [threading.Thread(target=pace.switching, args=(0.1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(waits) == pytest.approx([0.0, 0.1, 0.2, 0.3])
