"""States of release 0.1.0 (commit 8d91f80), before resources moved and were renamed: a plan keeps every resource."""

import gzip
import json
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from core.state import unwrap_secret
from operations.adopt.state import secret

pytestmark = pytest.mark.engine

# Inputs and outputs that a config had in the plugin's resource and in ours after it.
FORMER = ("node", "clientConfiguration", "machineConfigurationInput", "configPatches", "machineConfiguration")
STATES = ROOT / "tests" / "states"
# What no earlier release had: labels and taints of Nodes, and what a BMC was asked for.
NEW = {
    ("create", kind)
    for kind in (
        "bedplate:kubernetes:Nodes",
        "bedplate-native:kubernetes:NodeSettings",
        "bedplate-native:metal:Journal",
    )
}
# On one node it had an empty list of update methods, which KubeVirt's operator leaves out.
FEWER_METHODS = {"rehearsed-dev": {("update", "kubernetes:kubevirt.io/v1:KubeVirt", "kubevirt")}}


def _steps(here, stack):
    """Operation, type and name of each step of a plan, without `same`."""
    plan = json.loads(here.pulumi("preview", "--stack", stack, "--json", "--show-sames", network=False).stdout)
    kept = [step["urn"] for step in plan["steps"] if step["op"] == "same"]
    return kept, [
        (step["op"], *step["urn"].split("$")[-1].split("::")[-2:]) for step in plan["steps"] if step["op"] != "same"
    ]


@pytest.mark.parametrize("name", ["rehearsed-dev", "rehearsed-prod"])
def test_a_plan_for_an_old_state_with_its_machines_keeps_every_resource(recorded, name):
    """Only the machines' components are new, and a component exists in the state only.

    The configs of the Talos plugin become ours by an update in place; nothing is deleted or replaced. The kubeconfig
    keeps its certificate and its key, byte for byte, so the Kubernetes provider and all objects stay as they are.
    """
    here, stack = recorded(name)
    kept, others = _steps(here, stack)
    machines = yaml.safe_load((here.folder / f"Pulumi.{stack}.yaml").read_text())["config"]["bedplate:platform"][
        "machines"
    ]
    taken_over = {("update", "bedplate-native:talos:MachineConfig", f"talos-{machine}") for machine in machines}
    taken_over.add(("update", "bedplate-native:kubernetes:Kubeconfig", "talos-kubeconfig"))
    # It records what it compares: versions of the layers, the endpoint and networks. No machine is asked.
    taken_over.add(("update", "bedplate-native:talos:Guard", "talos-guard"))
    # Its values close node ports.
    taken_over.add(("update", "kubernetes:helm.sh/v3:Release", "cilium-release"))
    taken_over |= FEWER_METHODS.get(name, set())
    components = {("create", "bedplate:talos:Machine", f"talos-{machine}") for machine in machines}
    assert sorted(_without_new(others)) == sorted(taken_over | components)
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack).stdout)["deployment"]["resources"]
    assert len(kept) + len(taken_over) == len([one for one in exported if "::default" not in one["urn"]])
    shown = here.pulumi("preview", "--stack", stack, network=False).stdout
    told = shown.partition("Diagnostics:")[2]
    assert told.count("nothing is sent, because the machine already has this config") == len(machines), told


@pytest.mark.parametrize("name", ["rehearsed-dev", "rehearsed-prod"])
def test_a_plan_for_a_state_with_generated_configs_changes_no_machine(recorded, name):
    """The form before Bedplate rendered whole configs: our resource, with the plugin's generated config as an input."""
    here, stack = recorded(name)
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout)
    _put(here, stack, _generated(exported, _machines(here, stack)))
    kept, others = _steps(here, stack)
    assert sorted(_without_new(others)) == [
        ("update", "bedplate-native:kubernetes:Kubeconfig", "talos-kubeconfig"),
        ("update", "bedplate-native:talos:Guard", "talos-guard"),
        ("update", "kubernetes:helm.sh/v3:Release", "cilium-release"),
        *FEWER_METHODS.get(name, set()),
    ]
    assert any("$bedplate-native:talos:MachineConfig::" in urn for urn in kept)
    # A patch still changes exactly the machine that it is for.
    stack_file = here.folder / f"Pulumi.{stack}.yaml"
    described = yaml.safe_load(stack_file.read_text(encoding="utf-8"))
    described["config"]["bedplate:platform"]["machines"]["cp-1"]["labels"] = {"empty": ""}
    stack_file.write_text(yaml.safe_dump(described), encoding="utf-8")
    changed = {(op, name) for op, kind, name in _steps(here, stack)[1] if kind.endswith(":MachineConfig")}
    assert changed == {("update", "talos-cp-1")}


def _without_new(steps):
    """Steps without the resources that no earlier release had."""
    return [step for step in steps if step[:2] not in NEW]


def _machines(here, stack):
    described = yaml.safe_load((here.folder / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return described["config"]["bedplate:platform"]["machines"]


def _generated(exported, machines):
    """A state of release 0.1.0 in the form of the release that still used the plugin's generator."""
    resources = exported["deployment"]["resources"]
    provider = next(one["provider"] for one in resources if one["type"] == "bedplate-native:talos:Guard")
    taken, moved = [], {}
    for one in resources:
        if one["type"] == "talos:machine/configurationApply:ConfigurationApply":
            machine, cluster, before = one["urn"].rpartition("::talos-")[2], one["parent"], one["urn"]
            component = before.replace(one["type"], "bedplate:talos:Machine")
            one["type"] = "bedplate-native:talos:MachineConfig"
            one["urn"] = component.replace("bedplate:talos:Machine", f"bedplate:talos:Machine${one['type']}")
            one["parent"], one["provider"], one["id"], moved[before] = component, provider, machine, one["urn"]
            for values in (one["inputs"], one["outputs"]):
                generation = machines[machine].get("install", {}).get("generation", 1)
                kept = {key: value for key, value in values.items() if key in FORMER}
                values.clear()
                values |= {**kept, "machine": machine, "generation": generation}
            taken.append({"urn": component, "custom": False, "type": "bedplate:talos:Machine", "parent": cluster})
        taken.append(one)
    text = json.dumps({**exported, "deployment": {**exported["deployment"], "resources": taken}})
    for before, after in moved.items():
        text = text.replace(f'"{before}"', f'"{after}"')
    return json.loads(text)


def test_a_strangers_kubeconfig_in_an_old_state_runs_nothing(recorded, tmp_path):
    """Release 0.1.0 handed on what it got. A plan signs another one, and reads nothing but the certificate of it."""
    here, stack = recorded("rehearsed-dev")
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout)
    written = tmp_path / "written"
    assert _poisoned(exported["deployment"]["resources"], f"echo ran > {written}") == 9
    _put(here, stack, exported)
    shown = here.pulumi("preview", "--stack", stack, check=False)
    assert (
        "the administrator's certificate is renewed, because the kubeconfig in the state is not a kubeconfig with "
        "a client certificate and nothing else: its user has exec; " in shown.stdout
    )
    # The Kubernetes provider is updated and not replaced, and no object goes with it.
    summary = shown.stdout.rpartition("Resources:")[2]
    assert "to update" in summary and "to replace" not in summary and "to delete" not in summary, summary
    # A refresh begins with the provider of the state, so the runner asks this first.
    done = here.run(sys.executable, "-m", "operations.kubeconfig", "check", stack, check=False)
    assert done.returncode == 2 and done.stderr.startswith("kubernetes-provider: the kubeconfig in the state is not ")
    assert not written.exists()


def _put(here, stack, exported):
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", stack],
        input=json.dumps(exported),
        text=True,
        cwd=here.folder,
        env=here.environment,
        check=True,
        capture_output=True,
    )


def _poisoned(resources, command):
    """Give each kubeconfig of an exported state a command to run. Returns how many there were."""
    run = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "/bin/sh"}
    count = 0
    for values in (resource.get(side) or {} for resource in resources for side in ("inputs", "outputs")):
        for name in {"kubeconfig", "kubeconfigRaw"} & values.keys():
            document = yaml.safe_load(unwrap_secret(values[name]))
            user = document["users"][0]["user"]
            user |= {"client-certificate-data": "", "exec": {**run, "args": ["-c", command]}}
            values[name] = secret(yaml.safe_dump(document))
            count += 1
    return count


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_plan_for_an_old_state_with_only_its_secrets_keeps_them(recorded, name):
    here, stack = recorded(name)
    for part in ("ca", "certificate", "key"):
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:matchbox.{part}", f"a {part}")
    here.pulumi(
        "config",
        "set",
        "--stack",
        stack,
        "--secret",
        "--path",
        "bedplate:matchbox.hosts",
        f"matchbox.{name}.example.com",
    )
    kept, others = _steps(here, stack)
    assert any(urn.endswith("::talos-secrets") for urn in kept)
    assert {step for step, _, _ in others} == {"create"}


@pytest.mark.parametrize("file", sorted(STATES.glob("*.json.gz")), ids=lambda file: file.name)
def test_a_recorded_state_has_no_plain_secret_and_no_path_of_the_recording_machine(file):
    text = gzip.decompress(file.read_bytes()).decode()
    assert '"ciphertext"' in text and '"plaintext"' not in text
    assert not re.search(r"PRIVATE KEY|LS0tLS1CRUdJTi|sourcePosition|stackTrace|/\.toolchain/", text)
