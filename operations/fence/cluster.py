"""What Kubernetes says of a dead machine's Node, and the one taint that is set there."""

import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access, CredentialsRefused
from core.facts.node_labels import OUT_OF_SERVICE

KEY, VALUE, EFFECT = OUT_OF_SERVICE, "nodeshutdown", "NoExecute"
TAINT = f"{KEY}={VALUE}:{EFFECT}"
"""With it, Kubernetes deletes a node's pods and detaches its volumes at once, without its kubelet.

Source: Kubernetes documentation, Node Shutdowns, "Non-graceful node shutdown handling".
"""

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
# The API's answer to a change of an object that has changed since it was read.
_CHANGED = 409
_TRIES = 10
_KUBEVIRT = "/apis/kubevirt.io/v1"
Object = Mapping[str, Any]


class Unanswered(Exception):
    """The Kubernetes API could not be read or changed: one printable line."""


@dataclass(frozen=True)
class Cluster:
    """The Kubernetes API. Every method raises Unanswered."""

    access: Access

    def nodes(self) -> dict[str, Object]:
        """Each Node by name."""
        return {str(node["metadata"]["name"]): node for node in self._list("/api/v1/nodes")}

    def renewed(self, node: str) -> datetime | None:
        """When the node's kubelet last renewed its lease; None if there is no lease."""
        with self._errors(f"the lease of {node} can't be read"), self.access.tls() as tls:
            try:
                lease = kubernetes.read(self.access, tls, f"{_LEASES}/{node}")
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                raise
            text = str((lease.get("spec") or {}).get("renewTime") or "")
            return datetime.fromisoformat(text).astimezone(UTC) if text else None

    def instances(self, node: str) -> list[Object]:
        """The VirtualMachineInstances on a node; none where KubeVirt is not installed."""
        found = self._list(f"{_KUBEVIRT}/virtualmachineinstances", missing=True)
        return [each for each in found if (each.get("status") or {}).get("nodeName") == node]

    def virtual_machines(self) -> dict[tuple[str, str], Object]:
        """Each VirtualMachine by namespace and name."""
        return _named(self._list(f"{_KUBEVIRT}/virtualmachines", missing=True))

    def volumes(self) -> dict[tuple[str, str], Object]:
        """The PersistentVolume of each bound claim, by the claim's namespace and name."""
        found = {}
        for volume in self._list("/api/v1/persistentvolumes"):
            claim = (volume.get("spec") or {}).get("claimRef") or {}
            found[str(claim.get("namespace")), str(claim.get("name"))] = volume
        return found

    def taint(self, node: str) -> None:
        """Set the taint; others stay."""
        self._change(node, {"key": KEY, "value": VALUE, "effect": EFFECT})

    def untaint(self, node: str) -> None:
        """Remove the taint; others stay."""
        self._change(node)

    def _change(self, node: str, *own: dict[str, str]) -> None:
        """Replace the Node's taints of this key. The API can't merge the list, so a Node that changed is read again."""
        path = f"/api/v1/nodes/{node}"
        with self._errors(f"the Node {node} can't be changed"), self.access.tls() as tls:
            for left in reversed(range(_TRIES)):
                found = kubernetes.read(self.access, tls, path)
                has = (found.get("spec") or {}).get("taints") or []
                wanted = [*(taint for taint in has if taint.get("key") != KEY), *own]
                if all(taint in has for taint in wanted) and len(wanted) == len(has):
                    return
                version = {"resourceVersion": found["metadata"]["resourceVersion"]}
                try:
                    kubernetes.patch(self.access, tls, path, {"metadata": version, "spec": {"taints": wanted}})
                    return
                except urllib.error.HTTPError as error:
                    if error.code != _CHANGED or not left:
                        raise

    def _list(self, path: str, *, missing: bool = False) -> Sequence[Object]:
        """The objects of a list. missing: whether a type that the API does not have is an empty list."""
        with self._errors(f"{path.rpartition('/')[2]} can't be read"), self.access.tls() as tls:
            try:
                return kubernetes.items(self.access, tls, path)
            except urllib.error.HTTPError as error:
                if missing and error.code == 404:
                    return ()
                raise

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except CredentialsRefused as refused:
            raise Unanswered(f"{what}: {refused}") from None
        except OSError as error:
            raise Unanswered(f"{what} by the Kubernetes API: {kubernetes.why(error)}") from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Unanswered(f"{what}: the answer of the API has another shape ({type(error).__name__})") from None


def _named(objects: Sequence[Object]) -> dict[tuple[str, str], Object]:
    return {(str(each["metadata"].get("namespace")), str(each["metadata"]["name"])): each for each in objects}


def ready(node: Object) -> bool:
    """Whether a Node is Ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def tainted(node: Object) -> bool:
    """Whether a Node has the taint."""
    return any(each.get("key") == KEY for each in (node.get("spec") or {}).get("taints") or ())
