"""A certificate authority for the servers of these tests, and the clients that they accept."""

import base64
import datetime
import ipaddress
import json
from collections.abc import Iterable
from typing import Protocol

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Kubeconfig(Protocol):
    """A file with a kubeconfig."""

    def read_text(self) -> str:
        """Its text."""
        ...


class RealApi(Protocol):
    """A real Kubernetes API that wrote a kubeconfig."""

    kubeconfig: Kubeconfig


class Pki:
    """A certificate authority and the certificates that it signs."""

    def __init__(self, name: str = "ca") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = self.sign(self.name, self.key, ca=True)

    def sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        ca: bool = False,
        hosts: Iterable[str] = ("localhost",),
        valid: tuple[datetime.timedelta, datetime.timedelta] | None = None,
    ) -> x509.Certificate:
        """A certificate for a key and for hosts.

        valid: from when and until when, relative to now; for an hour without it.
        """
        now = datetime.datetime.now(datetime.UTC)
        begin, end = valid or (datetime.timedelta(minutes=-1), datetime.timedelta(hours=1))
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if not ca:
            built = built.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        return built.sign(self.key, hashes.SHA256())

    def pair(self, name: str) -> tuple[str, str]:
        """The PEM texts of a new certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        return pem(certificate), private_pem(key)

    def client(self, pki: "Pki | None" = None) -> dict[str, str]:
        """A client of the Talos API as the resources take it: each of its three parts to a PEM text in base64.

        pki: another authority that the client trusts.
        """
        certificate, key = self.pair("admin")
        texts = (pem((pki or self).ca), certificate, key)
        names = ("caCertificate", "clientCertificate", "clientKey")
        return {name: base64.b64encode(text.encode()).decode() for name, text in zip(names, texts, strict=True)}


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as PEM text."""
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()


def admin(api: RealApi, pki: Pki) -> str:
    """A kubeconfig of a real API that trusts this authority, with a client certificate, as Talos issues it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
        x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
    ]
    certificate = pki.sign(x509.Name(subject), key)
    config = yaml.safe_load(api.kubeconfig.read_text())
    texts = {"client-certificate-data": pem(certificate), "client-key-data": private_pem(key)}
    config["users"][0]["user"] = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    return json.dumps(config)
