"""A plan of everything with the real engine, plugins and policies, and without any hardware."""

import re

import pytest
from conftest import ROOT

pytestmark = pytest.mark.engine

LAYERS = (
    "matchbox:index/profile:Profile",
    "matchbox:index/group:Group",
    "talos:machine/secrets:Secrets",
    "bedplate-native:talos:MachineConfig",
    "bedplate-native:talos:Bootstrap",
    "bedplate-native:kubernetes:Kubeconfig",
    "bedplate-native:kubernetes:ApiReady",
    "pulumi:providers:kubernetes",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:core/v1:Namespace",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:kubevirt.io/v1:KubeVirt",
    "kubernetes:core/v1:Secret",
    "kubernetes:kubevirt.io/v1:VirtualMachine",
)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_first_plan_shows_every_layer_without_a_warning_and_passes_its_policies(checkout, stack):
    here = checkout(stack)
    shown = here.preview(stack)
    text = shown.stdout + shown.stderr
    assert "warning" not in text.lower()
    assert re.search(r"Policies:\s+✅ bedplate", text), text
    types = {urn.split("::")[2].rsplit("$", 1)[-1] for urn in here.plan(stack)}
    assert [layer for layer in LAYERS if layer not in types] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_plan_needs_no_hardware_no_cluster_and_no_network(checkout, stack):
    """In a network namespace with only a loopback link, the plan is the same."""
    here = checkout(stack)
    assert "bedplate" in here.preview(stack, network=False).stdout
    assert here.plan(stack, network=False) == here.plan(stack)


def test_a_plan_lists_the_manual_steps_and_names_no_host_outside(checkout):
    """For a machine without a BMC, in an air-gapped rack."""
    here = checkout("prod")
    here.edit("prod", {"machines.wk-1.bmc": None, "machines.wk-1.location": {"rack": "r12", "unit": 7}})
    steps = here.preview("prod", network=False).stdout.partition("Diagnostics:")[2]
    steps = steps[steps.index("metal:ByHand (metal-wk-1)") :].partition("\n\n")[0]
    lines = [line.strip() for line in steps.splitlines()[1:]]
    assert lines[:2] == [
        "boot it by hand, unless that is already done for install.generation 1:",
        "1. find wk-1: rack r12, unit 7, MAC 0c:c4:7a:00:02:01",
    ]
    assert len(lines) == 6 and "https://factory.prod.example.com/image/" in lines[2] and "talos.dev" not in steps


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ({"network.endpoint": "192.168.10.255", "machines.cp-1.adress": "x"}, 2),
        ({"talos.version": "v1.14"}, 1),
        ({"vms.web.memory": "4GB", "vms.web.cpu": "two", "name": None}, 3),
    ],
)
def test_a_faulty_stack_file_ends_in_one_line_per_fault_without_a_traceback(checkout, edits, lines):
    here = checkout("dev")
    here.edit("dev", edits)
    shown = here.preview("dev", check=False)
    text = shown.stdout + shown.stderr
    assert shown.returncode != 0
    assert "Traceback" not in text and 'File "' not in text
    faults = {line.strip() for line in text.splitlines() if re.match(r"\s*Pulumi\.dev\.yaml:\d+: platform\.", line)}
    assert len(faults) == lines
    assert all(line.count("; ") >= 2 for line in faults)


def test_a_loosened_control_fails_the_plan_with_rule_object_and_remedy(checkout):
    """A patch of the stack file is judged as well, because it is merged last and overrides."""
    here = checkout("dev")
    here.edit("dev", {"talos.patches": [{"cluster": {"apiServer": {"extraArgs": {"anonymous-auth": "true"}}}}]})
    shown = here.preview("dev", check=False)
    text = shown.stdout + shown.stderr
    assert shown.returncode != 0
    assert "mandatory" in text and "talos-cp-1" in text and "anonymous-auth" in text


def test_plain_pulumi_gets_the_same_plan_after_pip_install(checkout, tmp_path):
    """What a user with the official Pulumi types: no runner, an environment of their own."""
    here = checkout("dev")
    ours = here.plan("dev")
    here.run("python", "-m", "venv", str(tmp_path / "venv"))
    own = {
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "PATH": f"{tmp_path}/venv/bin:{_without_our_python(here.environment)}",
    }
    here.run("pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt", **own)
    shown = here.pulumi("preview", "-s", "dev", **own)
    assert "warning" not in (shown.stdout + shown.stderr).lower()
    here.environment |= own
    assert here.plan("dev") == ours


def _without_our_python(environment):
    ours = environment.get("VIRTUAL_ENV", "-")
    return ":".join(p for p in environment["PATH"].split(":") if not p.startswith(ours))


def test_the_program_writes_no_file_into_the_checkout():
    """git ignores everything that a run writes; see also the runner's tests."""
    assert "/.toolchain/" in (ROOT / ".gitignore").read_text(encoding="utf-8")
