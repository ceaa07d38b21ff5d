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
from core.machineconfig.differences import differences
from core.machineconfig.merge import LEGACY, merge
from core.machineconfig.sources import Source, base_sources, own_sources, sources
from core.model import Platform
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
            made.append(_without_patches(platform, name))
    return made


def _without_patches(platform: Platform, name: str) -> list[dict[str, Any]]:
    own = (*base_sources(platform, name), *own_sources(platform, name))
    return [*merge(source.document for source in own).documents.values()]


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
        # Two patches that Talos refuses, one of them before the last.
        wrong = ({"machine": {"install": [{"$patch": "delete"}]}}, {"machine": 1})
        documents = [*_bases(contract)[0], wrong[0], *(patches if of == contract else ()), wrong[1]]
        origins = Origins([Source(each, str(number)) for number, each in enumerate(documents)])
        merged = merge(documents)
        assert origins.documents == merged.documents and len(origins.states) == len(documents)
        assert origins.refused == {each.patch: each.problem for each in merged.refused} and origins.refused


MOVES = {
    "contract v1.12 to v1.13": ({"contract": "v1.12"}, {"contract": "v1.13"}, False),
    "contract v1.13 to v1.14": ({"contract": "v1.13"}, {"contract": "v1.14"}, True),
    "another Kubernetes": ({"kubernetes": "v1.35.3"}, {"kubernetes": "v1.35.4"}, False),
    "another Talos": ({"version": "v1.13.1"}, {"version": "v1.14.2"}, False),
}


@pytest.mark.parametrize("name", ["cp-1", "wk-1"])
@pytest.mark.parametrize("move", MOVES)
def test_a_move_restarts_the_same_machines_with_the_generators_base_and_without(move, name):
    """The gate and the maintenance turn have a machine's documents without the base, and drain what restarts."""
    *sides, reboots = MOVES[move]
    of = [list(sources(patched(**side), name)) for side in sides]
    own = [list(own_sources(patched(**side), name)) for side in sides]
    for before, after in (of, own):
        changed = differences(*(merge(source.document for source in side) for side in (before, after)))
        assert changed or not reboots
        assert any(each.reboots for each in changed) is reboots


@pytest.mark.engine
@pytest.mark.parametrize("case", EVASIONS)
def test_talos_own_merge_sees_the_same(case):
    contract, patches, *_ = EVASIONS[case]
    binary, release = CONTRACTS[contract]
    judge = Judge(binary)
    base = _without_patches(patched(contract=contract), "cp-1")
    assert judged(judge, [Stack(base, list(patches))], release) == Counter(same=1), json.dumps(patches)
    judge.end()
