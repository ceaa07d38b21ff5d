"""What must contain for any data: no rule fails on it, and no message shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.rules import RULES
from policy.rules.field import DELETED, UNKNOWN, Field, UnjudgeableField
from policy.rules.patches import merge
from policy.rules.rule import Inputs, Options, Resource, Rule
from tests.policy.cases import CASES
from tests.policy.good import GOOD
from tests.policy.support import changed

CANARY = "canary-7f3e9b1c"
STAND_INS = UNKNOWN.pattern.split("|")
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Types that between them make every rule apply.
TOKENS = [
    *sorted({resource.type for resource in GOOD.values()}),
    "kubernetes:yaml/v2:ConfigGroup",
    "kubernetes:kubevirt.io/v1:VirtualMachineInstance",
    "kubernetes:pool.kubevirt.io/v1alpha1:VirtualMachinePool",
    "command:local:Command",
    "talos:machine/bootstrap:Bootstrap",
    "bedplate-native:talos:Bootstrap",
    "kubernetes::",
    "",
]


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in _keys(part)}
    if isinstance(value, list):
        return {key for part in value for key in _keys(part)}
    return set()


KEYS = sorted(
    {key for resource in GOOD.values() for key in _keys(dict(resource.props))}
    | {key for case in CASES for path in case.change for key in path.replace("[", ".").split(".") if key}
)
leaves = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(STAND_INS)
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def raw(rule: Rule, resource: Resource) -> None:
    """The check itself, without the net that `complaints` contains under it."""
    if rule.applies(resource.type):
        try:
            for _ in rule.check(resource):
                pass
        except UnjudgeableField:
            pass


@QUICK
@given(st.sampled_from(TOKENS), st.dictionaries(st.sampled_from(KEYS), documents, max_size=4))
def test_no_data_makes_a_rule_fail(token: str, props: dict[str, Any]) -> None:
    for rule in RULES:
        raw(rule, Resource(type=token, name="x", props=props))


@QUICK
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_damage_to_a_good_object_makes_a_rule_fail(subject: str, data: st.DataObject) -> None:
    """Random data rarely gets deep; an object that complies gets a wrong value at one of its own places."""
    resource = GOOD[subject]
    places = list(_places(dict(resource.props)))
    props = _replaced(dict(resource.props), data.draw(st.sampled_from(places)), data.draw(documents)) if places else {}
    if not isinstance(props, dict):
        return
    for rule in RULES:
        raw(rule, Resource(type=resource.type, name="x", props=props, options=resource.options))


@QUICK
@given(st.lists(documents.map(json.dumps) | documents | st.text(max_size=20), max_size=4))
def test_no_patches_make_a_rule_fail(patches: list[Any]) -> None:
    resource = Resource(type=GOOD["machine"].type, name="m", props={"configPatches": patches})
    for rule in RULES:
        raw(rule, resource)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in children for place in _places(part, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


def _haunted(value: Any) -> Any:
    """Every text and number a canary, and every key that isn't a word of the schema."""
    if isinstance(value, dict):
        return {**{key: _haunted(part) for key, part in value.items()}, f"{CANARY}-key": CANARY}
    if isinstance(value, list):
        return [*(_haunted(part) for part in value), CANARY]
    if isinstance(value, str) and _is_document(value):
        return json.dumps(_haunted(json.loads(value)))
    return value if isinstance(value, bool) or value is None else f"{CANARY}{value}"


def _scarce(value: Any) -> Any:
    """The same with structure kept: lists hold nothing new, so that nothing fails early for its type."""
    if isinstance(value, dict):
        return {key: _scarce(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_scarce(part) for part in value]
    if isinstance(value, str) and _is_document(value):
        return json.dumps(_scarce(json.loads(value)))
    return f"{value}{CANARY}" if isinstance(value, str) else value


@pytest.mark.parametrize("spread", [_haunted, _scarce])
def test_no_message_shows_a_value(spread: Any) -> None:
    """The engine sends secrets decrypted, and violations end up in logs."""
    judged = 0
    for resource in [*GOOD.values(), *(changed(GOOD[case.subject], case.change) for case in CASES)]:
        props = spread(dict(resource.props))
        inputs = Inputs(lambda props=props: (props, frozenset()))
        # A provider's name is no input, and the object's own name is what messages are for.
        haunted = Resource(type=resource.type, name="x", props=inputs, options=Options(provider=CANARY))
        for rule in RULES:
            for message in rule.complaints(haunted):
                judged += 1
                assert CANARY not in message.removeprefix(f"{haunted}: "), (rule.name, message)
    assert judged > 500


def _is_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict) and len(text) < 10_000
    except (ValueError, RecursionError):
        return False


def test_an_odd_name_is_not_shown_either() -> None:
    resource = Resource(
        type="kubernetes:core/v1:Namespace", name="ns", props={"metadata": {"name": f"pass word {CANARY}"}}
    )
    assert [m for rule in RULES for m in rule.complaints(resource) if CANARY in m] == []
    assert str(resource) == "Namespace/ns"


def test_a_resource_does_not_show_its_inputs() -> None:
    """It stands in tracebacks and in failed assertions."""
    assert CANARY not in repr(Resource(type="t", name="n", props={"a": CANARY}))


@QUICK
@given(documents, documents)
def test_a_later_patch_wins(first: Any, second: Any) -> None:
    """A leaf of the last patch is in the merged configuration, whatever came before."""
    patches = [json.dumps({"machine": {"x": part}}) for part in (first, second)]
    config = merge(Field({"p": patches})["p"])
    if not config.faults and isinstance(second, bool | float):
        assert config.legacy["machine"]["x"] == second


@pytest.mark.parametrize(
    ("patches", "merged"),
    [
        ([{"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}], {"a": {"x": 1, "y": 3}}),
        ([{"a": [1]}, {"a": [2]}], {"a": [1, 2]}),
        ([{"a": 1}, {"a": None}], {"a": 1}),
        ([{"a": "x"}, {"a": ""}], {"a": "x"}),
        ([{"a": "x"}, {"a": False}], {"a": False}),
        ([{"a": {"x": 1}}, {"a": {"$patch": "delete"}}], {"a": DELETED}),
        ([{"a": {"$patch": "delete"}}, {"a": {"x": 1}}], {"a": {"x": 1}}),
    ],
)
def test_patches_merge_as_talos_does(patches: list[Any], merged: Any) -> None:
    assert merge(Field([json.dumps(patch) for patch in patches])).legacy == merged


def test_documents_merge_by_kind_and_name() -> None:
    patches = [
        {"kind": "V", "name": "a", "x": 1},
        {"kind": "V", "name": "b", "x": 2},
        {"kind": "V", "name": "a", "y": 3},
    ]
    config = merge(Field([json.dumps(patch) for patch in patches]))
    assert config.documents == {
        ("V", "a"): {"kind": "V", "name": "a", "x": 1, "y": 3},
        ("V", "b"): {"kind": "V", "name": "b", "x": 2},
    }


def test_a_user_s_own_last_patch_is_what_counts() -> None:
    fix = json.dumps({"machine": {"features": {"rbac": True}}})
    broken = json.dumps({"machine": {"features": {"rbac": False}}})
    rule = next(rule for rule in RULES if rule.name == "talos-authorizes-its-api")
    machine = GOOD["machine"]
    assert list(rule.complaints(changed(machine, {"configPatches": [fix, broken]})))
    assert not list(rule.complaints(changed(machine, {"configPatches": [broken, fix]})))
