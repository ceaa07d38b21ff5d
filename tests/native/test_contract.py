"""A contract checks, plans and lists what it declares; UNKNOWN is accepted anywhere, and no value is in a message."""

import gzip
import json
import subprocess
import sys

import pytest
from conftest import ROOT

from core.native import UNKNOWN, Contract, Input, Output
from core.native.contracts import CONTRACTS
from core.native.types import FLAG, TALOS_CLIENT, choice, mapping, number, text, text_mapping, texts, whole


def given(kind, **how):
    return Input(type=kind, doc="It.", why="it is needed", instead="write it", **how)


CONTRACT = Contract(
    token="bedplate-native:test:Thing",
    doc="A thing.",
    inputs={
        "name": given(text("a name"), replaces=True),
        "key": given(text(), secret=True),
        "seconds": given(number(1, 60), ignored_in_diff=True),
        "note": given(text(), required=False),
    },
    outputs={
        "found": Output(type=text(), doc="What was found.", kept=True),
        "token": Output(type=text(), doc="A token.", secret=True),
    },
)
# Types that came after that commit.
NEW = {
    "bedplate-native:kubernetes:GoldenImage",
    "bedplate-native:kubernetes:Kubeconfig",
    "bedplate-native:kubernetes:NodeSettings",
    "bedplate-native:kubernetes:VmDisk",
    "bedplate-native:metal:Journal",
}
GIVEN = {"name": "it", "key": "hunter2", "seconds": 9.0}


def test_a_contracts_lists_follow_from_its_declarations():
    assert CONTRACT.secret_inputs == ("key",) and CONTRACT.secrets == ("key", "token")
    assert CONTRACT.replaces == {"name"} and CONTRACT.ignored_in_diff == {"seconds"}


def test_declared_inputs_pass():
    assert CONTRACT.errors(GIVEN) == [] and CONTRACT.errors({**GIVEN, "note": "a"}) == []
    assert CONTRACT.errors(dict.fromkeys(CONTRACT.inputs, UNKNOWN)) == []
    assert CONTRACT.errors({**GIVEN, "note": None, "found": None}) == []


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"name": None}, "name", "is missing; it is needed; write it"),
        ({"name": ""}, "name", "is missing; it is needed; write it"),
        ({"name": 5.0}, "name", "is not a name; it is needed; write it"),
        ({"key": 5.0}, "key", "is not text; it is needed; write it"),
        ({"seconds": 61.0}, "seconds", "is not a number from 1 to 60; it is needed; write it"),
        ({"note": 5.0}, "note", "is not text; it is needed; write it"),
        (
            {"nmae": "hunter2"},
            "nmae",
            (
                "is not an input of bedplate-native:test:Thing; its provider would silently ignore it; "
                "remove it, or use one of name, key, seconds, note"
            ),
        ),
    ],
)
def test_other_inputs_are_refused(change, name, reason):
    (error,) = CONTRACT.errors({**GIVEN, **change})
    assert (error.property, error.reason) == (name, reason)


def test_a_plan_has_the_inputs_and_the_kept_outputs():
    assert CONTRACT.planned(GIVEN, None) == {**GIVEN, "found": UNKNOWN, "token": UNKNOWN}
    assert CONTRACT.planned(GIVEN, {"found": "a", "token": "b"}) == {**GIVEN, "found": "a", "token": UNKNOWN}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (text(), ["a"], ["", " ", 5, None, ["a"]]),
        (text("a name", "[a-z]+"), ["a"], ["A", "a b", "a\n"]),
        (choice("a", "b"), ["a"], ["c", None]),
        (number(0, 1), [0, 1, 0.5], [-1, 2, True, "1", None]),
        (whole(1, 5), [1, 5.0], [0, 6, 1.5, True]),
        (texts(), [["a"], ["a", UNKNOWN]], [[], "a", [1], None]),
        (texts(0), [[]], [{}]),
        (text_mapping(1), [{"a": "b"}, {"a": UNKNOWN}], [{}, {"a": 1}, ["a"]]),
        (mapping(), [{}, {"a": {"b": 1}}], [[], None]),
        (FLAG, [True, False], [0, 1, None, "true"]),
        (
            TALOS_CLIENT,
            [dict.fromkeys(("caCertificate", "clientCertificate", "clientKey"), each) for each in ("YQ==", UNKNOWN)],
            [
                {},
                "YQ==",
                {"caCertificate": "YQ=="},
                dict.fromkeys(("caCertificate", "clientCertificate", "clientKey"), "!"),
            ],
        ),
    ],
)
def test_each_type_accepts_and_refuses_values(kind, good, bad):
    assert [value for value in good if not kind.valid(value)] == []
    assert [value for value in bad if kind.valid(value)] == []


@pytest.mark.parametrize("token", CONTRACTS)
def test_no_message_contains_a_value(token):
    """The engine may print any message, so none may contain the invalid value."""
    contract = CONTRACTS[token]
    for wrong in ("hunter2\n", {"hunter2": 1}, ["hunter2", 5]):
        errors = contract.errors(dict.fromkeys(contract.inputs, wrong))
        assert "hunter2" not in "".join(error.reason for error in errors)


@pytest.mark.parametrize("token", CONTRACTS)
def test_every_message_has_its_parts(token):
    """What, why, and what to write instead."""
    contract = CONTRACTS[token]
    errors = contract.errors({})
    assert [error.property for error in errors] == [name for name, each in contract.inputs.items() if each.required]
    assert [error for error in errors if error.reason.count("; ") < 2] == []
    assert [name for name, each in contract.inputs.items() if not each.doc.endswith(".")] == []


def test_every_resource_type_has_one_contract():
    """The provider serves exactly the listed contracts, and every contract of a module is listed."""
    from core.native import cluster, kubernetes, machine, metal, storage
    from provider.resources import RESOURCES

    described = [
        value
        for module in (cluster, kubernetes, machine, metal, storage)
        for value in vars(module).values()
        if isinstance(value, Contract)
    ]
    assert sorted(contract.token for contract in described) == sorted(CONTRACTS)
    assert {token: resource.contract for token, resource in RESOURCES.items()} == CONTRACTS


# Optional inputs that came later: no resource that exists has them.
ADDED = {"accepted", "kernelArguments", "serials"}


def test_the_contracts_of_8d91f80():
    """Another secret, replacing or ignored input than in that commit would change existing resources."""
    recorded = json.loads((ROOT / "tests/native/contracts.json").read_text())
    now = {
        token: {
            "secrets": sorted(contract.secrets),
            "replaces": sorted(contract.replaces),
            "ignored": sorted(contract.ignored_in_diff - ADDED),
        }
        for token, contract in CONTRACTS.items()
    }
    assert {token: now[token] for token in recorded} == recorded
    assert now.keys() - recorded.keys() == NEW


# Outputs that a later release added. What reads them takes a state without them.
LATER = {"bedplate-native:talos:Identity": {"fingerprint", "matched"}}


@pytest.mark.parametrize(
    "state", sorted((ROOT / "tests/states").glob("rehearsed-*.json.gz")), ids=lambda file: file.name
)
def test_states_of_8d91f80_have_the_declared_inputs_and_outputs(state):
    """The inputs and outputs in recorded states are those of the contracts."""
    with gzip.open(state) as file:
        resources = json.load(file)["deployment"]["resources"]
    ours = [resource for resource in resources if resource["type"] in CONTRACTS]
    assert ours
    for resource in ours:
        contract = CONTRACTS[resource["type"]]
        required = {name for name, each in contract.inputs.items() if each.required}
        assert required <= resource["inputs"].keys() <= contract.inputs.keys()
        later = LATER.get(resource["type"], set())
        assert resource["outputs"].keys() == resource["inputs"].keys() | contract.outputs.keys() - later
        assert sorted(resource.get("additionalSecretOutputs") or []) == sorted(contract.secrets)


def test_a_contract_loads_no_pulumi():
    code = (
        "import sys, core.native.contracts; "
        "assert not {'pulumi', 'pydantic', 'yaml', 'grpclib', 'sushy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
