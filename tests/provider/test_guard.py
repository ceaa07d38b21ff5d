"""What a plan refuses to do at once."""

import pytest

from resources import RESOURCES

GUARD = RESOURCES["bedplate-native:talos:Guard"]
PLANES = {f"cp-{n}": f"10.0.0.{n}" for n in (1, 2, 3)}
BEFORE = {"platform": "prod", "contract": "v1.12", "talos": "v1.13.2", "kubernetes": "v1.35.4", "controlplanes": PLANES}


def wrong(**changed):
    return [f"{w.property}: {w.reason}" for w in GUARD.check({**BEFORE, **changed}, BEFORE)]


@pytest.mark.parametrize("changed", [
    {}, {"talos": "v1.13.9"}, {"talos": "v1.14.0"}, {"kubernetes": "v1.36.0"}, {"kubernetes": "v1.35.5"},
    {"controlplanes": {**PLANES, "cp-4": "10.0.0.4", "cp-5": "10.0.0.5"}},
    {"controlplanes": {**PLANES, "cp-2": "10.0.0.22"}},
    {"controlplanes": {"cp-1": "10.0.0.1", "cp-2": "10.0.0.2", "cp-4": "10.0.0.4"}},
])  # fmt: skip
def test_one_step_at_a_time_passes(changed):
    assert wrong(**changed) == []


@pytest.mark.parametrize(("changed", "text"), [
    ({"talos": "v1.12.9"}, "talos: talos.version goes from v1.13.2 back to v1.12.9; what the newer one wrote, the older may not read; write v1.13.2 or a newer one"),
    ({"talos": "v1.13.1"}, "talos: talos.version goes from v1.13.2 back to v1.13.1; what the newer one wrote, the older may not read; write v1.13.2 or a newer one"),
    ({"talos": "v1.15.0"}, "talos: talos.version goes from v1.13.2 to v1.15.0 and leaves out a minor; each one migrates for the next alone; write the last of v1.14 first"),
    ({"kubernetes": "v1.34.9"}, "kubernetes: talos.kubernetes goes from v1.35.4 back to v1.34.9; what the newer one wrote, the older may not read; write v1.35.4 or a newer one"),
    ({"kubernetes": "v1.37.0"}, "kubernetes: talos.kubernetes goes from v1.35.4 to v1.37.0 and leaves out a minor; each one migrates for the next alone; write the last of v1.36 first"),
    ({"contract": "v1.13"}, "contract: goes from v1.12 to v1.13; the cluster's secrets were made for v1.12, and others would lock it out; write v1.12"),
    ({"controlplanes": {"cp-1": "10.0.0.1"}}, "controlplanes: cp-2 and cp-3 would go or move at once; etcd has 3 votes, and losing more than one at a time can lose all its data; change one, run up, see it healthy (talosctl etcd status), then the next"),
    ({"controlplanes": {**PLANES, "cp-1": "10.0.0.11", "cp-2": "10.0.0.12"}}, "controlplanes: cp-1 and cp-2 would go or move at once; etcd has 3 votes, and losing more than one at a time can lose all its data; change one, run up, see it healthy (talosctl etcd status), then the next"),
])  # fmt: skip
def test_what_can_not_be_undone_is_refused(changed, text):
    assert wrong(**changed) == [text]


def test_all_of_it_is_told_at_once():
    assert len(wrong(talos="v1.12.0", kubernetes="v1.37.0", contract="v1.11", controlplanes={})) == 4


def test_a_first_plan_has_nothing_to_compare():
    assert GUARD.check(BEFORE) == []
