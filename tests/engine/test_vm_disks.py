"""VMs with disks of their own, planned by the real engine with its policies."""

import pytest

from tests.diskvms import HTTP

pytestmark = pytest.mark.engine

DISKS = {"vms.web.disk.from": HTTP, "vms.web.disks": {"data": {"size": "100Gi"}}}


def test_a_first_plan_shows_the_disks_and_passes_its_policies(checkout):
    here = checkout("dev")
    here.edit("dev", DISKS)
    shown = here.preview("dev", network=False)
    assert "warning" not in (shown.stdout + shown.stderr).lower()
    made = {urn.rpartition("$")[2]: inputs for urn, inputs in here.plan("dev", network=False).items()}
    volume = made["kubernetes:cdi.kubevirt.io/v1beta1:DataVolume::vm-web/root"]
    assert volume["spec"]["source"] == HTTP and volume["spec"]["storage"]["storageClassName"] == "local"
    assert "kubernetes:cdi.kubevirt.io/v1beta1:DataVolume::vm-web/data" in made
    filled = made["bedplate-native:kubernetes:VmDisk::vm-web/root"]
    assert (filled["size"], filled["keep"], filled["grows"]) == ("20Gi", True, False)
