"""What is held against a lab, and what is not."""

from lab import cgroups
from lab.snapshot import Snapshot


def test_a_cgroup_that_a_lab_leaves_is_seen_wherever_it_is(tmp_path):
    (tmp_path / "cpu" / "caller" / "bedplate-dev-aaaaaaaa" / "node").mkdir(parents=True)
    (tmp_path / "memory" / "bedplate-dev-aaaaaaaa").mkdir(parents=True)
    assert {path.removeprefix(f"{tmp_path}/") for path in cgroups.everywhere("dev-aaaaaaaa", tmp_path)} == {
        "cpu/caller/bedplate-dev-aaaaaaaa",
        "cpu/caller/bedplate-dev-aaaaaaaa/node",
        "memory/bedplate-dev-aaaaaaaa",
    }


def test_what_another_checkouts_lab_has_is_not_held_against_it(tmp_path):
    (tmp_path / "cpu" / "bedplate-dev-bbbbbbbb" / "node").mkdir(parents=True)
    (tmp_path / "cpu" / "bedplate-prod-aaaaaaaa").mkdir()
    assert cgroups.everywhere("dev-aaaaaaaa", tmp_path) == set()


def test_what_came_and_what_went_is_told():
    before, after = Snapshot(mounts={"/a", "/b"}), Snapshot(mounts={"/b", "/c"})
    assert before.difference(after) == {"mounts": {"new": ["/c"], "gone": ["/a"]}}


def test_a_setting_of_the_machine_is_held_against_a_lab_that_was_alone():
    before, after = Snapshot(sysctls={"kernel/panic=0"}), Snapshot(sysctls={"kernel/panic=10"})
    assert before.difference(after) == {"sysctls": {"new": ["kernel/panic=10"], "gone": ["kernel/panic=0"]}}
    assert before.difference(Snapshot(sysctls=after.sysctls, alone=False)) == {}
