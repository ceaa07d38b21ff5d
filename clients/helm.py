"""Helm's own records of a release, as far as a killed run leaves them in the way.

Helm keeps one Secret a revision (type helm.sh/release.v1). One that says pending, after the process that wrote it is
gone, makes Helm refuse the name for ever: "cannot re-use a name that is still in use". Objects are not touched: Helm
takes over those that carry the release's own annotations.
Source: helm.sh/helm/v3, pkg/storage/driver/secrets.go and pkg/action/install.go.
"""

import base64
import gzip
import json
import ssl
from dataclasses import dataclass
from typing import Any

from .kubernetes import Access, delete, get


class Occupied(Exception):
    """The release's name is in use by something that is not ours to clear."""


@dataclass(frozen=True)
class Record:
    """One revision of a release."""

    secret: str
    status: str
    version: str
    """The chart's."""


def records(access: Access, tls: ssl.SSLContext, namespace: str, release: str) -> list[Record]:
    """Every revision that Helm knows of. Raises OSError and kubernetes.Refused."""
    path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{release}"
    found = json.loads(get(access, tls, path))["items"]
    return [Record(s["metadata"]["name"], s["metadata"]["labels"].get("status", ""), _chart_version(s)) for s in found]


def _chart_version(secret: dict[str, Any]) -> str:
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        told = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
        return str(told["chart"]["metadata"]["version"])
    except (KeyError, TypeError, ValueError, OSError, EOFError):
        return ""


def before_install(access: Access, namespace: str, release: str, version: str) -> list[str]:
    """Clears what a killed installation left; yields what was cleared.

    Raises Occupied where another chart version is deployed: somebody else's, whom a plan knows nothing of.
    """
    with access.tls() as tls:
        found = records(access, tls, namespace, release)
        for record in found:
            if record.status == "deployed" and record.version != version:
                raise Occupied(
                    f"a release {release} of chart version {record.version or 'unknown'} is deployed in {namespace}, and the state "
                    f"knows of none; it would be overwritten; adopt it first: set cilium.version to it, or remove it with: "
                    f"helm uninstall {release} -n {namespace}"
                )
        return _clear(access, tls, namespace, found)


def before_upgrade(access: Access, namespace: str, release: str) -> list[str]:
    """Clears what a killed upgrade left; yields what was cleared."""
    with access.tls() as tls:
        pending = [r for r in records(access, tls, namespace, release) if r.status.startswith("pending-")]
        return _clear(access, tls, namespace, pending)


def _clear(access: Access, tls: ssl.SSLContext, namespace: str, found: list[Record]) -> list[str]:
    for record in found:
        delete(access, tls, f"/api/v1/namespaces/{namespace}/secrets/{record.secret}")
    return [f"{record.secret} ({record.status})" for record in found]
