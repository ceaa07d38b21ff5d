"""Nodes as objects of the Kubernetes API: read, annotated, cordoned, deleted. A request is retried for a while."""

import ssl
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from clients import kubernetes
from clients.kubernetes import Access

from .framework import UserError
from .waiting import wait_until

# How long one request is retried: the API's address moves while a control plane restarts.
ASK_SECONDS = 120.0

T = TypeVar("T")


def cordon(access: Access, node: str) -> None:
    """Mark a Node unschedulable; a missing Node needs no mark. Raises UserError."""
    _patch(access, node, {"spec": {"unschedulable": True}}, f"{node} was not cordoned")


def uncordon(access: Access, node: str) -> None:
    """Mark a Node schedulable again. Raises UserError."""
    _patch(access, node, {"spec": {"unschedulable": False}}, f"{node} was not uncordoned")


def delete(access: Access, node: str) -> None:
    """Delete the Node; a missing Node counts as deleted. Raises UserError."""
    _retried(access, lambda tls: kubernetes.delete(access, tls, path(node)), f"Node {node} was not deleted")


def annotate(access: Access, node: str, annotations: Mapping[str, str | None]) -> None:
    """Set annotations of the Node, or remove those that are None; a missing Node needs none. Raises UserError."""
    _patch(access, node, {"metadata": {"annotations": dict(annotations)}}, f"Node {node} was not annotated")


def read(access: Access, node: str) -> dict[str, Any] | None:
    """The Node, keyed as the API has it; None if there is none. Raises UserError."""

    def get(tls: ssl.SSLContext) -> dict[str, Any] | None:
        try:
            return kubernetes.read(access, tls, path(node))
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    return _retried(access, get, f"Node {node} could not be read")


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


def is_ready(node: Mapping[str, Any]) -> bool:
    """Whether the Node's condition Ready is true."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in (node.get("status") or {}).get("conditions") or []
    )


def path(node: str) -> str:
    """The API path of a Node."""
    return f"/api/v1/nodes/{node}"


def refusals_end_it(ask: Callable[[], tuple[bool, str]]) -> Callable[[], tuple[bool, str]]:
    """A probe for `wait_until` that raises UserError if the API refuses this client, because retrying can't help."""

    def probe() -> tuple[bool, str]:
        try:
            return ask()
        except kubernetes.CredentialsRefused as refused:
            raise UserError(str(refused)) from None

    return probe


def _list(access: Access, path: str, failure: str) -> list[dict[str, Any]]:
    return _retried(access, lambda tls: kubernetes.items(access, tls, path), failure)


def _patch(access: Access, node: str, body: dict[str, Any], failure: str) -> None:
    def patch(tls: ssl.SSLContext) -> None:
        try:
            kubernetes.patch(access, tls, path(node), body)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    _retried(access, patch, failure)


def _retried(access: Access, act: Callable[[ssl.SSLContext], T], failure: str) -> T:
    """What `act` returns, retried for ASK_SECONDS while the API does not answer: it must be safe to repeat."""
    results: list[T] = []

    def ask() -> tuple[bool, str]:
        results[:] = [act(tls)]
        return True, ""

    with access.tls() as tls:
        wait_until(
            refusals_end_it(ask),
            failure,
            ASK_SECONDS,
            f"check that {access.server} answers, and run up again",
            lambda text: None,
        )
    return results[0]
