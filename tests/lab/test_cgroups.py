"""Where a lab's cgroups are, so that all of them can be removed."""

from lab import cgroups


def test_a_lab_has_a_cgroup_in_every_hierarchy_also_in_an_empty_version_2(tmp_path):
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


def test_on_version_2_a_labs_cgroup_is_at_the_root(tmp_path):
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.own(tmp_path) == [tmp_path]


def test_cgroups_are_removed_children_first_and_those_that_are_left_are_returned(tmp_path):
    (tmp_path / "gone" / "child" / "grandchild").mkdir(parents=True)
    busy = tmp_path / "busy"
    (busy / "child").mkdir(parents=True)
    (busy / "child" / "process").touch()
    assert cgroups.remove([tmp_path / "gone", busy], seconds=0.2) == [busy]
    assert not (tmp_path / "gone").exists()


def test_a_lab_gets_the_processors_time_of_several_processes(tmp_path, monkeypatch):
    for hierarchy, file in (("cpu", "cpu.shares"), ("unified", "cpu.weight"), ("memory", "memory.usage_in_bytes")):
        (tmp_path / hierarchy).mkdir()
        (tmp_path / hierarchy / file).write_text("1")
    monkeypatch.setattr(cgroups, "of_lab", lambda identity: [*tmp_path.iterdir(), tmp_path / "absent"])
    cgroups.weigh("dev")
    assert (tmp_path / "cpu/cpu.shares").read_text() == "8192\n"
    assert (tmp_path / "unified/cpu.weight").read_text() == "800\n"
    assert [file.name for file in (tmp_path / "memory").iterdir()] == ["memory.usage_in_bytes"]
