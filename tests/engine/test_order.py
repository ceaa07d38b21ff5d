"""The rows of a plan are in the program's order, machine by machine."""

import itertools
import json

import pytest

pytestmark = pytest.mark.engine


def _rows(here):
    """Type and name of each row of a plan, in its order."""
    plan = json.loads(here.pulumi("preview", "--stack", "prod", "--json", network=False).stdout)
    urns = [step["urn"].split("::") for step in plan["steps"]]
    return [(kind.rpartition("$")[2], name) for *_, kind, name in urns]


def test_two_plans_list_their_rows_in_the_same_order_machine_by_machine(checkout):
    here = checkout("prod")
    rows = _rows(here)
    assert _rows(here) == rows
    machines = [name for kind, name in rows if kind == "bedplate:talos:Machine"]
    assert machines == [f"talos-{machine}" for machine in ("cp-1", "cp-2", "cp-3", "wk-1", "wk-2")]
    # A machine's Talos version depends on other machines, so its row comes after the last machine's rows.
    begun = [name for kind, name in rows if name in machines and kind != "bedplate-native:talos:Release"]
    assert [name for name, _ in itertools.groupby(begun)] == machines
