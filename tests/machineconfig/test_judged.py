"""Talos' own code accepts every config that the model can produce, in each contract.

toolchain/parts/config-judge links Talos' machinery and does what the plugin, `talosctl machineconfig patch` and
`talosctl validate` do, for a stream of configs. It is built from two releases: the one of the plugin and talosctl,
and the newest. Tests here and in tests/engine/test_pki.py show that talosctl itself and the plugin agree with it.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import stack_platform
from hypothesis import HealthCheck, Phase, given, settings
from strategies import platforms

from core.machineconfig.documents import patches
from core.model import parse
from tests.machineconfig.contracts import at
from tests.machineconfig.judge import Judge, refused

pytestmark = pytest.mark.engine

PLATFORMS = 1000
# The code in the Talos plugin has one contract only.
CONTRACTS = {"config-judge-v112": ("v1.12",), "config-judge": ("v1.12", "v1.13", "v1.14")}


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Judge, Judge]]:
    judges = Judge("config-judge-v112"), Judge("config-judge")
    yield judges
    for each in judges:
        each.end()


@pytest.fixture(scope="module", params=sorted(CONTRACTS))
def judge(request) -> Iterator[tuple[Judge, tuple[str, ...]]]:
    judge = Judge(request.param)
    yield judge, CONTRACTS[request.param]
    judge.end()


@settings(
    max_examples=PLATFORMS,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(raw=platforms())
def test_talos_accepts_every_machine_of_a_thousand_platforms(both, raw):
    """Each config in each contract. Of each role, both releases judge one in the oldest."""
    old, new = both
    platform = parse(raw)
    first = {machine.role: name for name, machine in reversed(platform.machines.items())}.values()
    for name in platform.machines:
        questions = [(old, "v1.12"), (new, "v1.13"), (new, "v1.14"), *([(new, "v1.12")] if name in first else [])]
        for judge, contract in questions:
            judge.put(at(contract, platform), name)
        assert {contract: refused(judge.answer()) for judge, contract in questions if judge is old} == {"v1.12": []}, (
            name
        )
        assert [refused(judge.answer()) for judge, _ in questions if judge is new] == [[]] * (len(questions) - 1), name


@pytest.mark.parametrize("stack", ["dev", "prod", "everything"])
def test_talos_accepts_every_machine_of_each_stack(judge, stack):
    process, contracts = judge
    platform = parse(everything() if stack == "everything" else stack_platform(stack))
    for contract in contracts:
        for name in platform.machines:
            assert process.faults(at(contract, platform), name) == []


def test_a_judge_refuses_what_talos_refuses(judge):
    """Otherwise the tests above would prove nothing."""
    process, contracts = judge
    platform = parse(stack_platform("dev"))
    for contract in contracts:
        for wrong, refusal in (
            (
                {
                    "machine": {"time": {"servers": ["ntp.example.com"]}},
                },
                "time servers cannot be specified in both",
            ),
            ({"apiVersion": "v1alpha1", "kind": "NoSuchConfig"}, "NoSuchConfig"),
            (
                {"apiVersion": "v1alpha1", "kind": "WatchdogTimerConfig", "device": "/dev/watchdog0", "timeout": "1s"},
                "minimum value",
            ),
        ):
            turned = at(contract, platform)
            turned = turned.model_copy(update={"talos": turned.talos.model_copy(update={"patches": (wrong, TIME)})})
            assert any(refusal in fault for fault in process.faults(turned, "cp-1")), (contract, refusal)


TIME = {"apiVersion": "v1alpha1", "kind": "TimeSyncConfig", "ntp": {"servers": ["ntp2.example.com"]}}


def everything() -> dict[str, Any]:
    return dict(yaml.safe_load((Path(__file__).parent / "everything.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("stack", ["dev", "prod", "everything"])
def test_another_releases_generator_changes_no_machine(stack, tmp_path):
    """Two releases of Talos' generator write different bases for one PKI; with our documents the configs are equal."""
    secrets = tmp_path / "secrets.yaml"
    subprocess.run(["talosctl", "gen", "secrets", "-o", str(secrets)], check=True, capture_output=True)
    old, new = (Judge(binary, str(secrets)) for binary in ("config-judge-v112", "config-judge"))
    platform = parse(everything() if stack == "everything" else stack_platform(stack))
    for name in platform.machines:
        one, other = ([*yaml.safe_load_all(each.ask(platform, name, show=True)["config"])] for each in (old, new))
        assert one == other, name
    old.end()
    new.end()


@pytest.mark.parametrize("stack", ["dev", "prod", "everything"])
def test_talosctl_merges_and_validates_as_the_judge_does(stack, tmp_path):
    """The command itself, once for each role."""
    judge = Judge("config-judge-v112")
    platform = parse(everything() if stack == "everything" else stack_platform(stack))
    bare = platform.model_copy(update={"talos": platform.talos.model_copy(update={"patches": ()})})
    for role in ("controlplane", "worker"):
        name = next((n for n, m in platform.machines.items() if m.role == role), None)
        if name is None:
            continue
        base, config = tmp_path / f"{role}-base.yaml", tmp_path / f"{role}.yaml"
        generated = [
            "talosctl",
            "gen",
            "config",
            bare.name,
            bare.api,
            "--talos-version",
            "v1.12",
            "--output-types",
            role,
            "--kubernetes-version",
            bare.talos.kubernetes.lstrip("v"),
            "--output",
            str(base),
            "--force",
            "--with-docs=false",
            "--with-examples=false",
        ]
        subprocess.run(generated, check=True, capture_output=True)
        merge = [arg for patch in patches(platform, name) for arg in ("--patch", patch)]
        subprocess.run(
            ["talosctl", "machineconfig", "patch", str(base), *merge, "-o", str(config)],
            check=True,
            capture_output=True,
        )
        subprocess.run(
            ["talosctl", "validate", "--config", str(config), "--mode", "metal", "--strict"],
            check=True,
            capture_output=True,
        )
        merged, judged = (
            [kind(d) for d in yaml.safe_load_all(text)]
            for text in (config.read_text(encoding="utf-8"), judge.ask(platform, name, show=True)["config"])
        )
        assert merged == judged
    judge.end()


def kind(document: dict[str, Any]) -> Any:
    """The document without the fields of the PKI."""
    if "kind" in document:
        return document
    cluster = {
        k: v
        for k, v in document["cluster"].items()
        if k
        not in {"id", "secret", "token", "ca", "aggregatorCA", "serviceAccount", "secretboxEncryptionSecret", "etcd"}
    }
    return {"machine": {k: v for k, v in document["machine"].items() if k not in {"token", "ca"}}, "cluster": cluster}
