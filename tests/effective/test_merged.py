"""Whole effective configs of generated patches, compared with Talos' own merge."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from core.effective import effective
from core.effective.origins import Origins
from core.effective.section import at
from core.facts.versions import Minor
from core.machineconfig.merge import LEGACY, merge
from core.machineconfig.sources import Source, own_sources
from tests.effective.platforms import DELETE, document, patched
from tests.machineconfig.judge import Judge
from tests.machineconfig.shapes import reported
from tests.machineconfig.stacks import Stacks
from tests.machineconfig.test_merge import Stack, judged

STACKS = 5000
# Contract to the judge that knows it best, and that judge's release.
CONTRACTS: dict[str, tuple[str, Minor]] = {
    "v1.12": ("config-judge-v112", (1, 12)),
    "v1.13": ("config-judge", (1, 14)),
    "v1.14": ("config-judge", (1, 14)),
}


@pytest.fixture(scope="module", params=sorted(CONTRACTS))
def contract(request) -> Iterator[tuple[str, Judge, Minor]]:
    binary, release = CONTRACTS[request.param]
    judge = Judge(binary)
    yield request.param, judge, release
    judge.end()


@pytest.mark.engine
def test_thousands_of_patch_stacks_over_whole_configs_merge_as_talos_merges_them(contract):
    name, judge, release = contract
    bases = _bases(name)
    random = Stacks(reported(judge), seed=13)
    stacks = [Stack(bases[number % len(bases)], random.make()) for number in range(STACKS)]
    verdicts = Counter[str]()
    # A base is a long text: a few hundred questions at a time.
    for first in range(0, STACKS, 250):
        verdicts += judged(judge, stacks[first : first + 250], release)
    assert verdicts["same"] > 0.6 * STACKS, verdicts


def _bases(contract: str) -> list[list[dict[str, Any]]]:
    """The merged documents of a control plane and a worker of both stacks, without patches."""
    made = []
    for stack in ("dev", "prod"):
        platform = patched(contract=contract, stack=stack)
        for name in {spec.role: name for name, spec in platform.machines.items()}.values():
            made.append([*merge(source.document for source in own_sources(platform, name)).documents.values()])
    return made


# What passes rules that look at patches alone, and what is left of it in the config.
EVASIONS: dict[str, tuple[str, tuple[dict[str, Any], ...], tuple[str, str], tuple[str, ...], Any]] = {
    "a section deleted around Pod Security": (
        "v1.12", ({"cluster": {"apiServer": DELETE}},), LEGACY, ("cluster", "apiServer", "admissionControl"), None),
    "a section deleted around the audit policy": (
        "v1.12", ({"cluster": {"apiServer": DELETE}},), LEGACY, ("cluster", "apiServer", "auditPolicy"), None),
    "features deleted": (
        "v1.12", ({"machine": {"features": DELETE}},), LEGACY, ("machine", "features", "rbac"), None),
    "a zero over an open port": (
        "v1.12",
        ({"machine": {"kubelet": {"extraConfig": {"readOnlyPort": 10255}}}},
         {"machine": {"kubelet": {"extraConfig": {"readOnlyPort": 0}}}}),
        LEGACY, ("machine", "kubelet", "extraConfig", "readOnlyPort"), 10255),
    "a document that replaces its mapping": (
        "v1.14", (document("KubeNetworkConfig", podSubnets=["10.9.0.0/16"]),),
        ("KubeNetworkConfig", ""), ("podSubnets",), ["10.9.0.0/16"]),
    "authentication replaced": (
        "v1.14", (document("KubeAuthenticationConfig", configuration={"anonymous": {"enabled": True}}),),
        ("KubeAuthenticationConfig", ""), ("configuration", "anonymous"), {"enabled": True}),
    "an opened firewall": (
        "v1.14", (document("NetworkRuleConfig", name="apid", ingress=[{"subnet": "10.0.0.0/8"}]),),
        ("NetworkRuleConfig", "apid"), ("ingress",), [{"subnet": "10.0.0.0/8"}]),
    "a document deleted": (
        "v1.14", (document("KubeAuditPolicyConfig", **DELETE),),
        ("KubeAuditPolicyConfig", ""), ("configuration",), None),
}  # fmt: skip


@pytest.mark.parametrize("case", EVASIONS)
def test_what_passes_rules_on_patches_is_seen_in_the_config(case):
    contract, patches, key, path, left = EVASIONS[case]
    machine = effective(patched(*patches, contract=contract), "cp-1")
    assert at(machine.documents.get(key), *path) == left
    assert machine.origin(key, *path).startswith("platform.talos.patches[0]")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_states_of_a_config_end_with_its_merge(contract):
    """The origins are computed from the states, and everything else from the merge."""
    for of, patches, *_ in EVASIONS.values():
        documents = [*_bases(contract)[0], *(patches if of == contract else ())]
        origins = Origins([Source(each, str(number)) for number, each in enumerate(documents)])
        assert origins.documents == merge(documents).documents and len(origins.states) == len(documents)


@pytest.mark.engine
@pytest.mark.parametrize("case", EVASIONS)
def test_talos_own_merge_sees_the_same(case):
    contract, patches, *_ = EVASIONS[case]
    binary, release = CONTRACTS[contract]
    judge = Judge(binary)
    base = [*merge(source.document for source in own_sources(patched(contract=contract), "cp-1")).documents.values()]
    assert judged(judge, [Stack(base, list(patches))], release) == Counter(same=1), json.dumps(patches)
    judge.end()
