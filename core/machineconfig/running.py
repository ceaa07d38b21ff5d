"""What a cluster was created with and can't change unnoticed: its endpoint, networks and the issuer of its tokens."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.facts.networks import DEFAULT_PODS, DEFAULT_SERVICES
from core.model import Platform

from .base import base
from .documents import documents
from .documents.document import Document, plain
from .merge import merge

Settings = Mapping[str, str]
"""endpoint, issuer, pods and services, each to its text; several networks with commas between them."""

_DEFAULTS = {"pods": DEFAULT_PODS, "services": DEFAULT_SERVICES}
_ISSUER = "service-account-issuer"
# What breaks in a running cluster if a setting changes.
_BREAKS = {
    "issuer": "tokens of service accounts name their issuer, and the API would refuse those that pods have",
    "pods": "nodes keep their parts of the old network, and new ones get theirs from the new network",
    "services": "services keep their addresses of the old network, and the cluster's DNS has one of them",
}


def settings(config: Iterable[Document]) -> dict[str, str]:
    """The settings in the documents of a control plane's whole config, in the form of any contract."""
    large: Mapping[str, Any] = {}
    kinds: dict[str, Mapping[str, Any]] = {}
    for document in config:
        if "kind" in document:
            kinds[str(document["kind"])] = document
        else:
            large = document
    cluster = _part(large, "cluster")
    endpoint = kinds.get("KubeClusterConfig", {}).get("endpoint") or _part(cluster, "controlPlane").get("endpoint")
    networks = {**_part(cluster, "network"), **kinds.get("KubeNetworkConfig", {})}
    flags = {
        **_part(_part(cluster, "apiServer"), "extraArgs"),
        **_part(kinds.get("KubeAPIServerConfig", {}), "extraArgs"),
    }
    account = _part(kinds.get("KubeServiceAccountConfig", {}), "issuer")
    made = {
        "endpoint": str(endpoint or ""),
        # Of several issuers, new tokens name the first. The flag replaces what the document says.
        "issuer": _first(flags.get(_ISSUER)) or str(account.get("issuerURL") or endpoint or ""),
        "pods": _joined(networks.get("podSubnets")),
        "services": _joined(networks.get("serviceSubnets")),
    }
    return {key: value or _DEFAULTS.get(key, "") for key, value in made.items()}


def declared(platform: Platform) -> dict[str, str]:
    """The settings of a platform, with its patches merged; none where it has no control plane left."""
    if not platform.controlplanes:
        return {}
    whole = (*base(platform, "controlplane"), *documents(platform, platform.controlplanes[0]))
    return settings(merge(map(plain, whole)).documents.values())


def changes(was: Settings, now: Settings, accepted: Settings) -> Iterator[tuple[str, str]]:
    """Each setting that changes without `network.accept_change`: the key under `network`, and what is wrong about it.

    An endpoint may change where the issuer stays. accepted: the same keys, to the new value of each.
    """
    for key, breaks in _BREAKS.items():
        before, after = was.get(key), now.get(key)
        field = "endpoint" if key == "issuer" else key
        if not before or not after or same(before, after) or same(accepted.get(field, ""), now.get(field, "")):
            continue
        old, new = was.get(field, ""), now.get(field, "")
        issuer = "" if key != "issuer" or (before == old and after == new) else f" (issuer {before}, then {after})"
        yield (
            field,
            f"network.{field} goes from {old} to {new}{issuer}; {breaks}; write {short(old)} again, or accept it "
            f"under network: accept_change: {{{field}: {_written(new)}}}",
        )


def accepted(platform: Platform) -> dict[str, str]:
    """The changes that the stack file accepts: endpoint, pods or services to its new value."""
    change = platform.network.accept_change
    if change is None:
        return {}
    made = {
        "endpoint": f"https://{change.endpoint.netloc}" if change.endpoint else "",
        "pods": ", ".join(map(str, change.pods or ())),
        "services": ", ".join(map(str, change.services or ())),
    }
    return {key: value for key, value in made.items() if value}


def short(value: str) -> str:
    """A setting as it stands in a stack file: an endpoint without its scheme."""
    return value.removeprefix("https://")


def _written(value: str) -> str:
    text = short(value)
    return f"[{text}]" if "," in text else f'"{text}"'


def same(one: str, other: str) -> bool:
    """Whether two texts of one setting mean the same."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def _part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def _first(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value[0]) if isinstance(value, Sequence) and value else ""


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else ""
