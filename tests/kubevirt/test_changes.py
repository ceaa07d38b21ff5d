"""The plan's verdict on a change of a running VM is what KubeVirt's controller does with it."""

import random
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest

from core.facts.versions import CURRENT
from core.vmchanges import Effect, Hypervisor, change
from tests.kubevirt.edits import EDITS, Edit, edited, inside, machine
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.programs

PAIRS = 600
GATES = ([], ["DeclarativeHotplugVolumes"], ["HotplugVolumes", "DeclarativeHotplugVolumes"], ["LiveUpdateNADRef"])
# Changes of which KubeVirt says nothing, and which the running guest gets at its next start alone.
SILENT = {
    "a label of the instance": Effect.RESTART_NEEDED,
    "a plugged volume": Effect.RESTART_NEEDED,
    "a plugged volume away": Effect.RESTART_NEEDED,
    "another claim of a plugged volume": Effect.RESTART_NEEDED,
    # The guest has them already, or they are of the object alone.
    "volumes may move": Effect.LIVE,
    "rerun": Effect.LIVE,
    "a label of the object": Effect.LIVE,
    "an annotation of the object": Effect.LIVE,
}
CLAIMS = ("web", "web-media", "web-plugged", "web-more", "web-other")


def hypervisor(gates: list[str]) -> dict[str, Any]:
    """A KubeVirt object."""
    configuration = {"vmRolloutStrategy": "LiveUpdate", "developerConfiguration": {"featureGates": gates}}
    about = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
    }
    return {**about, "spec": {"configuration": configuration}}


def question(old: Mapping[str, Any], new: Mapping[str, Any], gates: list[str], migratable: bool) -> dict[str, Any]:
    """What the judge is asked of a change."""
    claims = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "vms"},
            "spec": {"accessModes": ["ReadWriteMany"], "volumeMode": "Block"},
        }
        for name in CLAIMS
    ]
    asked = {"ask": "change", "kubevirt": hypervisor(gates), "old": old, "new": new}
    return {**asked, "migratable": migratable, "others": claims}


def done(answer: Mapping[str, Any], migratable: bool) -> Effect:
    """What KubeVirt does to the running VM."""
    if answer["stops"]:
        return Effect.STOPS
    if answer["restart"] or (answer["moves"] and not migratable and not only_taken_out(answer)):
        return Effect.RESTART_NEEDED
    if answer["moves"] and migratable:
        return Effect.MIGRATES
    return Effect.LIVE if answer["live"] else Effect.NOTHING


def only_taken_out(answer: Mapping[str, Any]) -> bool:
    """Whether the guest has what changes already, and only its pod would get it by a migration."""
    return bool(answer["taken"])


def verdicts(judge: Judge, cases: list[tuple[tuple[str, ...], Edit, list[str], bool]]) -> list[tuple[Any, ...]]:
    """Cases in which KubeVirt does otherwise than the plan says, with both."""
    old = machine()
    asked = [question(old, edited(old, edit), gates, migratable) for _, edit, gates, migratable in cases]
    wrong = []
    for (names, _, gates, migratable), asking, answer in zip(cases, asked, judge.all(asked), strict=True):
        assert not answer["error"], (names, answer["error"])
        if answer["causes"]:
            continue  # KubeVirt refuses the object, so it never gets there.
        known = Hypervisor.of(asking["kubevirt"], CURRENT["kubevirt"])
        ours = change(old, asking["new"], known, migratable=migratable).effect
        theirs = done(answer, migratable)
        quiet = [SILENT[name] for name in names if name in SILENT]
        if theirs is not ours and not (theirs.rank < ours.rank and ours in quiet):
            wrong.append((names, gates, migratable, ours, theirs, answer["restart"], answer["live"]))
    return wrong


@pytest.mark.parametrize("gates", GATES, ids=lambda gates: "+".join(gates) or "none")
def test_every_change_does_what_kubevirt_does(judge: Judge, gates: list[str]):
    cases = [((name,), edit, gates, able) for name, edit in EDITS.items() for able in (True, False)]
    assert verdicts(judge, cases) == []


def test_several_changes_do_what_kubevirt_does(judge: Judge):
    chance = random.Random(2)
    pairs = chance.sample([*combinations(EDITS, 2)], PAIRS)
    cases = [(names, _in_turn(names), chance.choice(GATES), chance.random() < 0.7) for names in pairs]
    assert verdicts(judge, cases) == []


def _in_turn(names: tuple[str, ...]) -> Edit:
    def edit(manifest: dict[str, Any]) -> None:
        for name in names:
            EDITS[name](manifest)

    return edit


def test_no_change_does_nothing(judge: Judge):
    old = machine()
    (answer,) = judge.all([question(old, old, [], True)])
    assert done(answer, True) is Effect.NOTHING and change(old, old).effect is Effect.NOTHING


ROOM: dict[str, dict[str, Any]] = {
    "cores alone": {"cpu": {"cores": 2}},
    "no CPUs": {"cpu": None},
    "sockets alone": {"cpu": {"sockets": 3}},
    "many CPUs": {"cpu": {"sockets": 100, "cores": 2, "threads": 1}},
    "the most CPUs": {"cpu": {"sockets": 512, "cores": 1, "threads": 1}},
    "little memory": {"memory": {"guest": "512Mi"}},
    "odd memory": {"memory": {"guest": "1025Mi"}},
    "memory without a maximum": {"memory": {"guest": "4Gi"}},
}  # fmt: skip


@pytest.mark.parametrize("sort", ROOM)
def test_room_to_grow_is_what_kubevirt_gives_a_guest(judge: Judge, sort: str):
    old = machine()
    for key, value in ROOM[sort].items():
        inside(f"domain.{key}", value)(old)
    domain = old["spec"]["template"]["spec"]["domain"]
    edits = [inside("domain.cpu.sockets", count) for count in (1, 2, 4, 5, 8, 9, 12, 13, 256, 257, 512)]
    edits += [inside("domain.memory.guest", size) for size in ("512Mi", "1Gi", "1025Mi", "2Gi", "8Gi", "16Gi", "17Gi")]
    news = [edited(old, edit) for edit in edits]
    answers = judge.all([question(old, new, [], True) for new in news])
    for new, answer in zip(news, answers, strict=True):
        if not answer["causes"]:
            wanted = new["spec"]["template"]["spec"]["domain"]
            assert not answer["error"], answer
            assert change(old, new).effect is done(answer, True), (domain, wanted, answer)
