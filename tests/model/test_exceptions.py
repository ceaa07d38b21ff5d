"""Recorded exceptions: two for one control of one machine are refused in whatever order they stand."""

from itertools import permutations

import pytest
from conftest import changed, stack_platform
from refusing import TODAY

from core.model import StackFileError, parse


def exception(machines, until="2027-03-31", control="CIS 1.2.15"):
    reason = "The profiler of vendor X reads it."
    return {"control": control, "reason": reason, "until": until, "ticket": "OPS-1", "machines": machines}


def places(exceptions):
    try:
        parse(changed(stack_platform("prod"), {"exceptions": list(exceptions)}), TODAY)
    except StackFileError as error:
        assert all("excepted twice" in fault.text for fault in error.faults)
        return [fault.path for fault in error.faults]
    return []


@pytest.mark.parametrize(
    "machines",
    [
        (["cp-1"], []),
        ([], []),
        (["cp-1"], ["cp-1"]),
        (["cp-1", "cp-2"], ["cp-3", "cp-2"]),
        (["cp-1"], ["cp-2"], []),
    ],
)
def test_a_conflict_is_found_in_each_order_at_the_last_of_them(machines):
    exceptions = [exception(names, f"2027-0{index + 1}-28") for index, names in enumerate(machines)]
    for order in permutations(exceptions):
        found = places(order)
        assert found and all(path[0] == "exceptions" and path[2] == "control" for path in found)
        assert ("exceptions", str(len(order) - 1), "control") in found or len(order) > 2


@pytest.mark.parametrize(
    "exceptions",
    [
        [exception(["cp-1"]), exception(["cp-2"])],
        [exception([]), exception([], control="CIS 1.2.16")],
        [exception(["cp-1", "cp-2"]), exception(["cp-3"]), exception(["wk-1"])],
        [exception(["cp-1"]), exception([], control="KSPP")],
    ],
)
def test_exceptions_of_other_machines_or_controls_are_accepted_in_each_order(exceptions):
    for order in permutations(exceptions):
        assert places(order) == []
