"""The secrets of a cluster as `talosctl gen secrets` writes them: read, and judged whole. No Pulumi in here.

Source: siderolabs/talos, pkg/machinery/config/generate/secrets. Nothing of a file's values is ever in a message.
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

from .client import private_key

# Authority in the file -> in the plugin's words, and whose it is.
AUTHORITIES = {"etcd": "etcd", "k8s": "k8s", "k8saggregator": "k8sAggregator", "os": "os"}
TAKE = "take the whole file that talosctl gen secrets wrote"
AGAIN = "write it anew: talosctl gen secrets --from-controlplane-config CONFIG -o FILE, with a control plane's config"
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")


class Faulty(ValueError):
    """A file that can't be imported: every fault, a line each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True)
class Bundle:
    """A cluster's secrets in the plugin's words, and when its authorities end."""

    material: Mapping[str, Any] = field(repr=False)
    ends: Mapping[str, datetime]


def read(text: str, now: datetime) -> Bundle:
    """The secrets in a file. Raises Faulty with every fault."""
    found = _mapping(text)
    faults: list[str] = []
    ends: dict[str, datetime] = {}
    certs: dict[str, Any] = {}
    for name, inner in AUTHORITIES.items():
        pair = _part(found, "certs", name)
        for fault in _authority(pair, now, ends, inner):
            faults.append(f"certs.{name}{fault}")
        certs[inner] = {"cert": _line(pair.get("crt")), "key": _line(pair.get("key"))}
    account = _part(found, "certs", "k8sserviceaccount")
    if fault := _key_fault(account.get("key")):
        faults.append(f"certs.k8sserviceaccount{fault}")
    certs["k8sServiceaccount"] = {"key": _line(account.get("key"))}
    cluster, secrets, trustd = (_part(found, name) for name in ("cluster", "secrets", "trustdinfo"))
    faults += _plain(cluster, secrets, trustd)
    if faults:
        raise Faulty(faults)
    kept: dict[str, str] = {
        "bootstrapToken": secrets["bootstraptoken"],
        # The plugin writes an empty one where a cluster is older than it.
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
        found = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f" in line {line + 1}" if line is not None else ""
        raise Faulty([f"is not YAML{at}; nothing in it can be trusted; {TAKE}"]) from None
    first = found[0] if found else None
    if isinstance(first, Mapping) and "machine" in first and "version" in first:
        raise Faulty([f"is a machine config; the secrets are in it with much else; {AGAIN}"])
    if not isinstance(first, Mapping) or len(found) != 1:
        raise Faulty([f"is not a bundle of secrets; it has cluster, secrets, trustdinfo and certs; {TAKE}"])
    return first


def _part(found: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    at: Any = found
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else None
    return at if isinstance(at, Mapping) else {}


def _line(value: Any) -> str:
    """Base64 as the plugin writes it: in one line."""
    return "".join(value.split()) if isinstance(value, str) else ""


def _bytes(value: Any) -> bytes | None:
    """What base64 holds; None where it is none, or nothing."""
    try:
        return base64.b64decode(_line(value), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _authority(pair: Mapping[str, Any], now: datetime, ends: dict[str, datetime], name: str) -> Iterator[str]:
    """What is wrong with an authority, from the dot on."""
    certificate = None
    if not pair.get("crt"):
        yield f".crt: is missing; what it signed would be believed by nobody; {TAKE}"
    else:
        try:
            certificate = x509.load_pem_x509_certificate(_bytes(pair["crt"]) or b"")
        except ValueError:
            yield f".crt: is no certificate, PEM in base64; what it signed would be believed by nobody; {TAKE}"
    if fault := _key_fault(pair.get("key")):
        yield fault
    if certificate is None:
        return
    if not _signs(certificate):
        yield f".crt: is no authority's certificate; it can sign no machine's; {TAKE}"
    ends[name] = certificate.not_valid_after_utc
    if ends[name] <= now:
        yield f".crt: ended on {ends[name]:%Y-%m-%d}; nothing that it signs is believed; rotate it first: talosctl rotate-ca"
    elif certificate.not_valid_before_utc > now:
        yield f".crt: is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}; nothing that it signs is believed; set this machine's clock"
    if not fault and _public(certificate.public_key()) != _public(private_key(_bytes(pair["key"]) or b"").public_key()):
        yield f".key: belongs to another certificate; whatever is signed with it is refused; {AGAIN}"


def _key_fault(value: Any) -> str:
    if not value:
        return f".key: is missing; nothing could be signed; a worker's config has none: {AGAIN}"
    try:
        private_key(_bytes(value) or b"")
    except ValueError:
        return f".key: is no private key, PEM in base64; nothing could be signed; {TAKE}"
    return ""


def _signs(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _public(key: Any) -> bytes:
    made: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return made


def _plain(cluster: Mapping[str, Any], secrets: Mapping[str, Any], trustd: Mapping[str, Any]) -> Iterator[str]:
    """Faults of what is no certificate."""
    for where, of, why in (
        ("cluster.id", cluster, "members would not find each other"),
        ("cluster.secret", cluster, "members would not find each other"),
        ("trustdinfo.token", trustd, "no machine would get its certificate"),
    ):
        value = of.get(where.partition(".")[2])
        if not isinstance(value, str) or not value.strip():
            yield f"{where}: is missing; {why}; {TAKE}"
    token = secrets.get("bootstraptoken")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        yield f"secrets.bootstraptoken: is no token (6 characters, a dot, 16 characters); no node would join; {TAKE}"
    keys = {name: secrets.get(name) for name in ("secretboxencryptionsecret", "aescbcencryptionsecret")}
    if not any(keys.values()):
        yield f"secrets: has neither secretboxencryptionsecret nor, of a cluster from before Talos v1.3, aescbcencryptionsecret; the API could not read its own Secrets; {TAKE}"
    for name, sizes in (("secretboxencryptionsecret", (32,)), ("aescbcencryptionsecret", (16, 24, 32))):
        if keys[name] and len(_bytes(keys[name]) or b"") not in sizes:
            yield f"secrets.{name}: is no key of {' or '.join(map(str, sizes))} bytes in base64; the API could not read its own Secrets; {TAKE}"
