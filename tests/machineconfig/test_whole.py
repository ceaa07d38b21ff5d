"""The whole config that a machine is sent, compared with what Talos' own code makes of the same parts."""

import json
from collections.abc import Iterator

import pytest
from conftest import stack_platform

from core.facts.versions import Minor
from core.machineconfig.differences import differences
from core.machineconfig.differences import parse as parse_config
from core.machineconfig.documents import patches
from core.machineconfig.generated import completed
from core.machineconfig.whole import whole
from core.model import parse
from tests.machineconfig.judge import Judge
from tests.machineconfig.test_judged import everything

KEY = "LS0tLS1CRUdJTiBFRDI1NTE5"
GENERATED = f"version: v1alpha1\nmachine: {{type: worker, token: {KEY}}}\ncluster: {{}}\n"
RELEASES: dict[str, Minor] = {"config-judge-v112": (1, 12), "config-judge": (1, 14)}
# What a Python and a Go reader of YAML take for two things, and what YAML does not accept as it is.
TRAPS = ["on", "no", "~", "0o14", "014", "1_000", "12:30:45", "1e3", "2026-11-27", "=", "<<", "a: b", "# c", "é"]
TRAPS += ["\x7f", "\x85", "\u2028", "\x1b[2J", 'tab\tquote"backslash\\', " blank ", "-", "---", "..."]


@pytest.fixture(scope="module", params=RELEASES)
def judge(request) -> Iterator[Judge]:
    made = Judge(request.param)
    yield made
    made.end()


@pytest.mark.engine
@pytest.mark.parametrize("stack", ["dev", "prod", "everything"])
def test_it_is_what_talos_makes_of_the_generated_config_and_the_patches(judge, stack):
    platform = parse(everything() if stack == "everything" else stack_platform(stack))
    for name in platform.machines:
        generated = judge.ask(platform, name, show=True, bare=True)["config"]
        generated = completed(generated, "", {"registry.example.com": {"username": "u", "password": "on"}})
        own = [*patches(platform, name)]
        judge.send({"base": generated, "patches": own, "other": whole(generated, own)})
        answer = judge.answer()
        assert answer["error"] == "" and answer["config"] == answer["other"], name
        assert answer["config"] != generated
        # After an edit by hand a machine runs what Talos wrote: `drift` must report that edit alone.
        assert differences(parse_config(whole(generated, own)), parse_config(answer["other"])) == [], name


@pytest.mark.engine
def test_talos_reads_every_text_as_it_was_written(judge):
    labels = {f"label-{number}": text for number, text in enumerate(TRAPS)}
    own = [json.dumps({"machine": {"nodeAnnotations": labels, "kubelet": {"extraConfig": {"x": TRAPS}}}})]
    judge.send({"base": GENERATED, "patches": own, "other": whole(GENERATED, own)})
    answer = judge.answer()
    assert answer["error"] == "" and answer["config"] == answer["other"]
    assert answer["other"].count("2026-11-27") == 2
    # Talos does not read JSON's two escapes of one character.
    assert "\N{SPARKLES}" in whole(GENERATED, [json.dumps({"machine": {"nodeLabels": {"a": "\N{SPARKLES}"}}})])


@pytest.mark.parametrize(
    ("generated", "own", "why"),
    [
        ("a: [", [], "the generated config is no YAML, or a patch is no JSON"),
        (GENERATED, ["{"], "the generated config is no YAML, or a patch is no JSON"),
        (GENERATED, ['{"$patch": "delete"}'], "configPatches[0] deletes all of machine: and cluster:"),
        (GENERATED + "---\nkind: A\nday: 2026-11-27\n", [], "a value that JSON has no word for, such as a date"),
    ],
)
def test_what_cannot_be_made_is_told_without_the_config(generated, own, why):
    with pytest.raises(ValueError) as failed:
        whole(generated, own)
    assert why in str(failed.value) and KEY not in str(failed.value)
