"""Parts of a platform in files of their own."""

import os
import socket

import pytest
import yaml

from core.model import StackFileError, included, parse


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    return write


def test_a_platform_is_the_same_in_one_file_and_in_several(prod, write, tmp_path):
    vms, workers = prod["vms"], {n: m for n, m in prod["machines"].items() if m["role"] == "worker"}
    split = {
        **prod,
        "vms": {},
        "machines": {n: m for n, m in prod["machines"].items() if n not in workers},
        "include": ["a/vms.yaml", "workers.yaml"],
    }
    write("a/vms.yaml", yaml.safe_dump({"vms": vms}))
    write("workers.yaml", yaml.safe_dump({"machines": workers}))
    one, several = parse(prod), parse(included(split, tmp_path))
    assert (several.vms, several.machines) == (one.vms, one.machines)


def test_including_leaves_its_input_alone(prod, write, tmp_path):
    write("vms.yaml", "vms: {more: {ephemeral: true, image: 'example.com/a/b:1', cpu: 1, memory: 1Gi}}")
    raw = {**prod, "include": ["vms.yaml"]}
    before = yaml.safe_dump(raw)
    assert "more" in included(raw, tmp_path)["vms"]
    assert yaml.safe_dump(raw) == before


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "/etc/passwd",
            None,
            "is not a path inside the checkout; a plan must be the same on every computer; "
            "write a path relative to the checkout, e.g. vms/team-a.yaml",
        ),
        (
            "../x.yaml",
            None,
            "is not a path inside the checkout; a plan must be the same on every computer; "
            "write a path relative to the checkout, e.g. vms/team-a.yaml",
        ),
        (
            5,
            None,
            "is not a path; it names a file with more of the platform; "
            "write a path relative to the checkout, e.g. vms/team-a.yaml",
        ),
        (
            "gone.yaml",
            None,
            "gone.yaml can't be read (No such file or directory); its machines, VMs and workloads would be missing; "
            "write the path of a YAML file in the checkout",
        ),
        (
            "bad.yaml",
            "vms: [\n",
            "bad.yaml:2: the file is not YAML: a bracket is not closed; nothing in it can be read reliably; "
            "correct this line or the one above it",
        ),
        (
            "list.yaml",
            "- a",
            "list.yaml:1: the file is not a mapping; only mappings by name can be combined without losing an entry; "
            "write machines: {…}, vms: {…} or workloads: {…} at its top level",
        ),
        (
            "more.yaml",
            "talos: {}",
            "more.yaml:1: platform.talos: does not belong into an included file, which may contain machines, vms, "
            "workloads; only mappings by name can be combined without losing an entry; "
            "write it in the stack file itself",
        ),
        (
            "twice.yaml",
            "vms: {erp: {}}",
            "twice.yaml:1: platform.vms.erp: is defined already, in the stack file; "
            "one of the two definitions would be lost; rename one of them, or remove it",
        ),
    ],
)
def test_a_file_that_can_not_be_put_in_is_refused(prod, write, tmp_path, name, text, says):
    if text is not None:
        write(name, text)
    with pytest.raises(StackFileError) as refused:
        included({**prod, "include": [name]}, tmp_path)
    assert str(refused.value) == (says if name and f"{name}:" in says else f"platform.include.0: {says}")


def _link(target):
    return lambda path: path.symlink_to(target)


def _linked_folder(path):
    path.parent.rmdir()
    path.parent.symlink_to("/etc")


def _socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_link("/etc/hosts"), "is not a path inside the checkout: teams/a.yaml is a symbolic link"),
        (_link("../vms.yaml"), "is not a path inside the checkout: teams/a.yaml is a symbolic link"),
        (_link("a.yaml"), "is not a path inside the checkout: teams/a.yaml is a symbolic link"),
        (_link("/dev/zero"), "is not a path inside the checkout: teams/a.yaml is a symbolic link"),
        (_linked_folder, "is not a path inside the checkout: teams is a symbolic link"),
        (os.mkfifo, "teams/a.yaml can't be read (it is not a regular file)"),
        (_socket, "teams/a.yaml can't be read (No such device or address)"),
        (lambda path: path.mkdir(), "teams/a.yaml can't be read (Is a directory)"),
        (lambda path: None, "teams/a.yaml can't be read (No such file or directory)"),
    ],
)
def test_an_include_is_a_regular_file_of_the_checkout(dev, tmp_path, monkeypatch, make, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vms.yaml").write_text("vms: {}", encoding="utf-8")
    (tmp_path / "teams").mkdir()
    make(tmp_path / "teams" / "a.yaml")
    with pytest.raises(StackFileError) as refused:
        included({**dev, "include": ["teams/a.yaml"]}, tmp_path)
    assert str(refused.value).startswith(f"platform.include.0: {says}; ")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a\0.yaml", "contains the character U+0000"),
        ("a\n.yaml", "contains the character U+000A"),
        ("a\u202e.yaml", "contains the character U+202E"),
        ("x" * 300 + ".yaml", "is longer than 255 characters"),
        ("a/" * 3000, "is longer than 255 characters"),
        ("..", "is not a path inside the checkout"),
        ("teams/../../x.yaml", "is not a path inside the checkout"),
        ("", "is not a path"),
        (None, "is not a path"),
        ({}, "is not a path"),
    ],
)
def test_an_include_is_named_by_a_path_of_the_checkout(dev, tmp_path, name, says):
    with pytest.raises(StackFileError) as refused:
        included({**dev, "include": [name]}, tmp_path)
    assert str(refused.value).startswith("platform.include.0: ") and says in str(refused.value)


def test_a_file_is_included_once(dev, tmp_path):
    (tmp_path / "a.yaml").write_text("vms: {}", encoding="utf-8")
    with pytest.raises(StackFileError, match=r"^platform\.include\.1: names a\.yaml again; "):
        included({**dev, "include": ["a.yaml", "a.yaml"]}, tmp_path)


def test_all_faults_of_all_included_files_are_told_at_once(dev, tmp_path):
    (tmp_path / "a.yaml").write_text("vms:\n  x: {cpu: 01}\n  x: {}\ntalos: {}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("vms: [\n", encoding="utf-8")
    with pytest.raises(StackFileError) as refused:
        included({**dev, "include": ["a.yaml", "b.yaml", "c.yaml", "/d.yaml"]}, tmp_path)
    assert [str(fault).split("; ")[0] for fault in refused.value.faults] == [
        "b.yaml:2: the file is not YAML: a bracket is not closed",
        "platform.include.2: c.yaml can't be read (No such file or directory)",
        "platform.include.3: is not a path inside the checkout",
        "a.yaml:4: platform.talos: does not belong into an included file, which may contain machines, vms, workloads",
        "a.yaml:3: platform.vms.x: is defined twice, before in line 2",
        "a.yaml:2: platform.vms.x.cpu: 01 starts with a zero",
    ]
