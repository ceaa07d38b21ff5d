"""Copies of claims: what CDI could not begin with."""

from copy import deepcopy

import pytest
from conftest import changed
from diskvms import HTTP, with_disk

from core.model import parse
from core.model.claims import claims
from core.model.copies import copied, unready

GOLDEN = {"cpu": 1, "memory": "1Gi", "disk": {"size": "20Gi", "from": HTTP}}
COPY = {"size": "20Gi", "from": {"claim": {"name": "golden"}}}


def first(prod, **more):
    """The disk of db, which is a copy; more: edits of the stack file."""
    platform = parse(changed(with_disk(prod, disk=deepcopy(COPY)), {"vms.golden": deepcopy(GOLDEN), **more}))
    disk = claims(platform, "db")[0]
    return copied(disk), unready(platform, disk)


def test_a_copy_of_a_claim_that_a_vm_runs_with_can_not_begin(prod):
    assert first(prod) == (
        ("vms", "golden"),
        "is a copy of claim golden, with which VM golden runs; CDI copies no disk that is in use; write running: false "
        "for golden and run up, which makes the copy; then remove running",
    )


def test_a_copy_is_as_large_as_its_source(prod):
    assert first(prod, **{"vms.golden.disk.size": "20481Mi"})[1] == (
        "is to have 20Gi, and claim golden, which it is a copy of, has 20481Mi; its end would be missing, so CDI does "
        "not begin; write size: 20481Mi or more"
    )


@pytest.mark.parametrize(
    "edits",
    [
        {"vms.golden.running": False},
        {"vms.golden.running": False, "vms.golden.disk.size": "10Gi"},
        {"vms.golden.namespace": "images"},
        {"vms.db.disk": {"size": "1Gi", "from": HTTP}},
        {"vms.db.disk": {"claim": "golden"}, "vms.golden": None},
    ],
)
def test_any_other_disk_can_be_filled(prod, edits):
    assert first(prod, **edits)[1] is None


def test_a_claim_of_another_namespace_is_found_by_it(prod):
    edits = {"vms.golden.namespace": "images", "vms.db.disk.from.claim.namespace": "images"}
    key, why = first(prod, **edits)
    assert key == ("images", "golden") and "VM golden runs" in why
