"""What disks are filled from: addresses that show in plans, and disks that are copies of others."""

import pytest
from conftest import changed
from diskvms import CLASSES, HTTP, SHA

from core.model import StackFileError, parse

# In two parts, so that no scanner takes it for a token that is in use.
TOKEN = "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345"


def vm(source, **more):
    return {"cpu": 1, "memory": "1Gi", "disk": {"size": "1Gi", "from": source, **more}}


def read(raw, **vms):
    return parse(changed(raw, {"storage": {"classes": CLASSES, "default": "ceph-block"}, "vms": vms}))


@pytest.mark.parametrize(
    "source",
    [
        {"http": {"url": f"https://images.example.com/{TOKEN}/a.qcow2", "checksum": SHA}},
        {"http": {"url": f"https://images.example.com/a/{TOKEN}", "checksum": SHA}},
        {"s3": {"url": f"https://s3.example.com/{TOKEN}/a.qcow2"}},
        {"s3": {"url": "https://s3.example.com/images/AKIA" + "ABCDEFGHIJ012345"}},
    ],
)
def test_a_token_in_the_path_of_an_image_is_refused_and_not_shown(prod, source):
    with pytest.raises(StackFileError) as refused:
        read(prod, db=vm(source))
    (kind,) = source
    assert str(refused.value) == (
        f"platform.vms.db.disk.from.{kind}.url: contains a token; plans, states and logs show addresses in plain text; "
        "replace it where it is in use, and name a Secret with a login in secret"
    )


@pytest.mark.parametrize("url", ["https://a.example.com/b", "https://10.0.0.1:8443/images/token/api-key.qcow2"])
def test_the_address_of_a_file_is_accepted(prod, url):
    assert read(prod, db=vm({"http": {"url": url, "checksum": SHA}}))


def test_copies_that_begin_with_another_disk_are_accepted(prod):
    golden, a, b = vm(HTTP), vm({"claim": {"name": "golden"}}), vm({"claim": {"name": "a"}})
    elsewhere = vm({"claim": {"name": "c", "namespace": "images"}})
    assert read(prod, golden=golden, a=a, b=b, c=elsewhere)


def test_a_disk_beside_a_circle_of_copies_is_not_reported_with_it(prod):
    with pytest.raises(StackFileError) as refused:
        read(prod, a=vm({"claim": {"name": "b"}}), b=vm({"claim": {"name": "a"}}), c=vm({"claim": {"name": "a"}}))
    assert str(refused.value).count("\n") == 0 and "vms.c" not in str(refused.value)


def test_scratch_space_may_hold_what_may_go(prod):
    loose = {"cpu": 1, "memory": "1Gi", "disk": {"size": "1Gi", "from": HTTP, "class": "local-scratch", "keep": False}}
    assert parse(changed(prod, {"storage": {"local": {}}, "vms": {"db": loose}}))
