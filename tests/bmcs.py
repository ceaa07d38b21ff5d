"""BMCs for tests: tests/provider/bmc.py as a process of its own, with certificates made for it."""

import datetime
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.kernel import die_with_parent

EMULATOR = Path(__file__).parent / "provider" / "bmc.py"
USER, PASSWORD = "admin", "correct-horse-battery"
START_SECONDS = 30


def machine(number: int, **habits: Any) -> dict[str, Any]:
    """A system whose every identity can be told from its number."""
    return {
        "uuid": f"27946b59-9e44-4fa7-8e91-0000000000{number:02d}",
        "name": f"node-{number}",
        "serial": f"LAB{number:04d}",
        "nics": [{"mac": f"52:54:00:77:00:{number:02d}", "ip": "192.0.2.1"}],
        "habits": habits,
    }


@dataclass
class Pki:
    """An authority, and the certificate of a BMC that it signed."""

    ca: str
    certificate: str
    key: str
    fingerprint: str

    @classmethod
    def make(cls) -> "Pki":
        authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = _name("test authority")
        ca = _sign(issuer, authority.public_key(), issuer, authority, x509.BasicConstraints(ca=True, path_length=None))
        own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = _sign(_name("bmc"), key.public_key(), issuer, authority, own)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(
            ca.public_bytes(serialization.Encoding.PEM).decode(),
            certificate.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(*form).decode(),
            certificate.fingerprint(hashes.SHA256()).hex(),
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _sign(subject: Any, public: Any, issuer: Any, key: Any, extension: Any) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=2))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


class Bmc:
    """One BMC that runs, and what has happened to its systems."""

    def __init__(
        self, folder: Path, systems: list[dict[str, Any]], matchbox: str | None = None, *, emulator: Path = EMULATOR
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.pki, self.systems, self.matchbox = folder, Pki.make(), systems, matchbox
        self.emulator = emulator
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self._journal, self._faults = folder / "journal", folder / "faults.json"
        self._journal.touch()
        self.faults()
        self._process: subprocess.Popen[bytes] | None = None

    def config(self) -> dict[str, Any]:
        """What the emulator is configured with; the files that it names are written."""
        secret = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
        files = {"certificate": self.pki.certificate, "key": self.pki.key, "htpasswd": f"{USER}:{secret}\n"}
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        return {name: str(self.folder / name) for name in files} | {
            "port": self.port,
            "systems": self.systems,
            "matchbox": self.matchbox,
            "journal": str(self._journal),
            "faults": str(self._faults),
        }

    def start(self) -> "Bmc":
        (self.folder / "config.json").write_text(json.dumps(self.config()), encoding="utf-8")
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(self.emulator), str(self.folder / "config.json")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
                # It finds what the tests find.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self._process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the BMC did not start")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def faults(self, *rules: dict[str, Any]) -> None:
        """From now on: {method, path, status?, delay?, count?, headers?}."""
        fresh = self._faults.with_suffix(".new")
        fresh.write_text(json.dumps(rules), encoding="utf-8")
        fresh.replace(self._faults)

    def become(self, number: int, **changes: Any) -> str:
        """Change a system while the BMC runs: its habits, told, power_state and what else it has. Returns its id."""
        given = machine(number)
        fresh = {"once": None, "held": None, "boot_mode": "UEFI", "told": {}, "power_state": "Off", **given, **changes}
        self.faults({"become": given["uuid"], "changes": fresh})
        self.request_root()
        self.faults()
        return str(given["uuid"])

    def request_root(self) -> None:
        """The service root needs no password, and each request applies what the file of faults says."""
        context = ssl.create_default_context(cadata=self.pki.ca)
        urllib.request.urlopen(f"{self.url}/redfish/v1/", timeout=10, context=context).close()

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self._journal.read_text(encoding="utf-8").splitlines()]
        return [e for e in told if not kinds or e["event"] in kinds]

    def acts(self, name: str = "node-1") -> list[str]:
        """What was done to a system: its halts, and its boots with what they were from."""
        return [e.get("target", "halt") for e in self.events("boot", "halt") if e["system"] == name]

    def forget(self) -> None:
        self._journal.write_text("", encoding="utf-8")
