"""A chart repository that serves another chart than the reviewed one, with the real engine, Helm and Kubernetes API."""

import hashlib
import http.server
import io
import ssl
import subprocess
import tarfile
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.facts.charts import cached
from lab import prepare
from lab.speed import deadline
from lab.testing.kubeapi import KubernetesAPI
from tests.provider.certificates import Pki, admin, pem, private_pem

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from components.kubernetes import Chart

config = pulumi.Config()
kubeconfig = config.require_secret("kubeconfig")
chart = Chart(
    "net-chart", url=config.require("url"), sha256=config.require("sha256"), file=config.require("file"),
    kubeconfig=kubeconfig, opts=pulumi.ResourceOptions(),
)
k8s.helm.v3.Release(
    "net", name="net", chart=chart.file, version="1.2.3", namespace="default", skip_await=True,
    opts=pulumi.ResourceOptions(provider=k8s.Provider("here", kubeconfig=kubeconfig)),
)
"""


def packed(told: str) -> bytes:
    """A packed chart with one ConfigMap."""
    files = {
        "net/Chart.yaml": "apiVersion: v2\nname: net\nversion: 1.2.3\n",
        "net/templates/net.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: net}}\ndata: {{told: {told}}}\n",
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


REVIEWED, OTHER = packed("reviewed"), packed("pwned")
DIGEST = hashlib.sha256(REVIEWED).hexdigest()


class Repository:
    """A chart repository over TLS: what it serves can be exchanged."""

    def __init__(self, folder):
        self.serves, self.asked, pki = REVIEWED, [], Pki()
        repository, key = self, ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "charts")])
        (folder / "charts.pem").write_text(pem(pki.sign(subject, key, hosts=["127.0.0.1"])) + private_pem(key))
        self.authority = folder / "charts-ca.pem"
        self.authority.write_text(pem(pki.ca))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                repository.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(repository.serves)))
                self.end_headers()
                self.wfile.write(repository.serves)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "charts.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_port}/net-1.2.3.tgz"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder, pki = tmp_path_factory.mktemp("charts"), Pki()
    (folder / "client-ca.crt").write_text(pem(pki.ca))
    with KubernetesAPI(
        folder / "api",
        prepare.binaries("kubernetes-api"),
        extra_arguments=[f"--client-ca-file={folder / 'client-ca.crt'}"],
    ) as made:
        yield made, admin(made, pki)


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path)
    yield made
    made.server.shutdown()


@pytest.fixture
def here(api, checkout, repository):
    made = checkout("dev")
    (made.folder / "__main__.py").write_text(PROGRAM)
    (made.folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    made.environment["SSL_CERT_FILE"] = str(repository.authority)
    made.pulumi("config", "set", "--stack", "dev", "--secret", "kubeconfig", api[1])
    for key, value in (
        ("url", repository.url),
        ("sha256", DIGEST),
        ("file", cached("net", "1.2.3", DIGEST)),
    ):
        made.pulumi("config", "set", "--stack", "dev", key, value)
    yield made
    kubectl(api[0], "delete", "configmap,secret", "--all", "--wait=true")


def kubectl(api, *arguments):
    command = [str(prepare.binaries("kubectl")["kubectl"]), f"--kubeconfig={api.kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=deadline(30), check=True).stdout


def told(api):
    """What the chart told the cluster; empty where it was not installed."""
    return kubectl(api[0], "get", "configmap", "-o", "jsonpath={.items[?(@.metadata.name=='net')].data.told}")


def up(here, *, check=True):
    return here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=check)


def test_another_chart_than_the_reviewed_one_is_not_installed(here, api, repository):
    repository.serves = OTHER
    refused = up(here, check=False)
    assert refused.returncode != 0
    assert (
        f"can't be made from {repository.url}: {repository.url.split('/')[2]} served another file, with the digest "
        f"sha256:{hashlib.sha256(OTHER).hexdigest()}; Helm compares no digest itself, so it gets no other chart; check "
        "the repository and cilium.digest"
    ) in " ".join((refused.stdout + refused.stderr).split())
    assert told(api) == ""


def test_the_reviewed_chart_is_installed_and_read_again_without_the_repository(here, api, repository):
    up(here)
    assert told(api) == "reviewed" and repository.asked == ["/net-1.2.3.tgz"]
    repository.serves = OTHER
    assert "unchanged" in up(here).stdout
    assert repository.asked == ["/net-1.2.3.tgz"]
    # Somebody at this computer changes the file: it is fetched again, and the repository serves another chart by now.
    (here.folder / cached("net", "1.2.3", DIGEST)).write_bytes(OTHER)
    plan = here.pulumi("preview", "--stack", "dev", check=False)
    assert plan.returncode != 0 and "served another file" in plan.stdout + plan.stderr
