"""Where a lab's cgroups are, so that all of them can be taken away."""

from lab import cgroups


def test_every_hierarchy_counts_also_the_empty_version_2_beside_version_1(tmp_path):
    for name in ("memory", "systemd", "unified", "cpu"):
        (tmp_path / name).mkdir()
    proc = tmp_path / "self"
    proc.write_text("4:memory:/caller/one\n3:net_cls:/\n2:name=systemd:/\n1:cpu:/\n0::/\n")
    assert {str(path.relative_to(tmp_path)) for path in cgroups.own(tmp_path, proc)} == {
        "memory/caller/one",
        "systemd",
        "cpu",
        "unified",
    }


def test_on_version_2_a_lab_is_at_the_top(tmp_path):
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.own(tmp_path) == [tmp_path]


def test_removing_takes_children_first_and_tells_what_is_left(tmp_path):
    (tmp_path / "gone" / "child" / "grandchild").mkdir(parents=True)
    busy = tmp_path / "busy"
    (busy / "child").mkdir(parents=True)
    (busy / "child" / "process").touch()
    assert cgroups.remove([tmp_path / "gone", busy], seconds=0.2) == [busy]
    assert not (tmp_path / "gone").exists()
