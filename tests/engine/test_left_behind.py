"""Recovery from what a killed run left in a cluster, with the real engine, Helm and Kubernetes API."""

import base64
import copy
import gzip
import json
import subprocess

import pytest
from conftest import stack_platform

from core.manifests.kubevirt import operator
from core.model import parse
from lab import prepare
from lab.speed import deadline
from lab.testing.kubeapi import KubernetesAPI
from tests.provider.certificates import Pki, admin, pem

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from components.kubernetes import clear_interrupted_release

kubeconfig = pulumi.Config().require_secret("kubeconfig")
provider = k8s.Provider("here", kubeconfig=kubeconfig)
k8s.helm.v3.Release(
    "net", name="net", chart="./chart", version="1.2.3", namespace="default", skip_await=True,
    values={"told": pulumi.Config().get("told") or "one"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        hooks=clear_interrupted_release(
            "net", kubeconfig=kubeconfig, namespace="default", release="net", version="1.2.3"
        ),
    ),
)
"""
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: net}
data: {told: {{ .Values.told }}}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder, pki = tmp_path_factory.mktemp("helm"), Pki()
    (folder / "client-ca.crt").write_text(pem(pki.ca))
    with KubernetesAPI(
        folder / "api",
        prepare.binaries("kubernetes-api"),
        extra_arguments=[f"--client-ca-file={folder / 'client-ca.crt'}"],
    ) as api:
        yield api, admin(api, pki)


@pytest.fixture
def release(api, checkout, tmp_path):
    here = checkout("dev")
    chart = here.folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: net\nversion: 1.2.3\n")
    (chart / "templates" / "net.yaml").write_text(TEMPLATE)
    (here.folder / "__main__.py").write_text(PROGRAM)
    (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    here.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", api[1])
    yield here
    kubectl(api[0], "delete", "configmap,secret", "--all", "--wait=true")


def kubectl(api, *arguments, stdin=None):
    command = [str(prepare.binaries("kubectl")["kubectl"]), f"--kubeconfig={api.kubeconfig}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=deadline(30), check=True).stdout


def leave(api, status, version="1.2.3", revision=1):
    """Create a release record as Helm writes it."""
    record = json.dumps(
        {
            "name": "net",
            "version": revision,
            "namespace": "default",
            "info": {"status": status},
            "chart": {"metadata": {"name": "net", "version": version}},
        }
    )
    packed = base64.b64encode(base64.b64encode(gzip.compress(record.encode()))).decode()
    labels = {"owner": "helm", "name": "net", "status": status, "version": str(revision)}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "data": {"release": packed},
        "metadata": {"name": f"sh.helm.release.v1.net.v{revision}", "labels": labels},
    }
    kubectl(api, "apply", "-f", "-", stdin=json.dumps(secret))


def up(here, check=True):
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=check)
    return done.returncode, done.stdout + done.stderr


def statuses(api):
    secrets = json.loads(kubectl(api, "get", "secrets", "--selector=owner=helm", "--output=json"))["items"]
    return sorted((s["metadata"]["labels"]["version"], s["metadata"]["labels"]["status"]) for s in secrets)


def test_the_record_of_an_interrupted_installation_is_removed(api, release):
    leave(api[0], "pending-install")
    _, output = up(release)
    assert "cleared Helm's record sh.helm.release.v1.net.v1 (pending-install), which an interrupted run left" in output
    assert statuses(api[0]) == [("1", "deployed")]


def test_a_release_that_a_killed_run_installed_is_adopted(api, release):
    """The plugin may finish an installation after the engine was killed."""
    up(release)
    before = kubectl(api[0], "get", "configmap", "net", "--output=jsonpath={.metadata.uid}")
    release.pulumi("stack", "rm", "--stack", "dev", "--yes", "--force", "--preserve-config")
    release.pulumi("stack", "init", "dev")
    release.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", api[1])
    _, output = up(release)
    assert "cleared Helm's record sh.helm.release.v1.net.v1 (deployed)" in output
    assert kubectl(api[0], "get", "configmap", "net", "--output=jsonpath={.metadata.uid}") == before, "not made anew"


def test_another_release_of_that_name_is_left_alone(api, release):
    leave(api[0], "deployed", version="1.1.0")
    code, output = up(release, check=False)
    assert (
        code != 0
        and "a release net of chart version 1.1.0 is deployed in default, but is not in the stack's state" in output
    )
    assert statuses(api[0]) == [("1", "deployed")]


def test_the_record_of_an_interrupted_upgrade_is_removed_and_the_last_good_one_stays(api, release):
    up(release)
    leave(api[0], "pending-upgrade", revision=2)
    release.pulumi("config", "set", "--stack", "dev", "told", "two")
    _, output = up(release)
    assert "cleared Helm's record sh.helm.release.v1.net.v2 (pending-upgrade)" in output
    assert kubectl(api[0], "get", "configmap", "net", "--output=jsonpath={.data.told}") == "two"


def test_a_plan_reads_no_helm_record(api, release):
    leave(api[0], "pending-install")
    release.pulumi("preview", "--stack", "dev")
    assert statuses(api[0]) == [("1", "pending-install")]


OBJECTS = """
import json, pulumi
import pulumi_kubernetes as k8s
from pathlib import Path
from components.kubernetes import KubernetesObject

provider = k8s.Provider("here", kubeconfig=pulumi.Config().require_secret("kubeconfig"))
for manifest in json.loads(Path("objects.json").read_text()):
    name = f"{manifest['kind'].lower()}-{manifest['metadata']['name']}"
    KubernetesObject(name, manifest, pulumi.ResourceOptions(provider=provider))
"""


def forget(here, api):
    """As if the engine was killed after the object was created and before the state was written."""
    here.pulumi("stack", "rm", "--stack", "dev", "--yes", "--force", "--preserve-config")
    here.pulumi("stack", "init", "dev")
    here.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", api[1])


def test_an_object_that_is_missing_in_the_state_is_adopted_also_with_other_values(api, release):
    """The provider has a new field manager for each object, so one of a killed run would conflict with itself."""
    configmap = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mine", "namespace": "default"},
        "data": {"told": "one"},
    }
    (release.folder / "__main__.py").write_text(OBJECTS)
    (release.folder / "objects.json").write_text(json.dumps([configmap]))
    up(release)
    forget(release, api)
    (release.folder / "objects.json").write_text(json.dumps([{**configmap, "data": {"told": "two"}}]))
    up(release)
    assert kubectl(api[0], "get", "configmap", "mine", "--output=jsonpath={.data.told}") == "two"
    up(release)


def test_kubevirts_operator_is_adopted_unchanged(api, release):
    """Found by killing an update: the Deployment conflicted with the existing one."""
    whole = copy.deepcopy(operator(parse(stack_platform("dev")).kubevirt.version))
    kept = [each for each in whole if each["kind"] in ("Namespace", "Deployment")]
    for each in kept:
        if each["kind"] == "Deployment":
            # There is no node on which it could become ready.
            each["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    (release.folder / "__main__.py").write_text(OBJECTS)
    (release.folder / "objects.json").write_text(json.dumps(kept))
    up(release)
    forget(release, api)
    up(release)
