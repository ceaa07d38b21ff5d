"""What is held against a lab, and what is not."""

from lab.cleanup import Snapshot


def test_a_cgroup_that_a_lab_leaves_is_seen():
    before, after = Snapshot(), Snapshot(cgroups={"/sys/fs/cgroup/cpu/bedplate-dev/node"})
    assert before.difference(after, "dev") == {"cgroups": {"new": ["/sys/fs/cgroup/cpu/bedplate-dev/node"], "gone": []}}


def test_what_another_lab_takes_along_or_brings_is_not_held_against_it():
    before = Snapshot(cgroups={"/sys/fs/cgroup/cpu/bedplate-pytest-1", "/sys/fs/cgroup/cpu/system"})
    after = Snapshot(cgroups={"/sys/fs/cgroup/cpu/bedplate-prod/x", "/sys/fs/cgroup/cpu/system"})
    assert before.difference(after, "dev") == {}
    assert before.difference(after) != {}


def test_something_of_nobodys_that_goes_is_seen():
    before = Snapshot(cgroups={"/sys/fs/cgroup/cpu/system"})
    assert before.difference(Snapshot(), "dev") == {"cgroups": {"new": [], "gone": ["/sys/fs/cgroup/cpu/system"]}}
