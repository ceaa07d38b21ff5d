"""A real matchbox with certificates of its own, and checkouts whose program ends with the metal layer."""

import datetime
import ipaddress
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.kernel import die_with_parent
from lab.speed import deadline
from tests.conftest import stack_platform
from tests.engine.conftest import Checkout, checkout, fresh_stack  # noqa: F401 (fixtures)

# The real program without the layers above, which would wait for real machines.
PROGRAM = '''"""The metal layer alone."""

import pulumi

from components import Metal, MetalArgs, load

stack = load(pulumi.Config())
metal = Metal("metal", MetalArgs(platform=stack.platform, matchbox=stack.matchbox, bmc=stack.bmc))
pulumi.export("machines", metal.booted)
'''


@dataclass
class Authority:
    """A CA, and the PEM texts of what it signed."""

    name: str = "test"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.name} authority")])

    @property
    def pem(self) -> str:
        made = self._builder(self.subject, self.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        return _pem(made.sign(self.key, hashes.SHA256()))

    def issue(self, usage: x509.ObjectIdentifier) -> tuple[str, str]:
        """A certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), key)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(made.sign(self.key, hashes.SHA256())), secret.decode()

    def client(self) -> dict[str, str]:
        certificate, key = self.issue(ExtendedKeyUsageOID.CLIENT_AUTH)
        return {"ca": self.pem, "certificate": certificate, "key": key}

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Server:
    """One matchbox; its files, and what it answers."""

    folder: Path
    authority: Authority
    http: int
    rpc: int
    address: str = "127.0.0.1"
    """Where machines ask it; whoever sets it up asks on the loopback link."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.rpc}"

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.folder / "data")) for p in self.folder.glob("data/**/*") if p.is_file())

    def edit(self, name: str, **change: Any) -> None:
        """Changes a file as somebody at the server would."""
        file = self.folder / "data" / name
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))

    def ipxe(self, mac: str) -> str | None:
        """The script that a machine with this MAC gets, or None where it gets none."""
        try:
            with urllib.request.urlopen(
                f"http://{self.address}:{self.http}/ipxe?mac={mac}", timeout=deadline(10)
            ) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return None

    def start(self) -> None:
        command = [
            "matchbox",
            "-log-level",
            "debug",
            "-address",
            f"{self.address}:{self.http}",
            "-rpc-address",
            self.endpoint,
        ]
        command += ["-data-path", f"{self.folder}/data", "-assets-path", f"{self.folder}/assets"]
        command += [arg for name in ("ca", "cert", "key") for arg in (f"-{name}-file", f"{self.folder}/{name}.pem")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
        until = time.monotonic() + deadline(30)
        for where in ((self.address, self.http), ("127.0.0.1", self.rpc)):
            while True:
                try:
                    socket.create_connection(where, timeout=1).close()
                    break
                except OSError:
                    assert self.process.poll() is None and time.monotonic() < until, (self.folder / "log").read_text()
                    time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(deadline(10))
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepared(folder: Path, http: int = 0, address: str = "127.0.0.1") -> Server:
    """A matchbox with certificates and empty folders, not started yet."""
    for name in ("profiles", "groups", "ignition", "generic", "cloud"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "assets").mkdir()
    authority = Authority()
    certificate, key = authority.issue(ExtendedKeyUsageOID.SERVER_AUTH)
    for name, text in (("ca", authority.pem), ("cert", certificate), ("key", key)):
        (folder / f"{name}.pem").write_text(text)
    return Server(folder, authority, http or free_port(), free_port(), address)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A matchbox that runs."""
    made = prepared(tmp_path / "matchbox")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def metal(checkout: Any, server: Server) -> Any:  # noqa: F811
    """Makes a checkout whose stack has its machines booted by this server."""

    def make(stack: str, client: dict[str, str] | None = None) -> Checkout:
        here: Checkout = checkout(stack)
        (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        # Their BMCs have tests of their own (tests/engine/test_power.py).
        here.edit(stack, {f"machines.{machine}.bmc": None for machine in stack_platform(stack)["machines"]})
        serve(here, stack, server, client)
        return here

    return make


def serve(here: Checkout, stack: str, server: Server, client: dict[str, str] | None = None) -> None:
    """Has a stack's machines booted by this server."""
    here.edit(stack, {"boot.matchbox.endpoint": server.endpoint})
    login = {**(client or server.authority.client()), "hosts": server.endpoint.rpartition(":")[0] + ","}
    for part, text in login.items():
        # A PEM starts with dashes, so it must not be read as an option.
        where = ("--stack", stack, "--secret", "--path", "--non-interactive")
        here.run("pulumi", "config", "set", *where, "--", f"bedplate:matchbox.{part}", text)
