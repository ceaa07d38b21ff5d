"""Talos' own validation of every machine in a plan, and where its refusals are reported."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from clients.judge import Judge
from core.effective import judged
from tests.effective.platforms import document, patched

KUBESPAN = {"machine": {"network": {"kubespan": {"enabled": True}}}}
RIGHT = {"machine": {"kubelet": {"extraArgs": {"v": "2"}}}}


def answers(refuses: str, words: str) -> judged.Ask:
    """A judge that refuses each config with a text in it."""

    def ask(questions: Sequence[judged.Question]) -> list[judged.Answer]:
        errors = [f"validate: 1 error occurred:\n\t* {words}\n\n" if refuses in q["config"] else "" for q in questions]
        return [{"error": error, "warnings": None} for error in errors]

    return ask


def test_one_cause_is_one_line_with_its_machines_and_talos_words():
    platform = patched(RIGHT, KUBESPAN)
    (fault,) = judged.faults(platform, answers("kubespan", "KubeSpan requires discovery"))
    assert str(fault) == (
        "platform.talos.patches.1: is refused by Talos on cp-1, cp-2, cp-3 and 2 more: KubeSpan requires discovery; "
        "Talos refuses the whole config of each machine that gets it; remove or correct the patch"
    )


def test_the_patch_of_one_machine_is_named_as_that_machines():
    platform = patched(RIGHT, own={"wk-1": [RIGHT, KUBESPAN]})
    (fault,) = judged.faults(platform, answers("kubespan", "no"))
    assert str(fault).startswith("platform.machines.wk-1.patches.1: is refused by Talos: no;")


def test_a_fault_of_two_patches_is_reported_at_the_first():
    (fault,) = judged.faults(patched(KUBESPAN, KUBESPAN), answers("kubespan", "no"))
    assert fault.path == ("talos", "patches", "0")


def test_a_refusal_that_no_patch_causes_is_reported_for_the_machines():
    (fault,) = judged.faults(patched(RIGHT), answers("clusterName", "no"))
    assert fault.path == ("machines",)
    assert fault.text.startswith("Talos refuses the config of cp-1, cp-2, cp-3 and 2 more: no; no patch is the cause;")


def test_each_reason_of_talos_is_a_line_of_its_own():
    error = "validate: 2 errors occurred:\n\t* v1alpha1.Config: 1 error occurred:\n\t* first\n\n\n\t* second\n\n"
    assert judged._words({"error": error}) == ["first", "second"]


# What the decoder says of one document, and the reasons in it.
READ = "read: error decoding document v1alpha1/VolumeConfig/EPHEMERAL (line 39): "
CONSTRUCT = f"{READ}error decoding VolumeConfig to *block.VolumeConfigV1Alpha1: yaml: construct errors: "
DECODER = {
    f"{READ}unknown keys found during decoding:\nprovisioning:\n    secret: canary\n": [
        "VolumeConfig/EPHEMERAL: a field that Talos does not know"
    ],
    "read: error decoding document /v1alpha1/ (line 1): unknown keys found during decoding:\nmachine:\n a: canary\n": [
        "machine or cluster: a field that Talos does not know"
    ],
    f"{CONSTRUCT}line 39: cannot construct !!str `canary` into time.Duration": [
        "VolumeConfig/EPHEMERAL: a value that is no duration, as 30s is"
    ],
    f"{CONSTRUCT}line 40: cannot construct !!seq into string; line 39: unhandled size name: canary": [
        "VolumeConfig/EPHEMERAL: a value of another type than the field has",
        "VolumeConfig/EPHEMERAL: a size in another unit than MiB, GiB, MB, GB and the like",
    ],
    f"{CONSTRUCT}line 7: what does not belong to BondMode values": [
        "VolumeConfig/EPHEMERAL: what does not belong to BondMode values"
    ],
}


@pytest.mark.parametrize("error", DECODER)
def test_what_talos_cant_read_is_reported_in_plain_words_and_without_lines_that_the_user_never_sees(error):
    assert judged._words({"error": error}) == DECODER[error]


def test_no_question_holds_a_secret():
    seen: list[Any] = []

    def ask(questions: Sequence[judged.Question]) -> list[judged.Answer]:
        seen.extend(questions)
        return [{"error": "", "warnings": None} for _ in questions]

    assert judged.faults(patched(contract="v1.14"), ask) == []
    text = json.dumps(seen)
    assert len(seen) == 5 and "PRIVATE KEY" not in text and '\\"token\\"' not in text


@pytest.fixture(scope="module")
def talos() -> Iterator[Judge]:
    binary = shutil.which("config-judge")
    assert binary
    with Judge(Path(binary)) as made:
        yield made


@pytest.mark.engine
@pytest.mark.parametrize("contract", ["v1.12", "v1.13", "v1.14"])
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_talos_accepts_every_machine_of_the_stacks(talos, stack, contract):
    assert judged.faults(patched(contract=contract, stack=stack), talos.ask) == []


REFUSED = {
    "kernel arguments beside those of the image": (
        {"machine": {"install": {"extraKernelArgs": ["a=b"]}}},
        "install.extraKernelArgs and install.grubUseUKICmdline can't be used together",
    ),
    "KubeSpan without discovery": (KUBESPAN, "KubeSpan requires cluster discovery to be enabled"),
    "a search domain beside resolvers": (
        {"machine": {"network": {"disableSearchDomain": True}}},
        "disableSearchDomain is already set in v1alpha1 config",
    ),
    "an unknown field": (
        {"machine": {"kubelett": {"image": "canary"}}},
        "machine or cluster: a field that Talos does not know",
    ),
    "a locked setting": (
        {"machine": {"kubelet": {"extraConfig": {"port": 1}}}},
        'kubelet configuration field "port" can\'t be overridden',
    ),
    "an unknown duration": (document("WatchdogTimerConfig", device="/dev/watchdog0", timeout="canary"), "no duration"),
    "a rule without ports": (document("NetworkRuleConfig", name="x"), "portSelector.ports is required"),
}


@pytest.mark.engine
@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_of_talos_is_reported_at_the_patch(talos, case):
    patch, words = REFUSED[case]
    faults = judged.faults(patched(RIGHT, patch), talos.ask)
    assert {fault.path for fault in faults} == {("talos", "patches", "1")} and len(faults) == 1, faults
    assert any(words in fault.text for fault in faults), faults
    assert not any("canary" in fault.text for fault in faults)
