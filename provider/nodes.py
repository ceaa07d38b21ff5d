"""A node emptied, and taken out of the cluster: what is on it moves first, and nobody's budget is broken."""

import json
import ssl
import time
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any

from clients import kubernetes
from clients.kubernetes import Access, why

from .framework import Progress, UserError
from .waiting import wait_until

# How long one request is tried: the API's address moves while a control plane goes.
ASK_SECONDS = 120.0
# How long after a refusal a pod is asked to go again.
AGAIN_SECONDS = 5.0

_MIRROR = "kubernetes.io/config.mirror"
_NAMED = 5


def cordon(access: Access, node: str) -> None:
    """Put no more pods on a node. One that is not there takes none either. Raises UserError."""
    _change(access, node, {"spec": {"unschedulable": True}}, f"{node} was not cordoned")


def uncordon(access: Access, node: str) -> None:
    """Let a node take pods again. Raises UserError."""
    _change(access, node, {"spec": {"unschedulable": False}}, f"{node} was not uncordoned")


def delete(access: Access, node: str) -> None:
    """Delete the Node; one that is gone is as good. Raises UserError."""
    _surely(access, lambda tls: kubernetes.delete(access, tls, _path(node)), f"Node {node} was not deleted")


def drain(access: Access, node: str, seconds: float, say: Progress) -> None:
    """Cordon a node, evict what can be evicted, and return once it is gone.

    DaemonSets' pods stay, and those that the kubelet runs from files; finished pods run nothing. A virtual machine's
    pod is moved by KubeVirt, which refuses the eviction and migrates the machine. Raises UserError with what stays.
    """
    cordon(access, node)
    refused: dict[str, tuple[float, str]] = {}
    began: list[str] = []

    def ask() -> tuple[bool, str]:
        staying = [pod for pod in _pods(access, tls, node) if _leaves(pod)]
        if staying and not began:
            began.append(f"{len(staying)} pods are evicted")
            say(
                "; ".join(
                    began
                    + [f"{_name(pod)} has no controller and comes back nowhere" for pod in staying if not _owner(pod)]
                )
            )
        for pod in staying:
            _evict(access, tls, pod, refused)
        told = [_told(pod, refused) for pod in staying]
        more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
        dead = (
            []
            if not staying or _answers(access, tls, node)
            else ["its kubelet does not answer, so that no pod on it ends"]
        )
        return not staying, "; ".join(told[:_NAMED] + more + dead)

    with access.tls() as tls:
        instead = f"move what stays yourself (kubectl get pods -A --field-selector spec.nodeName={node}), or loosen its budget, and run up again"
        wait_until(_refusals_end_it(ask), f"{node} was not drained", seconds, instead, say)


def read(access: Access, node: str) -> dict[str, Any] | None:
    """The Node, or None where there is none. Raises UserError."""
    found: list[dict[str, Any] | None] = []

    def read(tls: ssl.SSLContext) -> None:
        try:
            found[:] = [json.loads(kubernetes.get(access, tls, _path(node)))]
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            found[:] = [None]

    _surely(access, read, f"Node {node} could not be read")
    return found[0]


def list_nodes(access: Access) -> list[dict[str, Any]]:
    """Every Node. Raises UserError."""
    return _list(access, "/api/v1/nodes", "the Nodes could not be read")


def system_pods(access: Access, component: str) -> list[dict[str, Any]]:
    """The static pods of a component of the control plane, as their kubelets mirror them. Raises UserError."""
    return _list(
        access,
        f"/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3D{component}",
        f"the pods of {component} could not be read",
    )


def _list(access: Access, path: str, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def read(tls: ssl.SSLContext) -> None:
        found[:] = json.loads(kubernetes.get(access, tls, path))["items"]

    _surely(access, read, what)
    return found


def annotate(access: Access, node: str, annotations: Mapping[str, str | None]) -> None:
    """Annotate the Node, or take an annotation away (None); one that is not there needs no mark. Raises UserError."""
    _change(access, node, {"metadata": {"annotations": dict(annotations)}}, f"Node {node} was not annotated")


def _change(access: Access, node: str, body: dict[str, Any], what: str) -> None:
    def change(tls: ssl.SSLContext) -> None:
        try:
            kubernetes.patch(access, tls, _path(node), body)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    _surely(access, change, what)


def _surely(access: Access, act: Callable[[ssl.SSLContext], None], what: str) -> None:
    """One request, tried again for a while where nobody answers. It must be one that may be sent twice."""

    def ask() -> tuple[bool, str]:
        act(tls)
        return True, ""

    with access.tls() as tls:
        wait_until(
            _refusals_end_it(ask),
            what,
            ASK_SECONDS,
            f"see that {access.server} answers, and run up again",
            lambda text: None,
        )


def _refusals_end_it(ask: Callable[[], tuple[bool, str]]) -> Callable[[], tuple[bool, str]]:
    def asked() -> tuple[bool, str]:
        try:
            return ask()
        except kubernetes.CredentialsRefused as refused:
            raise UserError(str(refused)) from None

    return asked


def _path(node: str) -> str:
    return f"/api/v1/nodes/{node}"


def _pods(access: Access, tls: ssl.SSLContext, node: str) -> list[dict[str, Any]]:
    listed = json.loads(kubernetes.get(access, tls, f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"))
    return sorted(listed["items"], key=_name)


def _leaves(pod: dict[str, Any]) -> bool:
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    mirror = _MIRROR in (pod["metadata"].get("annotations") or {})
    return not (finished or mirror or _owner(pod).get("kind") == "DaemonSet")


def _owner(pod: dict[str, Any]) -> dict[str, Any]:
    return next((owner for owner in pod["metadata"].get("ownerReferences") or [] if owner.get("controller")), {})


def _name(pod: dict[str, Any]) -> str:
    """As a person knows it: a virtual machine by its own name, and not by its pod's."""
    owner, namespace = _owner(pod), pod["metadata"]["namespace"]
    if owner.get("kind") == "VirtualMachineInstance":
        return f"virtual machine {namespace}/{owner['name']}"
    return f"pod {namespace}/{pod['metadata']['name']}"


def _evict(access: Access, tls: ssl.SSLContext, pod: dict[str, Any], refused: dict[str, tuple[float, str]]) -> None:
    meta, now = pod["metadata"], time.monotonic()
    if meta.get("deletionTimestamp") or now - refused.get(meta["uid"], (-AGAIN_SECONDS, ""))[0] < AGAIN_SECONDS:
        return
    where = {"namespace": meta["namespace"], "name": meta["name"]}
    # The same pod alone: a new one of its name may be elsewhere by now.
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": where,
        "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
    }
    try:
        kubernetes.post(access, tls, f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction", body)
        refused.pop(meta["uid"], None)
    except urllib.error.HTTPError as error:
        # Gone, or another one; every other answer (429 of a budget, a webhook's) may be another one soon.
        if error.code not in (404, 409):
            refused[meta["uid"]] = (now, why(error))


def _told(pod: dict[str, Any], refused: dict[str, tuple[float, str]]) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return f"{_name(pod)} ends"
    said = refused.get(pod["metadata"]["uid"], (0.0, ""))[1]
    return f"{_name(pod)} stays: {said}" if said else f"{_name(pod)} is asked to go"


def _answers(access: Access, tls: ssl.SSLContext, node: str) -> bool:
    """Whether the node's kubelet reports: a pod ends when its kubelet says so."""
    try:
        status = json.loads(kubernetes.get(access, tls, _path(node))).get("status") or {}
    except urllib.error.HTTPError as error:
        return error.code != 404
    return not any(c["type"] == "Ready" and c["status"] == "Unknown" for c in status.get("conditions") or [])
