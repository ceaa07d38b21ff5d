"""The rules behind the SDK's own analyzer: what the engine really sends, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk

from policy.rules import RULES
from policy.rules.rule import Resource
from policy.rules.serve import decode, decode_once, policies
from tests.policy.cases import CASES
from tests.policy.good import GOOD
from tests.policy.support import RULE, Case, changed

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
VM = GOOD["vm"]


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PolicyAnalyzerServicer", "json_format", "deserialize_properties", "unknown_checking_proxy"):
        monkeypatch.setattr(sdk, name, getattr(sdk, name))
    assert decode_once()


def analyzer() -> Any:
    return sdk._PolicyAnalyzerServicer("bedplate", "0.1.0", policies(RULES), EnforcementLevel.MANDATORY)


def request(resource: Resource) -> Any:
    """As it comes off the wire: numbers are floats, and nothing is shared with Python objects."""
    urn = f"urn:pulumi:dev::bedplate::{resource.type}::{resource.name}"
    made = proto.AnalyzeRequest(type=resource.type, urn=urn, name=resource.name)
    made.properties.update(dict(resource.props))
    made.options.protect = resource.options.protect
    made.options.ignoreChanges.extend(resource.options.ignore_changes)
    if resource.options.provider:
        made.provider.type, made.provider.name = "pulumi:providers:kubernetes", resource.options.provider
        made.provider.properties.update({"kubeconfig": UNKNOWN})
    return proto.AnalyzeRequest.FromString(made.SerializeToString())


def violations(resource: Resource, serve: Any = None) -> list[tuple[str, str, int]]:
    reply = (serve or analyzer()).Analyze(request(resource), None)
    return [(d.policyName, d.message, d.enforcementLevel) for d in reply.diagnostics]


def one_case_of_each_rule() -> list[Case]:
    shown = [case for case in CASES if type(case.change) is dict]
    return list({case.rule: case for case in shown if RULE[case.rule].level != "opt-in"}.values())


@pytest.mark.parametrize("case", one_case_of_each_rule(), ids=lambda case: case.rule)
def test_a_violation_reaches_the_engine(case: Case, once: None) -> None:
    rule, resource = RULE[case.rule], changed(GOOD[case.subject], case.change)
    level = {"mandatory": proto.MANDATORY, "advisory": proto.ADVISORY}[rule.level]
    message = f"{rule.why}\n{resource}: {case.says}. Fix: {rule.remedy}"
    assert (case.rule, message, level) in violations(resource)


def test_the_memo_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    resources = [*GOOD.values(), *(changed(GOOD[c.subject], c.change) for c in one_case_of_each_rule()[::6])]
    resources = [resource for resource in resources if isinstance(resource.props, dict)]
    stock = [violations(resource) for resource in resources]
    for name in ("_PolicyAnalyzerServicer", "json_format", "deserialize_properties", "unknown_checking_proxy"):
        monkeypatch.setattr(sdk, name, getattr(sdk, name))
    assert decode_once()
    assert [violations(resource) for resource in resources] == stock
    assert any(stock)


def test_an_unknown_value_stops_a_mandatory_rule(once: None) -> None:
    """The SDK's own answer would be a note that an update passes over."""
    path = "spec.template.spec.domain.devices.interfaces"
    found = violations(changed(VM, {path: "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"}))
    assert [(name, level) for name, _, level in found] == [("vm-chooses-its-network", proto.MANDATORY)]
    assert f"{path} is not known in the plan, so it can't be judged" in found[0][1]


def test_a_stock_sdk_stops_at_an_unknown_value_too() -> None:
    found = violations(changed(VM, {"spec.runStrategy": UNKNOWN}))
    assert [(name, level) for name, _, level in found] == [("vm-says-when-it-runs", proto.MANDATORY)]


def test_numbers_arrive_as_floats(once: None) -> None:
    cilium = GOOD["cilium"]
    assert request(cilium).properties["values"]["k8sServicePort"] == 7445.0
    assert violations(cilium) == []
    assert [name for name, _, _ in violations(changed(cilium, {"values.k8sServicePort": 7446}))] == [
        "cilium-replaces-kube-proxy"
    ]


def test_a_secret_is_seen_as_one_and_its_value_is_not_shown(once: None) -> None:
    hidden = changed(GOOD["secret"], {"stringData": {**SECRET, "value": {"userdata": "hunter2"}}})
    assert violations(hidden) == []
    shown = violations(changed(GOOD["secret"], {"stringData": {"userdata": "hunter2"}}))
    assert [name for name, _, _ in shown] == ["secret-is-marked-secret"]
    assert "hunter2" not in shown[0][1]


@pytest.mark.parametrize(
    ("value", "plain", "hidden"),
    [
        ({**SECRET, "value": "x"}, "x", True),
        ({**SECRET, "value": {"a": {**SECRET, "value": "x"}}}, {"a": "x"}, True),
        ({"a": {**SECRET, "value": "x"}}, {"a": "x"}, True),
        ({"a": {**SECRET, "value": "x"}, "b": "y"}, {"a": "x", "b": "y"}, False),
        ([{**SECRET, "value": "x"}, UNKNOWN], ["x", UNKNOWN], True),
        (UNKNOWN, UNKNOWN, True),
        ("x", "x", False),
        (None, None, True),
        (True, True, False),
        (3, 3.0, False),
    ],
)
def test_decoding_unwraps_secrets_and_remembers_them(value: Any, plain: Any, hidden: bool) -> None:
    message = Struct()
    message.update({"it": value})
    assert decode(message) == ({"it": plain}, frozenset({"it"} if hidden else ()))


def test_a_rule_for_another_kind_counts_as_not_applicable(once: None) -> None:
    """Else a report would count it among the rules that passed."""
    reply = analyzer().Analyze(request(GOOD["namespace"]), None)
    skipped = {entry.policy_name for entry in reply.not_applicable}
    assert "vm-image-is-pinned" in skipped and "namespace-names-a-standard" not in skipped


def test_each_rule_can_be_set_for_a_stack(once: None) -> None:
    serve = analyzer()
    serve.Configure(
        proto.ConfigureAnalyzerRequest(
            policyConfig={
                "vm-image-has-digest": proto.PolicyConfig(enforcementLevel=proto.MANDATORY),
                "vm-image-is-pinned": proto.PolicyConfig(enforcementLevel=proto.DISABLED),
            }
        ),
        None,
    )
    loose = changed(VM, {"spec.template.spec.volumes[0].containerDisk.image": "fedora:latest"})
    assert [name for name, _, _ in violations(loose)] == ["vm-image-is-pinned"]
    assert [(name, level) for name, _, level in violations(loose, serve)] == [("vm-image-has-digest", proto.MANDATORY)]


def test_resources_at_the_same_time_are_not_mixed_up(once: None) -> None:
    serve = analyzer()
    good, bad = request(VM), request(changed(VM, {"spec.runStrategy": "Never"}))

    def judge(n: int) -> list[str]:
        return [d.policyName for d in serve.Analyze((good, bad)[n % 2], None).diagnostics]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(judge, range(200)))
    assert found == [[], ["vm-says-when-it-runs"]] * 100


def test_a_resource_is_decoded_once(once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    count = []
    monkeypatch.setattr("policy.rules.serve.decode", lambda message: count.append(1) or decode(message))
    analyzer().Analyze(request(VM), None)
    assert len(count) == 1


def test_what_no_rule_reads_is_not_decoded(once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.rules.serve.decode", lambda message: pytest.fail("decoded"))
    reply = analyzer().Analyze(proto.AnalyzeRequest(type="bedplate:talos:Talos", name="talos"), None)
    assert not reply.diagnostics


def test_outside_of_judging_the_sdk_decodes_as_ever(once: None) -> None:
    message = Struct()
    message.update({"a": 1})
    assert sdk.json_format.MessageToDict(message) == {"a": 1.0}
    assert type(sdk.deserialize_properties({"a": 1})) is dict


def test_another_sdk_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sdk, "deserialize_properties")
    before: Callable[..., Any] = sdk.unknown_checking_proxy
    assert decode_once() is False
    assert sdk.unknown_checking_proxy is before


def test_the_engine_is_told_what_each_rule_is() -> None:
    infos = {info.name: info for info in analyzer().GetAnalyzerInfo(None, None).policies}
    assert infos.keys() == RULE.keys()
    info = infos["pod-is-not-privileged"]
    assert info.severity == proto.POLICY_SEVERITY_CRITICAL
    assert (info.framework.version, info.framework.reference) == ("1.12", "5.2.2")
    assert list(info.tags) == ["CIS 5.2.2", "PSS baseline"] and info.remediation_steps == RULE[info.name].remedy
    assert infos["vm-image-has-digest"].enforcementLevel == proto.DISABLED
