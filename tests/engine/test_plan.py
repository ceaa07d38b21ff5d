"""The main job with the real engine and the real plugins: a plan of everything, judged, with nothing at hand."""

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
def test_a_first_plan_shows_every_layer_with_no_warning_and_passes_its_policies(checkout, stack):
    here = checkout(stack)
    shown = here.preview(stack)
    text = shown.stdout + shown.stderr
    assert "warning" not in text.lower()
    assert re.search(r"Policies:\s+✅ bedplate", text), text
    types = {urn.split("::")[2].rsplit("$", 1)[-1] for urn in here.plan(stack)}
    assert [layer for layer in LAYERS if layer not in types] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_plan_needs_no_hardware_no_cluster_and_no_network(checkout, stack):
    """Seen in a network namespace with a loopback link and no other, and it is the same plan."""
    here = checkout(stack)
    assert "bedplate" in here.preview(stack, network=False).stdout
    assert here.plan(stack, network=False) == here.plan(stack)


def test_a_plan_tells_a_person_what_to_do_and_names_nobody_outside(checkout):
    """In a rack with no way out, for a machine with no BMC."""
    here = checkout("prod")
    here.edit("prod", {"machines.wk-1.bmc": None, "machines.wk-1.location": {"rack": "r12", "unit": 7}})
    told = here.preview("prod", network=False).stdout.partition("Diagnostics:")[2]
    told = told[told.index("metal:ByHand (metal-wk-1)") :].partition("\n\n")[0]
    lines = [line.strip() for line in told.splitlines()[1:]]
    assert lines[:2] == [
        "boot it by hand, unless that is already done for install.generation 1:",
        "1. find wk-1: rack r12, unit 7, MAC 0c:c4:7a:00:02:01",
    ]
    assert len(lines) == 6 and "https://factory.prod.example.com/image/" in lines[2] and "talos.dev" not in told


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ({"network.endpoint": "192.168.10.11", "machines.cp-1.adress": "x"}, 2),
        ({"talos.version": "v1.14"}, 1),
        ({"vms.web.memory": "4GB", "vms.web.cpu": "two", "name": None}, 3),
    ],
)
def test_a_faulty_stack_file_ends_in_lines_and_no_traceback(checkout, edits, lines):
    here = checkout("dev")
    here.edit("dev", edits)
    shown = here.preview("dev", check=False)
    text = shown.stdout + shown.stderr
    assert shown.returncode != 0
    assert "Traceback" not in text and 'File "' not in text
    told = {line.strip() for line in text.splitlines() if line.strip().startswith("platform.")}
    assert len(told) == lines
    assert all(line.count("; ") >= 2 for line in told)


def test_a_loosened_control_fails_the_plan_with_rule_object_and_remedy(checkout):
    """A user's own patch is judged like everything else: merged last, it would win."""
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


def test_the_program_leaves_the_checkout_as_it_was():
    """Everything that a run writes is ignored by git; see also the runner's own tests."""
    assert "/.toolchain/" in (ROOT / ".gitignore").read_text(encoding="utf-8")
