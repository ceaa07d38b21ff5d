"""Client certificates that the platform's own authorities sign: of the Talos API and of the Kubernetes API."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The lifetime and role that Talos' own tools use.
LIFETIME = timedelta(days=365)
ROLE = "os:admin"
# The group and the name that Talos writes into an administrator's certificate.
# Source: siderolabs/talos, pkg/machinery/constants/constants.go, KubernetesAdminCertOrganization and
# KubernetesAdminCertCommonName.
MASTERS, ADMIN = "system:masters", "admin"
# A client's clock may be ahead of the server's.
BACKDATED = timedelta(minutes=5)
# Talos writes the kind of key into its PEM label; OpenSSL does not know that label.
TALOS_LABEL, LABEL = b"ED25519 PRIVATE KEY", b"PRIVATE KEY"
# What the key of such a certificate is not for: it only signs.
_NO_USAGE = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def private_key(pem: bytes) -> CertificateIssuerPrivateKeyTypes:
    """A private key as Talos writes it. Raises ValueError for text that is no such key."""
    try:
        key = serialization.load_pem_private_key(pem.replace(TALOS_LABEL, LABEL), None)
    except Exception:
        # The library's message may quote the text.
        raise ValueError("is no private key in PEM") from None
    return key  # type: ignore[return-value]  # A key that cannot sign certificates fails when it signs.


def signed(
    authority: Mapping[str, str],
    now: datetime,
    *,
    organization: str = ROLE,
    name: str = "",
    lifetime: timedelta = LIFETIME,
) -> dict[str, str]:
    """A client certificate of an authority, whose cert and key are PEM in base64. The result is secret.

    Its keys are those of the Talos plugin: caCertificate, clientCertificate and clientKey, each PEM in base64.
    """
    talos = organization == ROLE
    key = ed25519.Ed25519PrivateKey.generate() if talos else ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(authority, key, _subject(organization, name), now, lifetime)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    written = key.private_bytes(*form)
    return {
        "caCertificate": authority["cert"],
        "clientCertificate": base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode(),
        "clientKey": base64.b64encode(written.replace(LABEL, TALOS_LABEL) if talos else written).decode(),
    }


def _certificate(
    authority: Mapping[str, str],
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    now: datetime,
    lifetime: timedelta,
) -> x509.Certificate:
    issuer = x509.load_pem_x509_certificate(base64.b64decode(authority["cert"]))
    signer = private_key(base64.b64decode(authority["key"]))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        # No longer than the authority that signs it.
        .not_valid_after(min(now + lifetime, issuer.not_valid_after_utc))
        .add_extension(x509.KeyUsage(digital_signature=True, **dict.fromkeys(_NO_USAGE, False)), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_identifier(issuer), critical=False)
        .sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


def _identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The authority's own identifier, which need not be the hash of its key."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _subject(organization: str, name: str) -> x509.Name:
    common_name = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), *common_name])


def administers(certificate: str, key: str, authority: str) -> bool:
    """Whether a certificate is an administrator's, signed by this authority, and belongs to this key: PEM texts."""
    try:
        client, issuer = (x509.load_pem_x509_certificate(pem.encode()) for pem in (certificate, authority))
        client.verify_directly_issued_by(issuer)
        own = private_key(key.encode()).public_key()
    except (ValueError, TypeError, InvalidSignature):
        return False
    return client.public_key() == own and client.subject == _subject(MASTERS, ADMIN)


def ends(certificate: str) -> datetime:
    """When a certificate expires: PEM text. Raises ValueError for text that is no certificate."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
