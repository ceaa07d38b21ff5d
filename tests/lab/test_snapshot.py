"""Which changes of the computer count as left by a lab."""

from lab import cgroups
from lab.snapshot import Snapshot


def test_a_cgroup_that_a_lab_left_is_reported_in_every_hierarchy(tmp_path):
    (tmp_path / "cpu" / "caller" / "bedplate-dev-aaaaaaaa" / "node").mkdir(parents=True)
    (tmp_path / "memory" / "bedplate-dev-aaaaaaaa").mkdir(parents=True)
    assert {path.removeprefix(f"{tmp_path}/") for path in cgroups.everywhere("dev-aaaaaaaa", tmp_path)} == {
        "cpu/caller/bedplate-dev-aaaaaaaa",
        "cpu/caller/bedplate-dev-aaaaaaaa/node",
        "memory/bedplate-dev-aaaaaaaa",
    }


def test_cgroups_of_another_checkouts_lab_do_not_count(tmp_path):
    (tmp_path / "cpu" / "bedplate-dev-bbbbbbbb" / "node").mkdir(parents=True)
    (tmp_path / "cpu" / "bedplate-prod-aaaaaaaa").mkdir()
    assert cgroups.everywhere("dev-aaaaaaaa", tmp_path) == set()


def test_additions_and_removals_are_reported():
    before, after = Snapshot(mounts={"/a", "/b"}), Snapshot(mounts={"/b", "/c"})
    assert before.difference(after) == {"mounts": {"new": ["/c"], "gone": ["/a"]}}


def test_a_changed_setting_of_the_machine_counts_if_no_other_lab_ran():
    before, after = Snapshot(sysctls={"kernel/panic=0"}), Snapshot(sysctls={"kernel/panic=10"})
    assert before.difference(after) == {"sysctls": {"new": ["kernel/panic=10"], "gone": ["kernel/panic=0"]}}
    assert before.difference(Snapshot(sysctls=after.sysctls, alone=False)) == {}
