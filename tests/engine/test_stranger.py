"""A stranger answers at a control plane's address: with the real engine and plugins, nothing of it reaches a plugin."""

import pytest

from tests.engine.stranger import ADDRESS, Stranger

pytestmark = pytest.mark.engine

# The order of __main__.py, from the PKI to a first object. The seconds are those of a test.
PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
import pulumiverse_talos as talos
from components.kubernetes import api
from components.talos.kubeconfig import Kubeconfig
from core.model import parse

api.API_TIMEOUT_SECONDS = 2
platform = parse(pulumi.Config().require_object("platform"))
class Above(pulumi.ComponentResource):
    pass
above = Above("bedplate:talos:Talos", "talos")
pki = talos.machine.Secrets("talos-secrets", talos_version="v1.12")
given = pulumi.Output.secret(pki.machine_secrets)
{kubeconfig}
kubernetes = api.Kubernetes("kubernetes", api.KubernetesArgs(platform=platform, kubeconfig=kubeconfig))
k8s.core.v1.ConfigMap("first", opts=pulumi.ResourceOptions(provider=kubernetes.provider))
"""
OURS = 'kubeconfig = Kubeconfig("talos-kubeconfig", platform, given, above, pulumi.ResourceOptions()).kubeconfig'
PLUGINS = f"""
asked = talos.cluster.Kubeconfig("talos-kubeconfig", node="{ADDRESS}", client_configuration=pki.client_configuration)
kubeconfig = pulumi.Output.secret(asked.kubeconfig_raw)
"""


@pytest.fixture
def stranger(tmp_path):
    made = Stranger(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def attacked(checkout, stranger, tmp_path):
    """A checkout, and the file that the stranger's command writes."""

    def make(kubeconfig):
        here = checkout("dev")
        (here.folder / "__main__.py").write_text(PROGRAM.replace("{kubeconfig}", kubeconfig), encoding="utf-8")
        written = tmp_path / "written"
        stranger.user["exec"] = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "interactiveMode": "Never",
            "command": "/bin/sh",
            "args": ["-c", f'echo "passphrase=$PULUMI_CONFIG_PASSPHRASE" > {written}'],
        }
        return here, written

    return make


def up(here):
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_stranger_is_asked_nothing_and_nothing_of_it_runs(attacked, stranger):
    here, written = attacked(OURS)
    code, text = up(here)
    assert code and "https://192.168.10.5:6443/readyz was not ok within 2 s" in text, text
    assert "bedplate-native:kubernetes:Kubeconfig talos-kubeconfig created" in text.replace("  ", " ")
    assert stranger.asked == [] and not written.exists()


def test_a_kubeconfig_that_came_from_a_stranger_ends_in_one_line(attacked, stranger):
    """The plugin itself would still be taken in: it asks without a certificate first. Its text goes no further."""
    here, written = attacked(PLUGINS)
    code, text = up(here)
    assert stranger.asked == ["Disks, client certificate: False", "Kubeconfig, client certificate: False"]
    assert code and (
        "kubeconfig is not a kubeconfig with a client certificate and nothing else: its user has exec; " in text
    ), text
    assert "Traceback" not in text and not written.exists()
