"""What holds for every platform, not only for the two in the repository."""

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import platforms

from core.model import StackFileError, parse


@given(platforms())
def test_what_is_right_is_accepted(raw):
    assert parse(raw).name == raw["name"]


@given(platforms(), st.randoms(use_true_random=False))
def test_the_order_in_the_file_means_nothing(raw, rnd):
    assert _dump(parse(_shuffled(raw, rnd))) == _dump(parse(raw))


@given(platforms())
def test_parsing_leaves_its_input_alone(raw):
    before = copy.deepcopy(raw)
    parse(raw)
    assert raw == before


@given(platforms())
def test_a_platform_can_not_be_changed_afterwards(raw):
    platform = parse(raw)
    with pytest.raises(TypeError):
        platform.machines["new"] = None  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        platform.name = "other"  # type: ignore[misc]


@given(platforms())
def test_the_bootstrap_machine_stays_when_others_come(raw):
    """A machine whose name sorts first must not become the one that etcd is bootstrapped on."""
    platform = parse(raw)
    first = platform.first
    grown = copy.deepcopy(raw)
    grown["talos"].setdefault("bootstrap", first)
    network = platform.network.of(platform.machines[first].address)
    for n in (1, 2):
        grown["machines"][f"a0{n}"] = {
            "role": "controlplane",
            "address": str(network.network_address + 30 + n),
            "mac": f"52:54:00:00:01:0{n}",
            "install": {"disk": {"serial": f"NEW-{n}"}},
        }
    if sum(m["role"] == "controlplane" for m in grown["machines"].values()) <= 7:
        assert parse(grown).first == first


# Anything YAML can hold, in the shape of a stack file and out of it.
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300)
@given(platforms(), st.data())
def test_no_input_whatever_makes_anything_but_a_refusal(raw, data):
    """A traceback would report a defect of the program, where the file is at fault."""
    at: Any = raw
    for _ in range(data.draw(st.integers(1, 4))):
        keys = list(at) if isinstance(at, dict) and at else None
        if keys is None:
            break
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(at[key], dict):
            at[key] = data.draw(ANYTHING)
            break
        at = at[key]
    try:
        parse(raw)
    except StackFileError as refused:
        assert all(str(f).startswith("platform") and "\n" not in str(f) for f in refused.faults)


def _dump(platform: Any) -> Any:
    return list(_walk(platform.model_dump(mode="json")))


def _walk(value: Any, at: str = "") -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{at}.{key}")
    else:
        yield at, value


def _shuffled(value: Any, rnd: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(k, _shuffled(v, rnd)) for k, v in value.items()]
        rnd.shuffle(items)
        return dict(items)
    return value
