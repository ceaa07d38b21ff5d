"""A chart repository yields the reviewed chart or nothing, whatever it does."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import charts
from clients.bounded import Limits
from tests.clients import hostile
from tests.provider.certificates import Pki, pem, private_pem

CHART = b"a packed chart"
DIGEST = hashlib.sha256(CHART).hexdigest()
QUICK = Limits(0.3, hostile.MIB)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The address of a repository with one chart, and a client's TLS that trusts it."""
    pki = Pki()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Serving)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = pki.sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "charts")]), key, hosts=["127.0.0.1"])
    (tmp_path / "server.pem").write_text(pem(certificate) + private_pem(key))
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", ssl.create_default_context(cadata=pem(pki.ca))
    server.shutdown()


class _Serving(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/cilium-1.19.6.tgz"
        self.send_response(200 if found else 302 if self.path == "/moved.tgz" else 404)
        if self.path == "/moved.tgz":
            self.send_header("Location", "https://evil.example/cilium-1.19.6.tgz")
        self.end_headers()
        self.wfile.write(CHART if found else b"")

    def log_message(self, *_: object) -> None:
        pass


def test_the_reviewed_chart_is_fetched(repository: tuple[str, ssl.SSLContext]) -> None:
    url, tls = repository
    assert charts.fetch(f"{url}/cilium-1.19.6.tgz", DIGEST, tls) == CHART


@pytest.mark.parametrize(
    ("path", "sha256", "says"),
    [
        ("cilium-1.19.6.tgz", "0" * 64, f" served another file, with the digest sha256:{DIGEST}"),
        ("cilium-1.19.7.tgz", DIGEST, " answered with status 404"),
        ("moved.tgz", DIGEST, " answered with status 302, and redirects are not followed"),
    ],
)
def test_what_is_not_the_reviewed_chart_is_refused(
    repository: tuple[str, ssl.SSLContext], path: str, sha256: str, says: str
) -> None:
    url, tls = repository
    with pytest.raises(charts.Unusable) as refused:
        charts.fetch(f"{url}/{path}", sha256, tls)
    assert str(refused.value) == url.removeprefix("https://") + says


@pytest.mark.parametrize("name", [*hostile.ANSWERS, *hostile.HANDSHAKES, *hostile.CERTIFICATES])
def test_a_hostile_repository_ends_in_its_deadline_with_one_line(tmp_path: Path, name: str) -> None:
    with hostile.serving(tmp_path, name) as server:
        tls, began = ssl.create_default_context(cadata=pem(server.pki.ca)), time.monotonic()
        with pytest.raises(charts.Unusable) as refused:
            charts.fetch(f"{server.url}/cilium-1.19.6.tgz", DIGEST, tls, QUICK)
        assert time.monotonic() - began < 10
    said = str(refused.value)
    assert said.startswith(f"127.0.0.1:{server.port}") and said.isprintable() and "pwned" not in said


def test_a_certificate_that_this_computer_does_not_trust_is_refused(repository: tuple[str, ssl.SSLContext]) -> None:
    with pytest.raises(charts.Unusable, match="unable to get local issuer certificate"):
        charts.fetch(f"{repository[0]}/cilium-1.19.6.tgz", DIGEST)
