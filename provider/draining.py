"""Drains a node: its pods are evicted within their disruption budgets, and its virtual machines are migrated."""

import ssl
import time
import urllib.error
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access, why

from . import nodes
from .progress import Progress
from .waiting import wait_until

# How long after a refusal an eviction is requested again.
AGAIN_SECONDS = 5.0

_MIRROR = "kubernetes.io/config.mirror"
# How many pods a message names.
_NAMED = 5


def drain(access: Access, node: str, seconds: float, say: Progress) -> None:
    """Cordon a node, evict its pods, and return once they are deleted.

    The pods of DaemonSets and static pods stay, and finished pods run nothing. KubeVirt refuses the eviction of a
    virtual machine's pod, and migrates the machine instead. Raises UserError with the pods that stay.
    """
    nodes.cordon(access, node)
    instead = (
        f"move what stays by hand (kubectl get pods -A --field-selector spec.nodeName={node}), or relax its "
        "disruption budget, and run up again"
    )
    with access.tls() as tls:
        draining = _Draining(access, tls, node, say)
        wait_until(nodes.refusals_end_it(draining.ask), f"{node} was not drained", seconds, instead, say)


class _Draining:
    """One drain: which evictions were refused, when and why."""

    def __init__(self, access: Access, tls: ssl.SSLContext, node: str, say: Progress) -> None:
        self._access, self._tls, self._node, self._say = access, tls, node, say
        self._refused: dict[str, tuple[float, str]] = {}
        """A pod's uid to the time of the last refusal and its reason."""
        self._announced = False

    def ask(self) -> tuple[bool, str]:
        """Whether the node is drained, and which pods stay."""
        staying = [pod for pod in self._pods() if _is_evicted(pod)]
        if staying:
            self._announce(staying)
        for pod in staying:
            self._evict(pod)
        shown = [self._shown(pod) for pod in staying]
        more = [f"and {len(shown) - _NAMED} more"] if len(shown) > _NAMED else []
        silent = staying and not self._kubelet_reports()
        dead = ["its kubelet does not report, so its pods can't end"] if silent else []
        return not staying, "; ".join(shown[:_NAMED] + more + dead)

    def _announce(self, staying: list[dict[str, Any]]) -> None:
        if not self._announced:
            self._announced = True
            bare = [f"{_name(pod)} has no controller, and is not created again" for pod in staying if not _owner(pod)]
            self._say("; ".join([f"{len(staying)} pods are evicted", *bare]))

    def _pods(self) -> list[dict[str, Any]]:
        path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self._node}"
        return sorted(kubernetes.items(self._access, self._tls, path), key=_name)

    def _evict(self, pod: dict[str, Any]) -> None:
        meta, now = pod["metadata"], time.monotonic()
        last_refusal = self._refused.get(meta["uid"], (-AGAIN_SECONDS, ""))[0]
        if meta.get("deletionTimestamp") or now - last_refusal < AGAIN_SECONDS:
            return
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": meta["namespace"], "name": meta["name"]},
            # Only this pod: a new pod of the same name may run on another node by now.
            "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
        try:
            kubernetes.post(self._access, self._tls, path, body)
            self._refused.pop(meta["uid"], None)
        except urllib.error.HTTPError as error:
            # 404 and 409: the pod is gone or replaced. Other refusals (a budget's 429, a webhook's) may end soon.
            if error.code not in (404, 409):
                self._refused[meta["uid"]] = (now, why(error))

    def _shown(self, pod: dict[str, Any]) -> str:
        if pod["metadata"].get("deletionTimestamp"):
            return f"{_name(pod)} is terminating"
        reason = self._refused.get(pod["metadata"]["uid"], (0.0, ""))[1]
        return f"{_name(pod)} stays: {reason}" if reason else f"{_name(pod)} is being evicted"

    def _kubelet_reports(self) -> bool:
        """Whether the node's kubelet reports: a pod ends only when its kubelet says so."""
        try:
            node = kubernetes.read(self._access, self._tls, nodes.path(self._node))
        except urllib.error.HTTPError as error:
            return error.code != 404
        conditions = (node.get("status") or {}).get("conditions") or []
        return not any(condition["type"] == "Ready" and condition["status"] == "Unknown" for condition in conditions)


def _is_evicted(pod: dict[str, Any]) -> bool:
    """Whether a drain has to move this pod."""
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    mirror = _MIRROR in (pod["metadata"].get("annotations") or {})
    return not (finished or mirror or _owner(pod).get("kind") == "DaemonSet")


def _owner(pod: dict[str, Any]) -> dict[str, Any]:
    return next((owner for owner in pod["metadata"].get("ownerReferences") or [] if owner.get("controller")), {})


def _name(pod: dict[str, Any]) -> str:
    """The name that a user knows: a virtual machine's own name instead of its pod's."""
    owner, namespace = _owner(pod), pod["metadata"]["namespace"]
    if owner.get("kind") == "VirtualMachineInstance":
        return f"virtual machine {namespace}/{owner['name']}"
    return f"pod {namespace}/{pod['metadata']['name']}"
