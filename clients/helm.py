"""Helm's own records of a release: a killed run may leave a record that blocks the next run.

Helm keeps one Secret per revision (type helm.sh/release.v1). If its status is pending and the process that wrote it
has ended, Helm refuses the release's name for ever: "cannot re-use a name that is still in use". The release's objects
are left alone: Helm adopts objects that carry the release's annotations.
Source: helm.sh/helm/v3, pkg/storage/driver/secrets.go and pkg/action/install.go.
"""

import base64
import ssl
from dataclasses import dataclass
from typing import Any

from core.printable import printable

from . import bounded
from .kubernetes import Access, delete, items

# An unpacked release: the chart with its values and manifest. Cilium's has about 3 MiB, and a Secret at most 1 MiB of
# packed data.
MOST_RELEASE_BYTES = 16 << 20
_GZIP = b"\x1f\x8b"


class ReleaseOccupied(Exception):
    """Another release is deployed under this name, and must not be overwritten: one printable line."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text, 1000))


@dataclass(frozen=True)
class Record:
    """One revision of a release."""

    secret: str
    status: str
    version: str
    """The chart's version; empty if the record does not contain it."""

    @property
    def shown(self) -> str:
        """The record in a message: whoever may write Secrets may have written it."""
        return f"{printable(self.secret)} ({printable(self.status)})"


def records(access: Access, tls: ssl.SSLContext, namespace: str, release: str) -> list[Record]:
    """Every revision of a release that Helm has recorded. Raises OSError and CredentialsRefused."""
    path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{release}"
    secrets = items(access, tls, path)
    return [
        Record(s["metadata"]["name"], s["metadata"]["labels"].get("status", ""), _chart_version(s)) for s in secrets
    ]


def _chart_version(secret: dict[str, Any]) -> str:
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        release = bounded.from_json(bounded.unpacked(packed, MOST_RELEASE_BYTES) if packed[:2] == _GZIP else packed)
        return str(release["chart"]["metadata"]["version"])
    except (KeyError, TypeError, ValueError, OSError):
        return ""


def before_install(access: Access, namespace: str, release: str, version: str) -> list[str]:
    """Delete the records that a killed installation left. Returns the deleted Secrets, each with its status.

    Raises ReleaseOccupied if another chart version is deployed, which the state does not contain; OSError and
    CredentialsRefused.
    """
    with access.tls() as tls:
        revisions = records(access, tls, namespace, release)
        for record in revisions:
            if record.status == "deployed" and record.version != version:
                raise ReleaseOccupied(
                    f"a release {release} of chart version {printable(record.version) or 'unknown'} is deployed in "
                    f"{namespace}, but is not in the stack's state; installing would overwrite it; to adopt it, set "
                    "cilium.version "
                    f"to its version, or remove it with: helm uninstall {release} -n {namespace}"
                )
        return _clear(access, tls, namespace, revisions)


def before_upgrade(access: Access, namespace: str, release: str) -> list[str]:
    """Delete the records that a killed upgrade left. Returns the deleted Secrets, each with its status."""
    with access.tls() as tls:
        pending = [r for r in records(access, tls, namespace, release) if r.status.startswith("pending-")]
        return _clear(access, tls, namespace, pending)


def _clear(access: Access, tls: ssl.SSLContext, namespace: str, revisions: list[Record]) -> list[str]:
    for record in revisions:
        delete(access, tls, f"/api/v1/namespaces/{namespace}/secrets/{record.secret}")
    return [record.shown for record in revisions]
