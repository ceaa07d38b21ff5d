"""Read and check the secrets of a cluster as `talosctl gen secrets` writes them. No Pulumi in here.

Source: siderolabs/talos, pkg/machinery/config/generate/secrets. No message contains a value of the file.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from core.credentials.signing import private_key

# Authority in the file -> its name in the plugin's state.
AUTHORITIES = {"etcd": "etcd", "k8s": "k8s", "k8saggregator": "k8sAggregator", "os": "os"}
TAKE = "take the whole file that talosctl gen secrets wrote"
AGAIN = (
    "write the file again: talosctl gen secrets --from-controlplane-config CONFIG -o FILE, with a control plane's "
    "config"
)
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")


class BundleError(ValueError):
    """A file that can't be imported, with one line per fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True)
class Bundle:
    """A cluster's secrets in the form of the plugin's state, and when its authorities expire."""

    material: Mapping[str, Any] = field(repr=False)
    ends: Mapping[str, datetime]


def read(text: str, now: datetime) -> Bundle:
    """The secrets in the text of a file. Raises BundleError with every fault."""
    document = _mapping(text)
    faults: list[str] = []
    ends: dict[str, datetime] = {}
    certs: dict[str, Any] = {}
    for name, inner in AUTHORITIES.items():
        pair = _part(document, "certs", name)
        for fault in _authority(pair, now, ends, inner):
            faults.append(f"certs.{name}{fault}")
        certs[inner] = {"cert": _line(pair.get("crt")), "key": _line(pair.get("key"))}
    account = _part(document, "certs", "k8sserviceaccount")
    if fault := _key_fault(account.get("key")):
        faults.append(f"certs.k8sserviceaccount{fault}")
    certs["k8sServiceaccount"] = {"key": _line(account.get("key"))}
    cluster, secrets, trustd = (_part(document, name) for name in ("cluster", "secrets", "trustdinfo"))
    faults += _plain(cluster, secrets, trustd)
    if faults:
        raise BundleError(faults)
    kept: dict[str, str] = {
        "bootstrapToken": secrets["bootstraptoken"],
        # A cluster created before this key existed has none; the plugin then stores an empty text.
        "secretboxEncryptionSecret": secrets.get("secretboxencryptionsecret") or "",
    }
    if secrets.get("aescbcencryptionsecret"):
        kept["aescbcEncryptionSecret"] = secrets["aescbcencryptionsecret"]
    material = {
        "certs": certs,
        "cluster": {"id": cluster["id"], "secret": cluster["secret"]},
        "secrets": kept,
        "trustdinfo": {"token": trustd["token"]},
    }
    return Bundle(material, ends)


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f" in line {line + 1}" if line is not None else ""
        raise BundleError([f"is not YAML{at}, so nothing was read; {TAKE}"]) from None
    first = documents[0] if documents else None
    if isinstance(first, Mapping) and "machine" in first and "version" in first:
        raise BundleError([f"is a machine config, which holds only some of the secrets; {AGAIN}"])
    if not isinstance(first, Mapping) or len(documents) != 1:
        raise BundleError([f"is not a bundle of secrets, which has cluster, secrets, trustdinfo and certs; {TAKE}"])
    return first


def _part(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    at: Any = document
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else None
    return at if isinstance(at, Mapping) else {}


def _line(value: Any) -> str:
    """Base64 as the plugin writes it: in one line."""
    return "".join(value.split()) if isinstance(value, str) else ""


def _bytes(value: Any) -> bytes | None:
    """The bytes that a base64 text encodes; None for other text, and for no bytes."""
    try:
        return base64.b64decode(_line(value), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _authority(pair: Mapping[str, Any], now: datetime, ends: dict[str, datetime], name: str) -> Iterator[str]:
    """The faults of a certificate authority in the bundle. Each starts with the field, such as `.crt: `."""
    certificate = None
    if not pair.get("crt"):
        yield f".crt: is missing, and no peer would trust what the authority signed; {TAKE}"
    else:
        try:
            certificate = x509.load_pem_x509_certificate(_bytes(pair["crt"]) or b"")
        except ValueError:
            yield f".crt: is no certificate (PEM in base64), and no peer would trust what the authority signed; {TAKE}"
    if fault := _key_fault(pair.get("key")):
        yield fault
    if certificate is None:
        return
    if not _signs(certificate):
        yield f".crt: is not the certificate of an authority, so it cannot sign those of machines; {TAKE}"
    ends[name] = certificate.not_valid_after_utc
    if ends[name] <= now:
        yield (
            f".crt: expired on {ends[name]:%Y-%m-%d}, so no peer trusts what it signs; "
            "rotate it first: talosctl rotate-ca"
        )
    elif certificate.not_valid_before_utc > now:
        yield (
            f".crt: is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}, so no peer trusts what it signs "
            "until then; check the clock of this machine"
        )
    if not fault and _public(certificate.public_key()) != _public(private_key(_bytes(pair["key"]) or b"").public_key()):
        yield f".key: belongs to another certificate, so every peer refuses what it signs; {AGAIN}"


def _key_fault(value: Any) -> str:
    if not value:
        return f".key: is missing, so nothing could be signed; a worker's config has no keys; {AGAIN}"
    try:
        private_key(_bytes(value) or b"")
    except ValueError:
        return f".key: is no private key (PEM in base64), so nothing could be signed; {TAKE}"
    return ""


def _signs(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _public(key: Any) -> bytes:
    der: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return der


def _plain(cluster: Mapping[str, Any], secrets: Mapping[str, Any], trustd: Mapping[str, Any]) -> Iterator[str]:
    """Faults of the secrets that are no certificates."""
    for path, section, consequence in (
        ("cluster.id", cluster, "members would not find each other"),
        ("cluster.secret", cluster, "members would not find each other"),
        ("trustdinfo.token", trustd, "no machine would get its certificate"),
    ):
        value = section.get(path.partition(".")[2])
        if not isinstance(value, str) or not value.strip():
            yield f"{path}: is missing, and {consequence}; {TAKE}"
    token = secrets.get("bootstraptoken")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        yield f"secrets.bootstraptoken: is no token (6 characters, a dot, 16 characters), so no node could join; {TAKE}"
    keys = {name: secrets.get(name) for name in ("secretboxencryptionsecret", "aescbcencryptionsecret")}
    if not any(keys.values()):
        yield (
            "secrets: has neither secretboxencryptionsecret nor aescbcencryptionsecret (clusters from before Talos "
            "v1.3), "
            f"so the API could not decrypt its own Secrets; {TAKE}"
        )
    for name, sizes in (("secretboxencryptionsecret", (32,)), ("aescbcencryptionsecret", (16, 24, 32))):
        if keys[name] and len(_bytes(keys[name]) or b"") not in sizes:
            length = " or ".join(map(str, sizes))
            yield (
                f"secrets.{name}: is no key of {length} bytes in base64, so the API could not decrypt its own Secrets; "
                f"{TAKE}"
            )
