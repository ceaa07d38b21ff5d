"""Local volumes and CDI with the real engine and Kubernetes plugin, against a real API with CDI's definition."""

import json
import subprocess

import pytest
import yaml
from conftest import changed, stack_platform

from core.facts.versions import CURRENT
from lab import prepare
from lab.speed import deadline
from lab.testing.kubeapi import KubernetesAPI
from tests.diskvms import EPHEMERAL
from tests.provider.certificates import Pki, admin, pem

pytestmark = pytest.mark.engine

VOLUMES = {"storage": {"local": {}}, "cdi": {"version": CURRENT["cdi"]}}
# There is no node, so no Deployment becomes ready and no operator acts.
PROGRAM = """
import json
import types
import pulumi
import pulumi_kubernetes as k8s
from components.kubernetes import objects
from components.storage import volumes
from core.model import parse

def at_once(manifest, owned=objects.owned):
    made = owned(manifest)
    annotations = {k: v for k, v in made["metadata"]["annotations"].items() if k != "pulumi.com/waitFor"}
    return {**made, "metadata": {**made["metadata"], "annotations": {**annotations, "pulumi.com/skipAwait": "true"}}}

objects.owned = at_once
config = pulumi.Config()
here = k8s.Provider("here", kubeconfig=config.require_secret("kubeconfig"))
cluster = types.SimpleNamespace(
    platform=parse(json.loads(config.require("described"))),
    network=here,
    options=lambda parent, *needed: pulumi.ResourceOptions(parent=parent, provider=here, depends_on=list(needed)),
)
volumes(cluster)
"""
# CDI's operator makes this definition, and CDI an object for each class that it sees.
PROFILES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "storageprofiles.cdi.kubevirt.io"},
    "spec": {
        "group": "cdi.kubevirt.io",
        "names": {"kind": "StorageProfile", "plural": "storageprofiles", "singular": "storageprofile"},
        "scope": "Cluster",
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}
PROFILE = {
    "apiVersion": "cdi.kubevirt.io/v1beta1",
    "kind": "StorageProfile",
    "metadata": {"name": "local", "labels": {"app": "containerized-data-importer"}},
    "spec": {},
}


@pytest.fixture
def api(tmp_path):
    pki = Pki()
    (tmp_path / "client-ca.crt").write_text(pem(pki.ca))
    trust = [f"--client-ca-file={tmp_path / 'client-ca.crt'}"]
    with KubernetesAPI(tmp_path / "api", prepare.binaries("kubernetes-api"), extra_arguments=trust) as made:
        yield made, admin(made, pki)


@pytest.fixture
def here(api, checkout):
    made = checkout("dev")
    (made.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (made.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    made.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", api[1])
    made.pulumi("config", "set", "--stack", "dev", "described", json.dumps(changed(stack_platform("dev"), VOLUMES)))
    return made


def kubectl(api, *arguments, given=""):
    command = [str(prepare.binaries("kubectl")["kubectl"]), f"--kubeconfig={api[0].kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=deadline(60), check=True, input=given).stdout


def of(api, kind, name):
    return json.loads(kubectl(api, "get", kind, name, "-o", "json"))


def test_a_cluster_gets_every_object_once_and_keeps_what_cdi_made(here, api):
    kubectl(api, "apply", "--server-side", "-f", "-", given=yaml.safe_dump(PROFILES))
    kubectl(api, "wait", "--for=condition=Established", "crd/storageprofiles.cdi.kubevirt.io", "--timeout=30s")
    kubectl(api, "apply", "--server-side", "-f", "-", given=yaml.safe_dump(PROFILE))
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes")

    profile = of(api, "storageprofile", "local")
    assert profile["metadata"]["labels"] == {"app": "containerized-data-importer"}
    assert profile["spec"]["claimPropertySets"] == [{"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}]
    # The definition of the release accepts each field.
    spec = of(api, "cdi", "cdi")["spec"]
    assert spec["config"]["scratchSpaceStorageClass"] == "local-scratch" and spec["infra"]["deploymentReplicas"] == 1
    assert of(api, "storageclass", "local")["reclaimPolicy"] == "Retain"

    edited = "storageclass.kubernetes.io/is-default-class=false"
    kubectl(api, "annotate", "--overwrite", "storageclass", "local", edited)
    # Kubernetes refuses to take a field from whoever edited it, and the plan shows which one it is.
    seen = here.pulumi("preview", "--stack", "dev", "--refresh", "--diff", check=False)
    assert '~ storageclass.kubernetes.io/is-default-class: "false" => "true"' in seen.stdout


def test_a_first_plan_with_volumes_has_no_warning_and_passes_its_policies(checkout):
    here = checkout("dev")
    here.edit("dev", EPHEMERAL)
    before = here.plan("dev")
    here.edit("dev", VOLUMES)
    shown = here.preview("dev", network=False)
    assert "warning" not in (shown.stdout + shown.stderr).lower() and "Policies:" in shown.stdout + shown.stderr
    after = here.plan("dev", network=False)
    changed_ones = {urn.rpartition("::")[2] for urn in before if after.get(urn) != before[urn]}
    # The machine gets a folder, and the guard compares one more version.
    assert changed_ones <= {"talos-cp-1", "talos-guard", "talos-etcd", "talos-kubeconfig"}, changed_ones
    assert {urn.rpartition("::")[2] for urn in set(after) - set(before)} >= {"local", "local-scratch", "cdi"}
