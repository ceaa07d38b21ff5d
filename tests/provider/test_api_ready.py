"""The gate before the Kubernetes provider, against a real TLS server on this machine."""

import asyncio
import base64
import datetime
import http.server
import json
import ssl
import stat
import threading
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import kubernetes
from provider import (
    framework,
    waiting,
)
from provider.resources import RESOURCES

GATE = RESOURCES["bedplate-native:kubernetes:ApiReady"]


class Pki:
    """A CA, and certificates of it."""

    def __init__(self, name="ca"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = self._sign(self.name, self.key, ca=True)

    def _sign(self, subject, key, ca=False):
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if not ca:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return built.sign(self.key, hashes.SHA256())

    def pair(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return pem(certificate), key.private_bytes(serialization.Encoding.PEM, *form).decode()


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def admin(api, pki):
    """A kubeconfig of a real API that trusts this PKI, with a client certificate, as Talos hands it out."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
        x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
    ]
    certificate = pki._sign(x509.Name(subject), key)
    config = yaml.safe_load(api.kubeconfig.read_text())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    encoded = {"client-certificate-data": pem(certificate).encode(), "client-key-data": private}
    config["users"][0]["user"] = {name: base64.b64encode(value).decode() for name, value in encoded.items()}
    return json.dumps(config)


class Api:
    """An API server that becomes ready after some answers."""

    def __init__(self, folder, answers):
        self.pki = Pki()
        self.answers = list(answers)
        self.asked = 0
        certificate, key = self.pki.pair("server")
        path = Path(folder) / "server.pem"
        path.write_text(certificate + key)
        ca = Path(folder) / "ca.pem"
        ca.write_text(pem(self.pki.ca))
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca))
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(path)
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/version":
                    return self._say(200, json.dumps({"gitVersion": "v1.35.4"}))
                status = api.answers[min(api.asked, len(api.answers) - 1)]
                api.asked += 1
                return self._say(status, "ok" if status == 200 else "not yet")

            def _say(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kubeconfig(self, pki=None):
        certificate, key = self.pki.pair("admin")
        ca = pem((pki or self.pki).ca)
        b64 = lambda text: base64.b64encode(text.encode()).decode()  # noqa: E731
        return yaml.safe_dump(
            {
                "current-context": "admin@dev",
                "contexts": [{"name": "admin@dev", "context": {"cluster": "dev", "user": "admin"}}],
                "clusters": [
                    {
                        "name": "dev",
                        "cluster": {
                            "server": f"https://localhost:{self.server.server_port}",
                            "certificate-authority-data": b64(ca),
                        },
                    }
                ],
                "users": [
                    {
                        "name": "admin",
                        "user": {"client-certificate-data": b64(certificate), "client-key-data": b64(key)},
                    }
                ],
            }
        )


@pytest.fixture
def api(tmp_path):
    made = []

    def start(*answers):
        made.append(Api(tmp_path, answers))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "SAY_SECONDS", 0.05)


def create(kubeconfig, seconds=5.0, said=None):
    say = said.append if said is not None else lambda text: None
    return asyncio.run(GATE.create({"kubeconfig": kubeconfig, "timeoutSeconds": seconds}, say))


def test_it_waits_until_the_api_says_that_it_is_ready(api):
    server = api(503, 503, 200)
    kubeconfig = server.kubeconfig()
    identity, outputs = create(kubeconfig)
    assert server.asked == 3
    assert identity == f"https://localhost:{server.server.server_port}"
    assert outputs == {"kubeconfig": kubeconfig, "timeoutSeconds": 5.0, "version": "v1.35.4"}


def test_it_gives_up_in_time_and_says_what_it_heard_last(api):
    server = api(503)
    said = []
    with pytest.raises(
        framework.UserError,
        match=(
            r"/readyz was not ok within 1 s \(last: HTTP 503\); the resources that depend on it are not created; look"
            r" at the first control plane with: talosctl"
        ),
    ):
        create(server.kubeconfig(), 1.0, said)
    assert said and "/readyz was not ok (last: HTTP 503)" in said[0]


def test_an_api_that_refuses_the_certificate_is_not_waited_for(api):
    server = api(401, 200)
    with pytest.raises(
        framework.UserError,
        match=r"refuses this client certificate \(HTTP 401\); it belongs to another cluster, or has expired",
    ):
        create(server.kubeconfig())
    assert server.asked == 1


def test_another_clusters_api_is_not_trusted(api):
    server = api(200)
    with pytest.raises(framework.UserError, match=r"certificate verify failed"):
        create(server.kubeconfig(pki=Pki("ca")), 1.0)
    assert server.asked == 0


def test_nobody_at_the_address_is_told_as_such(api):
    server = api(200)
    kubeconfig = server.kubeconfig()
    server.server.shutdown()
    server.server.server_close()
    with pytest.raises(framework.UserError, match=r"Connection refused"):
        create(kubeconfig, 1.0)


def test_the_clients_key_is_on_disk_for_a_moment_only_and_for_its_owner_only(api, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(kubernetes.tempfile, "tempdir", str(tmp_path))
    load = ssl.SSLContext.load_cert_chain

    def spy(self, path, *args):
        seen.append((stat.S_IMODE(Path(path).stat().st_mode), stat.S_IMODE(Path(path).parent.stat().st_mode)))
        load(self, path, *args)

    server = api(200)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", spy)
    create(server.kubeconfig())
    assert seen == [(0o600, 0o700)]
    assert [p.name for p in tmp_path.glob("bedplate-*")] == []


@pytest.mark.parametrize("text", ["", "not: a kubeconfig", "[]", "{", "contexts: []", None, 5])
def test_what_is_no_kubeconfig_is_refused_in_the_plan_and_not_shown(text):
    wrong = GATE.check({"kubeconfig": text, "timeoutSeconds": 900})
    assert [w.property for w in wrong] == ["kubeconfig"]
    assert wrong[0].reason.startswith(
        "is missing; " if text in ("", None) else "is not a kubeconfig with a client certificate"
    )


@pytest.mark.parametrize("seconds", [0, -1, 99999, "900", True, None])
def test_a_wait_that_may_not_end_is_refused(seconds):
    wrong = GATE.check({"kubeconfig": framework.UNKNOWN, "timeoutSeconds": seconds})
    what = "is missing" if seconds is None else "is not a number from 1 to 7200"
    assert [str(w.reason) for w in wrong] == [f"{what}; every wait needs a deadline; write e.g. 900"]


def test_a_plan_knows_all_but_the_version():
    planned = GATE.plan({"kubeconfig": framework.UNKNOWN, "timeoutSeconds": 900})
    assert planned == {"kubeconfig": framework.UNKNOWN, "timeoutSeconds": 900, "version": framework.UNKNOWN}
