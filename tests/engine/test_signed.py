"""The signed kubeconfig with the real engine, the real Kubernetes plugin and a real API, through its whole life."""

import asyncio
import base64
import ipaddress
import json
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from clients.kubernetes import Access, get
from core.credentials import kubeconfig
from core.credentials.signing import ADMIN, MASTERS, signed
from core.native.kubernetes import KUBECONFIG_SIGNED
from core.state import unwrap_secret
from lab import prepare
from lab.testing.kubeapi import KubernetesAPI
from operations.adopt.state import secret
from provider.resources import RESOURCES
from tests.provider.certificates import pem

pytestmark = pytest.mark.engine

# From the PKI to an object, as __main__.py has it.
PROGRAM = """
import types
import pulumi
import pulumi_kubernetes as k8s
from components.kubernetes import api
from components.talos.kubeconfig import Kubeconfig

class Above(pulumi.ComponentResource):
    pass
config = pulumi.Config()
platform = types.SimpleNamespace(name="dev", api=config.require("server"))
given = config.require_secret_object("secrets")
above = Above("bedplate:talos:Talos", "talos")
made = Kubeconfig("talos-kubeconfig", platform, given, above, pulumi.ResourceOptions(parent=above))
kubernetes = api.Kubernetes("kubernetes", api.KubernetesArgs(platform=platform, kubeconfig=made.kubeconfig))
k8s.core.v1.ConfigMap("first", opts=pulumi.ResourceOptions(provider=kubernetes.provider))
"""
KEYS = {
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    # As in many clusters that were adopted.
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}
NOW = datetime.now(UTC)


class Api(KubernetesAPI):
    """A real API whose certificates and clients are those of an authority."""

    authority: dict[str, str]

    def _secrets(self) -> None:
        super()._secrets()
        issuer, key = _certificate("kubernetes", self.own), self.own
        server = ec.generate_private_key(ec.SECP256R1())
        (self.directory / "ca.crt").write_text(pem(issuer))
        (self.directory / "server.crt").write_text(pem(_certificate("server", server, issuer, key)))
        (self.directory / "server.key").write_bytes(_written(server))
        texts = {"cert": pem(issuer).encode(), "key": _written(key)}
        self.authority = {name: base64.b64encode(text).decode() for name, text in texts.items()}


def _certificate(name, key, issuer=None, signer=None):
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, name)])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(signer or key, hashes.SHA256())
    )


def _written(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)


@pytest.fixture
def api(tmp_path):
    """Starts a real API of a kind of authority."""
    with ExitStack() as running:

        def start(kind):
            folder = tmp_path / "api"
            trust = [f"--client-ca-file={folder / 'ca.crt'}"]
            made = Api(folder, prepare.binaries("kubernetes-api"), extra_arguments=trust)
            made.own = KEYS[kind]()
            return running.enter_context(made)

        yield start


@pytest.fixture
def cluster(api, checkout):
    """A checkout with the program, and a real API."""
    here, made = checkout("dev"), api("ecdsa")
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    secrets = json.dumps({"certs": {"k8s": made.authority}})
    here.pulumi("config", "set", "--stack", "dev", "server", made.url)
    here.pulumi("config", "set", "--stack", "dev", "--secret", "secrets", secrets)
    return here, made


def up(here, *options):
    return here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", *options).stdout


def held(here):
    """The exported state, and the kubeconfig resource in it."""
    exported = json.loads(here.pulumi("stack", "export", "--stack", "dev", "--show-secrets").stdout)
    (made,) = [one for one in exported["deployment"]["resources"] if one["type"] == KUBECONFIG_SIGNED.token]
    return exported, made


@pytest.mark.parametrize("kind", KEYS)
def test_a_real_api_admits_it_as_its_administrator(api, kind):
    made = api(kind)
    inputs = {"cluster": "dev", "server": made.url, "authority": made.authority}
    _, outputs = asyncio.run(RESOURCES[KUBECONFIG_SIGNED.token].create(inputs, print))
    access = Access.parse(outputs["kubeconfig"])
    with access.tls() as tls:
        assert json.loads(get(access, tls, "/api/v1/namespaces"))["items"]


def test_a_renewal_updates_the_provider_and_replaces_nothing(cluster):
    here, api = cluster
    assert "+ 7 created" in up(here)
    up(here, "--expect-no-changes")
    exported, made = held(here)
    good = kubeconfig.parse(unwrap_secret(made["outputs"]["kubeconfig"]))
    assert good.server == api.url and json.dumps(made["inputs"]).count(good.key.splitlines()[1]) == 0

    client = signed(api.authority, NOW - timedelta(days=355), organization=MASTERS, name=ADMIN)
    old = [base64.b64decode(client[part]).decode() for part in ("clientCertificate", "clientKey")]
    short = kubeconfig.Kubeconfig(good.cluster, good.server, good.authority, *old)
    made["outputs"]["kubeconfig"] = secret(short.text())
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", "dev"],
        input=json.dumps(exported),
        text=True,
        cwd=here.folder,
        env=here.environment,
        check=True,
        capture_output=True,
    )
    plan = here.pulumi("preview", "--stack", "dev").stdout
    ends = (NOW + timedelta(days=10)).strftime("%Y-%m-%d")
    assert f"the administrator's certificate is renewed, because it expires on {ends}" in plan
    assert short.key.splitlines()[1] not in plan and "to replace" not in plan
    shown = up(here)
    assert "3 updated" in shown and "replaced" not in shown and "created" not in shown.rpartition("Resources:")[2]
    renewed = kubeconfig.parse(unwrap_secret(held(here)[1]["outputs"]["kubeconfig"]))
    assert renewed.certificate not in (short.certificate, good.certificate) and renewed.server == good.server

    up(here, "--target-replace", "**talos-kubeconfig")
    again = kubeconfig.parse(unwrap_secret(held(here)[1]["outputs"]["kubeconfig"]))
    assert again.certificate != renewed.certificate
