"""Values of the chart: those of the stack file beside those of Bedplate, and never in their place."""

import pytest
from conftest import changed, stack_platform
from hypothesis import given
from strategies import platforms

from core.facts.cilium_values import OWNED
from core.manifests import cilium
from core.model import StackFileError, parse

# Set by Bedplate, and free to be set by a stack file, because nothing depends on the numbers.
FREE = {"k8sClientRateLimit.qps", "k8sClientRateLimit.burst"}


def leaves(value, path=""):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}".removeprefix("."))
    else:
        yield path


@given(platforms())
def test_every_value_of_bedplate_is_its_own(raw):
    """A value that is set here and not listed there could be set twice."""
    raw["cilium"].pop("values", None)
    for path in leaves(cilium.values(parse(raw))):
        assert path in FREE or any(path == owned or path.startswith(f"{owned}.") for owned in OWNED), path


def test_values_of_the_stack_file_stand_beside_ours():
    raw = changed(
        stack_platform("prod"),
        {
            "cilium.values": {
                "bpf": {"masquerade": True},
                "hubble": {"ui": {"enabled": True}},
                "pmtuDiscovery": {"enabled": True},
            }
        },
    )
    before, after = cilium.values(parse(stack_platform("prod"))), cilium.values(parse(raw))
    assert after["bpf"] == {"masquerade": True}
    assert after["pmtuDiscovery"] == {"enabled": True}
    assert after["hubble"] == {**before["hubble"], "ui": {"enabled": True}}
    assert {key: after[key] for key in before if key != "hubble"} == {
        key: before[key] for key in before if key != "hubble"
    }


def test_limits_may_be_raised():
    raw = changed(stack_platform("prod"), {"cilium.values": {"k8sClientRateLimit": {"qps": 200, "burst": 400}}})
    assert cilium.values(parse(raw))["k8sClientRateLimit"] == {"qps": 200, "burst": 400}


@pytest.mark.parametrize("owned", OWNED)
def test_no_value_of_ours_can_be_set(owned):
    value = "x"
    for key in reversed(owned.split(".")):
        value = {key: value}
    with pytest.raises(StackFileError, match=f"is set by {OWNED[owned]}"):
        parse(changed(stack_platform("prod"), {"cilium.values": value}))
