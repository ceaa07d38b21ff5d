"""Deadlines that grow with how slow the computer is."""

import pytest

from lab import speed, waiting
from lab.waiting import Timeout, wait_for


@pytest.mark.parametrize(
    ("cpu_seconds", "load", "processors", "factor"),
    [
        (speed.REFERENCE_SECONDS, 0.0, 2, 1.0),
        (speed.REFERENCE_SECONDS / 10, 0.5, 2, 1.0),
        (speed.REFERENCE_SECONDS * 2, 0.0, 2, 2.0),
        (speed.REFERENCE_SECONDS, 6.0, 2, 3.0),
        (speed.REFERENCE_SECONDS * 2, 6.0, 2, 6.0),
        (speed.REFERENCE_SECONDS * 100, 100.0, 2, speed.MOST),
        (speed.REFERENCE_SECONDS, 1.0, 0, 1.0),
    ],
    ids=["the reference", "a faster one", "slow", "crowded", "both", "hopeless", "cores unknown"],
)
def test_the_factor_grows_with_slowness_and_with_load_from_1_to_a_limit(cpu_seconds, load, processors, factor):
    assert speed.factor(cpu_seconds, load, processors) == pytest.approx(factor)


def test_a_deadline_has_room_for_a_machine_three_times_as_slow(monkeypatch):
    monkeypatch.setattr(speed, "calibration", lambda: speed.REFERENCE_SECONDS)
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert speed.deadline(10) == pytest.approx(30)
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (2.0 * (speed.os.cpu_count() or 1), 0.0, 0.0))
    assert speed.deadline(10) == pytest.approx(60)


def test_the_machine_is_measured_once_per_process(monkeypatch):
    speed.calibration.cache_clear()
    runs = []
    monkeypatch.setattr(speed, "_work", lambda: runs.append(1) or 0.1)
    try:
        assert [speed.calibration() for _ in range(5)] == [0.1] * 5 and len(runs) == 3
    finally:
        speed.calibration.cache_clear()


def test_a_wait_ends_at_the_machines_own_deadline_and_names_it(monkeypatch):
    """Regression: on two busy cores, the wait ended with `etcd: not after 600 s`."""
    clock = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    monkeypatch.setattr(speed, "now", lambda: 4.0)
    with pytest.raises(Timeout, match="timed out after 120 s, waiting for etcd"):
        wait_for("etcd", lambda: False, seconds=10, every=1)
    assert clock[0] == pytest.approx(120)
    assert wait_for("etcd", lambda: clock[0] > 220, seconds=10, every=1), "it waits as long as that"
