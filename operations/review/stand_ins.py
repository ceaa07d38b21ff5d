"""A value of the right shape for each secret: what reads the secret in a plan reads the stand-in, and learns nothing.

A certificate keeps its names and dates, because a plan says when it is renewed, and gets another key. What a
certificate signed before, its stand-in signs too, because the generator of machine configs checks that.
"""

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_32_BYTES = re.compile(r"[A-Za-z0-9+/_-]{43}=")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PEM = "-----BEGIN "
# Keys of a kubeconfig and of a talosconfig whose values are not secret.
_OPEN_NAMES = ("name", "context", "contexts", "current-context", "namespace", "server", "endpoints", "nodes")
_OPEN = frozenset((*_OPEN_NAMES, "apiVersion", "kind", "cluster", "clusters", "users", "preferences"))


class StandIns:
    """The stand-ins of one state. Equal secrets get equal stand-ins, and a pair of key and certificate stays a pair."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """secrets: every text for which there will be a stand-in; the authorities are among them."""
        self._texts: dict[str, str] = {}
        self._keys: dict[bytes, Any] = {}
        self._authorities: dict[bytes, Any] = {}
        for text in secrets:
            certificate = certificate_of(text)
            if certificate and (mark := _key_id(certificate)):
                self._authorities[mark] = certificate.public_key()

    def digest(self, digest: str) -> str:
        """The SHA-256 of a stand-in, where this is the SHA-256 of what it stands in for; any other text as it is."""
        for text, made in self._texts.items():
            if hashlib.sha256(text.encode()).hexdigest() == digest:
                return hashlib.sha256(made.encode()).hexdigest()
        return digest

    def of(self, value: Any) -> Any:
        """The stand-in for a value, at any depth. Names of keys stay, and numbers become 0."""
        if isinstance(value, dict):
            return {key: self.of(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.of(part) for part in value]
        if isinstance(value, str):
            return self._text(value)
        return value if value is None or isinstance(value, bool) else 0

    def _text(self, text: str) -> str:
        if text not in self._texts:
            self._texts[text] = self._pem_of(text) or self._file(text) or self._json(text) or _opaque(text)
        return self._texts[text]

    def _pem_of(self, text: str) -> str:
        """The stand-in for PEM, or for the base64 of PEM; empty for any other text."""
        if text.startswith(_PEM):
            return self._pem(text)
        try:
            inner = base64.b64decode(text, validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            return ""
        made = self._pem(inner) if inner.startswith(_PEM) else ""
        return base64.b64encode(made.encode()).decode() if made else ""

    def _pem(self, text: str) -> str:
        try:
            if text.startswith(f"{_PEM}CERTIFICATE-----"):
                return self._certificate(text)
            # Talos names the type of an Ed25519 key as no other program does.
            named = "ED25519 PRIVATE KEY" in text
            plain = text.replace("ED25519 PRIVATE KEY", "PRIVATE KEY")
            key: Any = serialization.load_pem_private_key(plain.encode(), password=None)
        except (ValueError, TypeError):
            return ""
        traditional = "EC PRIVATE KEY" in text or "RSA PRIVATE KEY" in text
        form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
        made = self._key(key.public_key()).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        pem: str = made.decode()
        return pem.replace("PRIVATE KEY", "ED25519 PRIVATE KEY") if named else pem

    def _certificate(self, text: str) -> str:
        before = x509.load_pem_x509_certificate(text.encode())
        key = self._key(before.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(before.subject)
            .issuer_name(before.issuer)
            .public_key(key.public_key())
            .serial_number(before.serial_number)
            .not_valid_before(before.not_valid_before_utc)
            .not_valid_after(before.not_valid_after_utc)
        )
        for extension in before.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        issuer = self._key(self._authorities.get(_issuer_id(before), before.public_key()))
        digest = None if isinstance(issuer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return builder.sign(issuer, digest).public_bytes(serialization.Encoding.PEM).decode()

    def _key(self, public: Any) -> Any:
        """The private key that stands in for that of a public key."""
        known = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if known not in self._keys:
            self._keys[known] = _fresh(public)
        return self._keys[known]

    def _file(self, text: str) -> str:
        """The stand-in for a kubeconfig or a talosconfig; empty for any other text."""
        if "contexts" not in text:
            return ""
        try:
            document = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError):
            return ""
        if not isinstance(document, dict) or "contexts" not in document:
            return ""
        return yaml.safe_dump(self._entries(document))

    def _json(self, text: str) -> str:
        """The stand-in for JSON; empty for any other text."""
        if not text.startswith(("{", "[")):
            return ""
        try:
            return json.dumps(self.of(json.loads(text)))
        except (ValueError, RecursionError):
            return ""

    def _entries(self, value: Any, is_open: bool = False) -> Any:
        if isinstance(value, list):
            return [self._entries(part, is_open) for part in value]
        if not isinstance(value, dict):
            return value if is_open else self.of(value)
        # `user` is a name in a context, and credentials in an entry of users.
        return {
            key: self._entries(part, key in _OPEN or (key == "user" and isinstance(part, str)))
            for key, part in value.items()
        }


def _fresh(public: Any) -> Any:
    if isinstance(public, rsa.RSAPublicKey):
        return rsa.generate_private_key(65537, public.key_size)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ec.generate_private_key(public.curve)
    return ed25519.Ed25519PrivateKey.generate()


def certificate_of(text: str) -> x509.Certificate | None:
    """The certificate that a text is, as PEM or as the base64 of PEM; None for any other text."""
    start = f"{_PEM}CERTIFICATE-----"
    try:
        pem = text if text.startswith(_PEM) else base64.b64decode(text, validate=True).decode("ascii")
        return x509.load_pem_x509_certificate(pem.encode()) if pem.startswith(start) else None
    except (binascii.Error, ValueError):
        return None


def _key_id(certificate: x509.Certificate) -> bytes:
    """The id of an authority's key; empty for a certificate that names none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return b""


def _issuer_id(certificate: x509.Certificate) -> bytes:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        return b""
    return found or b""


def _opaque(text: str) -> str:
    """A random text of the same form, where the form is a known one."""
    forms: tuple[tuple[re.Pattern[str], Callable[[], str]], ...] = (
        (re.compile(""), lambda: ""),
        (_TOKEN, lambda: f"{_letters(6)}.{_letters(16)}"),
        (_32_BYTES, lambda: base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(31)).decode()),
        (_DIGEST, lambda: secrets.token_hex(32)),
    )
    for form, made in forms:
        if form.fullmatch(text):
            return made()
    return f"stand-in-{secrets.token_hex(8)}"


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
