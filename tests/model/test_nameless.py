"""The keys of one entry where names belong are one fault, and not one for each key."""

import pytest
from conftest import changed

from core.model import StackFileError, parse

WORKLOAD = {"image": "registry.example.com/a/b:1", "namespace": "a"}


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("vms", ["cpu", "memory", "ports"]),
        ("machines", ["role", "address", "mac"]),
        ("workloads", ["image", "namespace"]),
        ("classes", ["role", "patches"]),
    ],
)
def test_keys_without_a_name_above_them_are_one_fault(dev, section, keys):
    entry = {"vms": dev["vms"]["web"], "machines": dev["machines"]["cp-1"], "workloads": WORKLOAD}.get(
        section, {"role": "worker", "patches": []}
    )
    with pytest.raises(StackFileError) as refused:
        parse({**dev, section: entry})
    [fault] = refused.value.faults
    assert fault.path == (section,) and fault.text.startswith("has ") and all(key in fault.text for key in keys)
    assert f"write the name above them: {section}: {{NAME: {{" in fault.text


@pytest.mark.parametrize("name", ["image", "memory", "role"])
def test_an_entry_may_have_the_name_of_a_key(dev, name):
    parse(changed(dev, {f"vms.{name}": {"ephemeral": True, "image": "quay.io/a/b:1", "cpu": 1, "memory": "1Gi"}}))
