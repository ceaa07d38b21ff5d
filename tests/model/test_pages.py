"""Stack files that pages about VMs show are accepted as they stand, on a platform of the repository."""

import re

import pytest
import yaml
from conftest import ROOT, changed, stack_platform

from core.model import parse

STORAGE = {"classes": {"ceph-block": {"provisioner": "rook-ceph.rbd.csi.ceph.com"}}}


def shown(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize(
    ("page", "number", "stack"),
    [("first-vm.md", 0, "dev"), ("vms.md", 0, "prod"), ("vms.md", 1, "prod"), ("vms.md", 2, "prod")],
)
def test_what_a_page_shows_is_accepted(page, number, stack):
    sections = shown(page)[number]
    platform = parse(changed(stack_platform(stack), {"storage": STORAGE, **sections}))
    assert list(platform.vms) == list(sections["vms"])


def test_the_page_of_vlans_shows_one_stack_file_in_two_parts():
    network, vm = shown("vlan.md")
    platform = parse(changed(stack_platform("dev"), {**network, **vm}))
    assert list(platform.vms["shop"].nics) == list(platform.vm_networks)


def test_the_page_of_vms_sets_every_key_of_a_vm():
    (only,) = shown("vms.md")[0]["vms"].values()
    (named,) = parse(changed(stack_platform("prod"), {"storage": STORAGE, **shown("vms.md")[0]})).vms.values()
    keys = {field.alias or name for name, field in type(named).model_fields.items()}
    assert keys - set(only) == {"ephemeral", "image", "arch", "cloud_init"}
    assert {*keys - set(only)} <= set(re.findall(r"\w+", (ROOT / "docs" / "vms.md").read_text())) | {
        "arch",
        "cloud_init",
    }


@pytest.mark.parametrize(("page", "count"), [("first-vm.md", 1), ("vms.md", 3), ("vlan.md", 2)])
def test_every_stack_file_of_a_page_is_judged(page, count):
    assert len(shown(page)) == count
