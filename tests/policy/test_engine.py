"""The pack on the real engine: what a user sees of a violation, and of none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.engine

PROGRAM = '''
"""Registers the objects of objects.json, with a provider for an unreachable cluster."""
import json
import pathlib
import pulumi

cluster = {"server": "https://127.0.0.1:1"}
kubeconfig = json.dumps({
    "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
    "clusters": [{"name": "k", "cluster": cluster}],
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
})
provider = pulumi.ProviderResource("kubernetes", "platform", {"kubeconfig": pulumi.Output.secret(kubeconfig)})
for token, name, props in json.loads(pathlib.Path("objects.json").read_text()):
    pulumi.CustomResource(token, name, props, pulumi.ResourceOptions(provider=provider))
'''
NAMESPACE = [
    "kubernetes:core/v1:Namespace",
    "vms",
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "vms", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
    },
]


def vm(eviction: str | None, image: str) -> list[object]:
    guest = {
        "evictionStrategy": eviction,
        "domain": {"memory": {"guest": "1Gi"}, "devices": {"interfaces": [{"name": "default", "masquerade": {}}]}},
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", "containerDisk": {"image": image}}],
    }
    spec = {"runStrategy": "Always", "template": {"spec": {k: v for k, v in guest.items() if v is not None}}}
    return [
        "kubernetes:kubevirt.io/v1:VirtualMachine",
        "vm-web",
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": {"name": "web", "namespace": "vms"},
            "spec": spec,
        },
    ]


class Project:
    def __init__(self, at: Path) -> None:
        self.at = at
        python = str(Path(sys.executable).parent)
        self.env = {
            **os.environ,
            "PATH": os.pathsep.join([python, os.environ["PATH"]]),
            "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(at / "home")),
            "PULUMI_BACKEND_URL": f"file://{at / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        (at / "state").mkdir()
        (at / "Pulumi.yaml").write_text("name: throwaway\nruntime: python\n")
        (at / "__main__.py").write_text(PROGRAM)
        self.run("stack", "init", "dev")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", "--non-interactive", "--color=never", *command],
            cwd=self.at, env=self.env, capture_output=True, text=True, timeout=180,
        )  # fmt: skip

    def preview(self, *objects: object, options: tuple[str, ...] = ()) -> tuple[int, str]:
        (self.at / "objects.json").write_text(json.dumps(objects))
        done = self.run("preview", "--stack=dev", f"--policy-pack={ROOT / 'policy' / 'pack'}", *options)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    needed = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")
    missing = [name for name in needed if not shutil.which(name)]
    if "PULUMI_HOME" not in os.environ:
        assert not missing, f"not on PATH: {', '.join(missing)}; ./bedplate test puts them there"
    return Project(tmp_path_factory.mktemp("project"))


def test_what_complies_passes(project: Project) -> None:
    code, shown = project.preview(NAMESPACE, vm("None", "quay.io/containerdisks/fedora:42"))
    assert code == 0, shown
    assert "bedplate@v0.1.0" in shown and "violation" not in shown
    assert "+ 4 to create" in shown, shown  # with the stack and its provider


def test_a_violation_stops_the_preview_and_says_where_why_and_what_to_do(project: Project) -> None:
    code, shown = project.preview(NAMESPACE, vm(None, "fedora:latest"))
    assert code != 0
    for text in (
        "[mandatory]",
        "vm-says-what-a-drain-does",
        "Upgrades drain nodes; without evictionStrategy a cluster default decides what happens to the guest.",
        "vms/VirtualMachine/web: spec.template.spec.evictionStrategy is not one of "
        "LiveMigrate, LiveMigrateIfPossible, External, None. "
        "Fix: set evictionStrategy: LiveMigrate, or None where there is no other node",
        "vm-image-is-pinned",
        "spec.template.spec.volumes[0].containerDisk.image has no tag, or the moving tag latest",
    ):
        assert text in shown, shown
    assert "namespace-names-a-standard" not in shown


def test_a_stack_can_ask_for_more(project: Project) -> None:
    strict = f"--policy-pack-config={ROOT / 'policy' / 'strict.json'}"
    code, shown = project.preview(NAMESPACE, vm("None", "quay.io/containerdisks/fedora:42"), options=(strict,))
    assert code != 0
    assert "[mandatory]" in shown and "vm-survives-node-drain" in shown
    assert "[advisory]" in shown and "vm-image-has-digest" in shown


def test_what_a_target_leaves_out_stops_nothing(project: Project) -> None:
    """It arrives without inputs: a Namespace with no label, a machine with no memory."""
    target = "--target=urn:pulumi:dev::throwaway::pulumi:providers:kubernetes::platform"
    code, shown = project.preview(NAMESPACE, vm("None", "quay.io/containerdisks/fedora:42"), options=(target,))
    assert code == 0, shown
