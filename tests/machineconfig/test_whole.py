"""The whole config that a machine is sent, compared with what Talos' own code makes of the same parts."""

import json
from collections.abc import Iterator

import pytest
from conftest import stack_platform

from core.facts.versions import Minor
from core.machineconfig.base import base
from core.machineconfig.differences import differences
from core.machineconfig.differences import parse as parse_config
from core.machineconfig.documents import credentials, patches, plain
from core.machineconfig.whole import formerly_merged, merged, whole
from core.model import parse
from tests.machineconfig.judge import Judge
from tests.machineconfig.test_judged import everything

STAND_IN = "(secret 0123456789ab)"
SEALED = json.dumps({"machine": {"env": {"https_proxy": STAND_IN}}})
KEY = "LS0tLS1CRUdJTiBFRDI1NTE5"
BASE = json.dumps({"version": "v1alpha1", "machine": {"type": "worker"}, "cluster": {}})
PKI = json.dumps({"machine": {"token": KEY}})
REGISTRIES = [json.dumps(d) for d in credentials({"registry.example.com": {"username": "u", "password": "on"}})]
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
def test_it_is_what_talos_makes_of_the_base_and_the_patches(judge, stack):
    """The parts in their order, each over the ones before it."""
    platform = parse(everything() if stack == "everything" else stack_platform(stack))
    for name, machine in platform.machines.items():
        bases = [json.dumps(plain(document)) for document in base(platform, machine.role)]
        own = [*patches(platform, name)]
        last, opened = (json.dumps({"machine": {"token": token}}) for token in (STAND_IN, "a last word"))
        parts = {"base": bases, "pki": [PKI, *REGISTRIES], "configPatches": [*own, last]}
        ours = whole({**parts, "secrets": {STAND_IN: "a last word"}})
        judge.send({"base": "\n---\n".join(bases), "patches": [PKI, *REGISTRIES, *own, opened], "other": ours})
        answer = judge.answer()
        assert answer["error"] == "" and answer["config"] == answer["other"], name
        assert "a last word" in answer["config"] and KEY not in answer["config"]
        # After an edit by hand a machine runs what Talos wrote: `drift` must report that edit alone.
        assert differences(parse_config(ours), parse_config(answer["other"])) == [], name


@pytest.mark.engine
def test_talos_reads_every_text_as_it_was_written(judge):
    labels = {f"label-{number}": text for number, text in enumerate(TRAPS)}
    own = [json.dumps({"machine": {"nodeAnnotations": labels, "kubelet": {"extraConfig": {"x": TRAPS}}}})]
    judge.send({"base": BASE, "patches": own, "other": whole({"base": [BASE], "configPatches": own})})
    answer = judge.answer()
    assert answer["error"] == "" and answer["config"] == answer["other"]
    assert answer["other"].count("2026-11-27") == 2
    # Talos does not read JSON's two escapes of one character.
    sparkles = json.dumps({"machine": {"nodeLabels": {"a": "\N{SPARKLES}"}}})
    assert "\N{SPARKLES}" in whole({"base": [BASE], "configPatches": [sparkles]})


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"base": ["a: ["]}, "a document is no JSON"),
        ({"base": [BASE], "configPatches": ["{"]}, "a document is no JSON"),
        ({"base": [BASE], "configPatches": ['{"$patch": "delete"}']}, "configPatches[0] deletes all of machine: and"),
        ({"base": [BASE], "pki": [PKI, "[]"]}, "pki[1] is not a mapping"),
        ({"base": [BASE], "configPatches": ["{}"]}, "configPatches[0] is empty"),
        ({"base": [BASE], "configPatches": [SEALED]}, "the stack's secret is missing for a stand-in of it"),
        ({"base": [BASE], "configPatches": [SEALED], "secrets": {STAND_IN[:-2] + "f)": KEY}}, "secret is missing"),
    ],
)
def test_what_cannot_be_made_is_told_without_the_config(parts, why):
    with pytest.raises(ValueError) as failed:
        whole(parts)
    assert why in str(failed.value) and KEY not in str(failed.value)


def test_a_secret_takes_the_place_of_its_stand_in_and_the_stand_in_says_nothing_of_the_config():
    """An encrypted text of the same secret is another one after a change of the passphrase."""
    parts = {"base": [BASE], "configPatches": [SEALED]}
    config = whole({**parts, "secrets": {STAND_IN: f'{KEY}"\n'}})
    assert STAND_IN not in config and json.loads(config)["machine"]["env"]["https_proxy"] == f'{KEY}"\n'
    other = "(secret ba9876543210)"
    again = {"base": [BASE], "configPatches": [SEALED.replace(STAND_IN, other)], "secrets": {other: f'{KEY}"\n'}}
    assert merged(again) == merged({**parts, "secrets": {STAND_IN: f'{KEY}"\n'}})
    # What looks like a stand-in within a longer text is none.
    longer = json.dumps({"machine": {"env": {"a": f"x {STAND_IN}"}}})
    assert f"x {STAND_IN}" in whole({"base": [BASE], "configPatches": [longer], "secrets": {STAND_IN: KEY}})


def test_a_generated_text_and_patches_make_the_same_documents():
    """The form in states of earlier releases."""
    own = [json.dumps({"machine": {"nodeLabels": {"a": "b"}}})]
    generated = f"version: v1alpha1 # a comment\nmachine:\n  type: worker\n  token: {KEY}\ncluster: {{}}\n"
    assert formerly_merged(generated, own) == merged({"base": [BASE], "pki": [PKI], "configPatches": own})
    with pytest.raises(ValueError, match="YAML") as failed:
        formerly_merged(f"{KEY}: [", own)
    assert KEY not in str(failed.value)
