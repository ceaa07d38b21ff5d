"""What a patch may contain, compared with what Talos' own code reads."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from core.facts.document_fields import SHAPES, problems
from core.facts.versions import Minor
from tests.machineconfig.judge import Judge
from tests.machineconfig.shapes import lines, reported
from tests.machineconfig.stacks import BASE, Stacks

RELEASES: dict[str, Minor] = {"config-judge-v112": (1, 12), "config-judge": (1, 14)}
PATCHES = 1000

WRONG = {
    "a misspelt section": ({"machin": {}}, "machin: is not a field that Talos 1.14 has | did you mean machine?"),
    "a misspelt field": ({"machine": {"kubelett": {}}}, "machine.kubelett: is not a field that Talos 1.14 has"),
    "a field in the wrong section": ({"cluster": {"kubelet": {}}}, "cluster.kubelet: is not a field"),
    "a number for a section": ({"machine": 3}, "machine: is a number, and Talos takes a mapping here | write {…}"),
    "a text for a section": ({"cluster": "x"}, "cluster: is a text, and Talos takes a mapping here"),
    "a list for a section": ({"machine": []}, "machine: is a list, and Talos takes a mapping here"),
    "a mapping for a list": (
        {"cluster": {"network": {"podSubnets": {"a": "b"}}}},
        "cluster.network.podSubnets: is a mapping, and Talos takes a list here | write […]",
    ),
    "a text for a list": ({"machine": {"certSANs": "a"}}, "machine.certSANs: is a text, and Talos takes a list here"),
    "a text for a number": (
        {"machine": {"features": {"kubePrism": {"port": "7445"}}}},
        "machine.features.kubePrism.port: is a text, and Talos takes a whole number here",
    ),
    "a number below zero": (
        {"apiVersion": "v1alpha1", "kind": "LinkConfig", "name": "a", "mtu": -1},
        "mtu: is a number, and Talos takes a whole number from 0 on here",
    ),
    "a text for a switch": (
        {"machine": {"features": {"rbac": "yes"}}},
        "machine.features.rbac: is a text, and Talos takes true or false here",
    ),
    "a mapping for a text": ({"cluster": {"clusterName": {}}}, "cluster.clusterName: is a mapping"),
    "an unknown field in a list": (
        {"machine": {"files": [{"paht": "x"}]}},
        "machine.files.0.paht: is not a field that Talos 1.14 has | did you mean path?",
    ),
    "an unknown field of a document": (
        {"apiVersion": "v1alpha1", "kind": "VolumeConfig", "name": "EPHEMERAL", "size": 1},
        "size: is not a field",
    ),
    "another apiVersion": (
        {"apiVersion": "v1", "kind": "VolumeConfig", "name": "EPHEMERAL"},
        "apiVersion: is not v1alpha1, the only one that Talos has | write v1alpha1",
    ),
    "no apiVersion": ({"kind": "HostnameConfig", "hostname": "a"}, "apiVersion: is not v1alpha1"),
    "no name": ({"apiVersion": "v1alpha1", "kind": "LinkConfig"}, ": has no name, and each LinkConfig has one"),
    "an empty name": ({"apiVersion": "v1alpha1", "kind": "LinkConfig", "name": ""}, ": has no name"),
    "a document and fields in one": (
        {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "machine": {}},
        "machine: stands in a document of kind HostnameConfig | write machine: in a patch of its own",
    ),
    "another word than delete": (
        {"machine": {"env": {"$patch": "replace"}}},
        "machine.env.$patch: is something other than delete",
    ),
}
RIGHT = {
    "a delete of a list": {"machine": {"udev": {"rules": {"$patch": "delete"}}}},
    "a delete of a text": {"cluster": {"clusterName": {"$patch": "delete"}}},
    "a delete of an element": {"machine": {"files": [{"$patch": "delete", "path": "/var/a"}]}},
    "a number for a text": {"machine": {"sysctls": {"vm.swappiness": 10}}},
    "a switch for a text": {"machine": {"nodeLabels": {"a": True}}},
    "nothing": {"machine": None},
    "free content": {"machine": {"kubelet": {"extraConfig": {"any": [{"thing": 1}]}}}},
    "a whole number with a point": {"machine": {"features": {"kubePrism": {"port": 7445.0}}}},
    "a kind that is judged elsewhere": {"apiVersion": "v1alpha1", "kind": "Unknown", "any": 1},
}


def said(patch: Mapping[str, Any], release: Minor = (1, 14)) -> list[str]:
    return [f"{'.'.join(each.path)}: {each.what} | {each.instead}" for each in problems(patch, release)]


@pytest.mark.parametrize("case", WRONG)
def test_what_talos_cant_read_is_one_line_with_the_place(case):
    patch, text = WRONG[case]
    (line,) = said(patch)
    assert text in line


@pytest.mark.parametrize("case", RIGHT)
def test_what_talos_reads_is_not_refused(case):
    assert said(RIGHT[case]) == []


def test_a_release_has_its_own_fields():
    volume = {"apiVersion": "v1alpha1", "kind": "VolumeConfig", "name": "EPHEMERAL", "mount": {"secure": True}}
    assert said(volume) == [] and said(volume, (1, 12)) != []
    assert said({"machine": {"kubelet": {"extraArgs": {"v": ["1", "2"]}}}}, (1, 12)) != []
    assert said({"machine": {"kubelet": {"extraArgs": {"v": ["1", "2"]}}}}, (1, 14)) == []


def test_a_message_holds_no_value():
    for patch, _ in WRONG.values():
        assert "canary" not in json.dumps(said(_with_canaries(patch)))


def _with_canaries(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v if k in ("kind", "apiVersion", "$patch") else _with_canaries(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_canaries(each) for each in value]
    return "canary" if isinstance(value, str) else value


@pytest.fixture(scope="module", params=sorted(RELEASES))
def judge(request) -> Iterator[tuple[Judge, Minor]]:
    made = Judge(request.param)
    yield made, RELEASES[request.param]
    made.end()


@pytest.mark.engine
def test_the_files_are_the_types_of_talos(judge):
    """If not: python -m tests.machineconfig.shapes writes them."""
    made, release = judge
    file = SHAPES / f"{'v1.12' if release == (1, 12) else 'v1.14'}.json"
    assert file.read_text(encoding="utf-8") == lines(reported(made))


@pytest.mark.engine
@pytest.mark.parametrize("broken", [False, True])
def test_a_patch_is_refused_if_and_only_if_talos_cant_read_it(judge, broken):
    """Generated patches, as they are and with one fault in each."""
    made, release = judge
    stacks, pick = Stacks(reported(made), seed=7), random.Random(7)
    patches = [patch for _ in range(PATCHES // 4) for patch in stacks.make()][:PATCHES]
    if broken:
        patches = [_broken(patch, pick) for patch in patches]
    questions = [{"base": json.dumps(BASE), "patches": [json.dumps(patch)], "other": ""} for patch in patches]
    refused = 0
    for patch, answer in zip(patches, made.all(questions), strict=True):
        unread = answer["error"].startswith("read patches")
        ours = said(patch, release)
        assert unread or not [line for line in ours if "has no name" not in line], (patch, ours, answer["error"])
        refused += bool(unread and ours)
        if unread and not broken:
            assert ours or "lookup failed" in answer["error"] or "delete" in json.dumps(patch), (patch, answer["error"])
    assert not broken or refused > 0.5 * PATCHES, refused


def _broken(patch: dict[str, Any], pick: random.Random) -> dict[str, Any]:
    """The patch with an unknown field, or a value of another type, somewhere in it."""
    made = copy.deepcopy(patch)
    places = [made, *_mappings(made)]
    at = pick.choice(places)
    keys = sorted(set(at) - {"kind", "apiVersion", "name", "version", "$patch"})
    if keys and pick.random() < 0.5:
        at[pick.choice(keys)] = pick.choice([["x"], {"y": {"z": 1}}, "text"])
    else:
        at["unknownField"] = 1
    return made


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(inner, dict):
            yield inner
        yield from _mappings(inner)
