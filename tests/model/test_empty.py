"""A section with nothing beneath it means that nothing is set: its last entry was commented out."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from conftest import KEY, changed, stack_platform

from core.loading import stackfile
from core.model import Platform, StackFileError, parse
from core.model.empty import without_empty_sections
from tests.diskvms import EPHEMERAL

SECTIONS = [
    *("vms", "workloads", "classes", "registries", "exceptions", "include", "boot", "kubevirt"),
    *("talos.schematic", "talos.patches", "talos.sysctls", "talos.firewall", "talos.trusted_roots"),
    *("machines.cp-1.labels", "machines.cp-1.taints", "machines.cp-1.volumes", "machines.cp-1.nics"),
    "vms.web.ports",
    "vms.web.ssh_keys",
]


def without(raw, path):
    """The platform without the key at a path, and the same with the key and nothing beneath it."""
    lacking, empty = (changed(raw, {"vms": None} if path == "kubevirt" else {}) for _ in range(2))
    *above, key = path.split(".")
    for each in (lacking, empty):
        at = each
        for part in above:
            at = at.setdefault(part, {})
        at.pop(key, None)
        if each is empty:
            at[key] = None
    return lacking, empty


@pytest.mark.parametrize("path", SECTIONS)
def test_an_empty_section_sets_nothing(dev, path):
    lacking, empty = without(dev, path)
    try:
        expected = parse(lacking)
    except StackFileError:
        pytest.fail(f"{path} is no key of this platform")
    assert parse(empty) == expected


@pytest.mark.parametrize("path", ["network", "talos", "machines", "cilium", "machines.cp-1.install"])
def test_an_empty_section_that_is_required_is_missing_and_nothing_else(dev, path):
    _, empty = without(dev, path)
    with pytest.raises(StackFileError) as refused:
        parse(empty)
    assert [(".".join(fault.path), fault.text.split(";")[0]) for fault in refused.value.faults] == [
        (path, "is missing")
    ]


@pytest.mark.parametrize(
    ("path", "edits"),
    [
        *(("vms.web.cpu", {}), ("vms.web.memory", {}), ("vms.web.image", EPHEMERAL)),
        *(("machines.cp-1.address", {}), ("cilium.version", {})),
    ],
)
def test_a_single_value_that_is_missing_is_a_fault(dev, path, edits):
    _, empty = without(changed(dev, edits), path)
    with pytest.raises(StackFileError) as refused:
        parse(empty)
    assert [".".join(fault.path) for fault in refused.value.faults] == [path]


def test_what_means_something_without_a_value_stays(dev):
    raw = {**dev, "cilium": {"version": "1.19.6", "chart": "./charts/cilium", "repository": None}}
    assert without_empty_sections(raw, Platform)["cilium"] == raw["cilium"]


def test_an_empty_section_of_a_machine_leaves_its_classs(dev):
    raw = changed(dev, {"classes.c": {"labels": {"a": "b"}}, "machines.cp-1.class": "c"})
    raw["machines"]["cp-1"]["labels"] = None
    assert parse(raw).machines["cp-1"].labels == {"a": "b"}


@pytest.mark.parametrize("text", ["vms:\n", "machines:\nvms:\nworkloads:\n", "vms: {}\n", "", "# later\n", "---\n"])
def test_an_included_file_may_set_nothing(tmp_path: Path, text: str):
    raw = {**stack_platform("dev"), "include": ["a.yaml"]}
    (tmp_path / "Pulumi.x.yaml").write_text(yaml.safe_dump({"config": {KEY: raw}}), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    platform = stackfile.load(tmp_path / "Pulumi.x.yaml", root=tmp_path, today=date(2026, 11, 1))
    assert list(platform.vms) == ["web"]


def test_an_empty_section_of_the_stack_file_takes_what_an_included_file_has(tmp_path: Path):
    raw = stack_platform("dev")
    text = yaml.safe_dump({"config": {KEY: {**raw, "vms": None, "include": ["a.yaml"]}}})
    (tmp_path / "Pulumi.x.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"vms": raw["vms"]}), encoding="utf-8")
    platform = stackfile.load(tmp_path / "Pulumi.x.yaml", root=tmp_path, today=date(2026, 11, 1))
    assert list(platform.vms) == ["web"]
