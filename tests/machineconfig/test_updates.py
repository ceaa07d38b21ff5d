"""Whether the next config restarts a machine is seen in what the patches change of the base, and not in their words."""

import json

import pytest

from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.machineconfig.updates import changes, unrecorded
from tests.effective.platforms import DELETE, document, patched

# A patch that is added, and whether the machine restarts to take it; None where nothing changes.
ADDED = {
    "what the generator writes anyway": ({"machine": {"features": {"diskQuotaSupport": True}}}, None),
    "a count of 0": (
        {"machine": {"features": {"kubePrism": {"enabled": True, "port": 0}, "diskQuotaSupport": True}}},
        None,
    ),
    # Talos compares pointers, so a switch that is off is another config than one that is not set.
    "a switch off that is not set": ({"machine": {"features": {"apidCheckExtKeyUsage": False}}}, True),
    "a delete of what is not there": ({"machine": {"udev": DELETE}}, None),
    "a delete of an environment that is not there": ({"machine": {"env": DELETE}}, None),
    "a switch off that is on": ({"machine": {"features": {"diskQuotaSupport": False}}}, True),
    "a mapping around a switch that is on": ({"machine": {"features": {"apidCheckExtKeyUsage": True}}}, True),
    "a delete of what the generator writes": ({"machine": {"features": {"diskQuotaSupport": DELETE}}}, True),
    "a delete of the mapping around it": ({"machine": {"features": DELETE}}, True),
    "a file": ({"machine": {"files": [{"path": "/var/a", "op": "create", "content": "a", "permissions": 420}]}}, True),
    "a label": ({"machine": {"nodeLabels": {"a": "b"}}}, False),
    "a delete of a part of the cluster": ({"cluster": {"discovery": DELETE}}, False),
    "a document": (document("KmsgLogConfig", name="a", url="udp://10.0.0.1:514"), False),
}


def parts(*patch, contract="v1.13"):
    platform = patched(*patch, contract=contract)
    return {"base": base_texts(platform, "worker"), "documents": patches(platform, "wk-1")}


@pytest.mark.parametrize("case", ADDED)
def test_a_patch_restarts_a_machine_by_what_it_changes_of_the_whole_config(case):
    patch, reboots = ADDED[case]
    for before, after in ((parts(), parts(patch)), (parts(patch), parts())):
        found = changes(before, after)
        assert (any(each.reboots for each in found) if found else None) is reboots, found


@pytest.mark.parametrize("case", ADDED)
def test_a_state_without_a_base_is_compared_with_the_base_of_the_update(case):
    patch, reboots = ADDED[case]
    former = {"documents": parts()["documents"]}
    found = changes(former, parts(patch))
    assert (any(each.reboots for each in found) if found else None) is reboots, found
    assert changes(former, parts()) == [] and unrecorded(former) == {"base"} and unrecorded(parts()) == frozenset()


def test_another_base_is_a_change():
    base = [{"machine": {"type": "worker", "features": {"diskQuotaSupport": switch}}} for switch in (True, False)]
    one, other = ({"base": [json.dumps(each)], "documents": []} for each in base)
    (change,) = changes(one, other)
    assert (change.path, change.reboots) == ("machine.features.diskQuotaSupport", True)
