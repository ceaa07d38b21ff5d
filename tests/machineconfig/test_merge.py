"""The merge of machine config patches is compared with Talos' own merge, of two releases."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from conftest import stack_platform

from core.facts.versions import Minor
from core.machineconfig import fields
from core.machineconfig.differences import IN_PLACE
from core.machineconfig.documents import patches
from core.machineconfig.merge import Document, Merged, merge
from core.model import parse
from tests.machineconfig.judge import Judge
from tests.machineconfig.stacks import BASE, Stacks, deletes_nothing, text
from tests.machineconfig.types import KINDS, rules

pytestmark = pytest.mark.engine

RELEASES: dict[str, Minor] = {"config-judge-v112": (1, 12), "config-judge": (1, 14)}
# Stacks of each release's types. Those of the older are judged by both.
STACKS = 2500
PLATFORMS = 60
# Talos refuses the content and not the merge: two documents that configure one link.
_CONFLICTS = ("conflicting documents", "conflicting link configurations")
# Release to the errors that say nothing about a merge.
LEFT_OUT: dict[Minor, tuple[str, ...]] = {
    # It can't delete fields of embedded types nor elements of lists by what is not a plain string, and it can't merge
    # two percentages. The Talos plugin reports these errors in a plan.
    (1, 12): (*_CONFLICTS, "lookup failed", "block.PercentageSize.value: merge not possible"),
    # It crashes when a log destination is deleted by its endpoint and another destination has no endpoint.
    (1, 14): (*_CONFLICTS, "nil pointer dereference"),
}


@pytest.fixture(scope="module")
def judges() -> Iterator[dict[str, Judge]]:
    judges = {binary: Judge(binary) for binary in RELEASES}
    yield judges
    for each in judges.values():
        each.end()


@pytest.fixture(scope="module")
def shapes(judges) -> dict[str, Any]:
    return {binary: judge.all([{"kinds": ["", *KINDS]}])[0]["shapes"] for binary, judge in judges.items()}


@pytest.mark.parametrize("binary", RELEASES)
def test_the_table_of_fields_equals_talos_own_types(shapes, binary):
    """In both directions, because a wrong entry changes a merge as much as a missing one."""
    for kind, shape in shapes[binary].items():
        release = RELEASES[binary]
        ours = {rule for rule in fields.rules(kind, release) if _exists(shape, rule[0])}
        assert ours == rules(shape), kind
    if binary == "config-judge":
        assert set(shapes[binary]) == {"", *KINDS} and all(
            _exists(shapes[binary][kind], path) for kind in shapes[binary] for path, *_ in fields.rules(kind, (1, 14))
        )


def test_every_field_that_changes_in_place_is_a_field_of_talos(shapes):
    """With a misspelt one, a plan would announce reboots that do not happen, or none where machines reboot."""
    for release in shapes.values():
        assert [path for path in IN_PLACE if not _exists(release[""], path)] == []


def _exists(shape: dict[str, Any], path: str) -> bool:
    """Whether the release has the field; the table also holds fields that only the newer release has."""
    for part in path.split("."):
        inner = shape.get("elem") if part in ("*", "[]") else (shape.get("fields") or {}).get(part)
        if inner is None:
            return False
        shape = inner
    return True


@dataclass(frozen=True)
class Stack:
    """Patches over a base."""

    base: list[Document]
    patches: list[Document]

    def verdict(self, ours: Merged, answer: dict[str, Any], release: Minor) -> str:
        """`same`, `refused` (by both), `left out` (for a reason in LEFT_OUT), or a description of the difference."""
        error = answer["error"]
        if any(reason in error for reason in LEFT_OUT[release]):
            return "left out"
        if (error or release == (1, 12)) and deletes_nothing([*self.base, *self.patches], release):
            return "left out"
        if error or ours.refused:
            return "refused" if error and ours.refused else f"refused by one: Talos {error!r}, ours {ours.refused}"
        return "same" if answer["config"] == answer["other"] else "different"


def judged(judge: Judge, stacks: list[Stack], release: Minor) -> Counter[str]:
    """Verdict to the number of stacks with it. Raises AssertionError, which shows the stack, at the first wrong one."""
    merged = [merge([*stack.base, *stack.patches], release) for stack in stacks]
    questions = [
        {
            "base": "\n---\n".join(map(json.dumps, stack.base)),
            "patches": [json.dumps(patch, sort_keys=True) for patch in stack.patches],
            "other": text(ours.documents),
        }
        for stack, ours in zip(stacks, merged, strict=True)
    ]
    verdicts = Counter[str]()
    for stack, ours, answer in zip(stacks, merged, judge.all(questions), strict=True):
        verdict = stack.verdict(ours, answer, release)
        shown = [verdict, "Talos:", answer.get("config", ""), "ours:", answer.get("other", "")]
        assert verdict in ("same", "refused", "left out"), "\n".join([*map(json.dumps, stack.patches), *shown])
        verdicts[verdict] += 1
    return verdicts


@pytest.mark.parametrize(
    ("types", "binary"),
    [
        ("config-judge-v112", "config-judge-v112"),
        ("config-judge-v112", "config-judge"),
        ("config-judge", "config-judge"),
    ],
)
def test_thousands_of_stacks_merge_as_talos_merges_them(judges, shapes, types, binary):
    random = Stacks(shapes[types], seed=20261127)
    stacks = [Stack([BASE], random.make()) for _ in range(STACKS)]
    verdicts = judged(judges[binary], stacks, RELEASES[binary])
    assert verdicts["same"] > 0.8 * STACKS and verdicts["refused"] > 0.005 * STACKS, verdicts


@pytest.mark.parametrize("binary", RELEASES)
def test_a_stack_files_patches_over_the_generators_base_merge_as_talos_merges_them(judges, shapes, binary):
    """The generator's base, the model's documents, and the patches for all machines and for one."""
    random = Stacks(shapes["config-judge-v112"], seed=42)
    platforms = [parse(stack_platform(stack)) for stack in ("dev", "prod")]
    stacks = []
    for number in range(PLATFORMS):
        platform = platforms[number % 2]
        name = sorted(platform.machines)[number % len(platform.machines)]
        base = judges[binary].ask(platform, name, show=True, bare=True)["config"]
        own = random.make()
        half = len(own) // 2
        machine = platform.machines[name].model_copy(update={"patches": tuple(own[half:])})
        turned = platform.model_copy(
            update={
                "talos": platform.talos.model_copy(update={"patches": tuple(own[:half])}),
                "machines": {**platform.machines, name: machine},
            }
        )
        stacks.append(Stack([*yaml.safe_load_all(base)], [json.loads(patch) for patch in patches(turned, name)]))
    verdicts = judged(judges[binary], stacks, RELEASES[binary])
    assert verdicts["same"] > 0.6 * PLATFORMS, verdicts
