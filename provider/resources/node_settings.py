"""Labels, taints and annotations of a Node: set where a kubelet may not, and read back."""

from collections.abc import Mapping
from typing import Any

from clients import kubernetes
from core.native import Values
from core.native.kubernetes import NODE_SETTINGS
from core.nodes import differences
from provider import nodes
from provider.framework import in_thread
from provider.kubeapi import Access, read
from provider.progress import Progress
from provider.resource import Resource
from provider.waiting import wait_until


class NodeSettings(Resource):
    """Created when a Node shows what is declared for it; updated with each change of that."""

    contract = NODE_SETTINGS

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Set what the kubelet may not, and wait for the rest. Returns the node's name, and the outputs by name."""
        await in_thread(_settle, inputs, {}, say)
        return str(inputs["node"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """The same, and remove what is no longer declared. Returns the outputs by name."""
        await in_thread(_settle, inputs, state, say)
        return dict(inputs)


def _settle(inputs: Values, state: Values, say: Progress) -> None:
    """Return once the Node shows what is declared. Raises UserError with what it does not show."""
    access, name = Access.parse(inputs["kubeconfig"]), inputs["node"]
    with access.tls() as tls:

        def ask() -> tuple[bool, str]:
            node = read(access, tls, nodes.path(name))
            if body := change(node, inputs, state):
                # The version makes the API refuse a change of a Node that changed meanwhile. It is then read again.
                version = (node.get("metadata") or {}).get("resourceVersion")
                kubernetes.patch(access, tls, nodes.path(name), _with_version(body, version))
                node = read(access, tls, nodes.path(name))
            left = differences(inputs, node)
            return not left, "; ".join(map(str, left))

        wait_until(
            nodes.refusals_end_it(ask),
            f"Node {name} did not show what is declared for it",
            float(inputs["timeoutSeconds"]),
            f"look at the refusals that Talos logs: talosctl -n ADDRESS logs controller-runtime; and at: kubectl "
            f"describe node {name}; then run up again",
            say,
        )


def _with_version(body: dict[str, Any], version: object) -> dict[str, Any]:
    return {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": version}}


def change(node: Mapping[str, Any], inputs: Values, state: Values) -> dict[str, Any]:
    """What has to be changed with the platform's kubeconfig, as a merge patch of the Node; empty if nothing.

    state: what the last update declared: what is in it and no longer declared is removed.
    """
    has = (node.get("metadata") or {}).get("labels") or {}
    labels: dict[str, str | None] = {key: inputs["labels"][key] for key in inputs["notByKubelet"]}
    labels |= {key: None for key in state.get("notByKubelet") or () if key not in inputs["labels"]}
    changed = {key: value for key, value in labels.items() if has.get(key) != value}
    body: dict[str, Any] = {"metadata": {"labels": changed}} if changed else {}
    if not inputs["kubeletMayTaint"]:
        taints = (node.get("spec") or {}).get("taints") or []
        wanted = _taints(taints, inputs["taints"], state.get("taints") or {})
        if wanted != taints:
            body["spec"] = {"taints": wanted}
    return body


def _taints(has: list[dict[str, Any]], declared: Mapping[str, str], before: Mapping[str, str]) -> list[dict[str, Any]]:
    """The Node's taints with those that are declared, without those that were.

    A taint is known by its key and its effect, as in Kubernetes. Others, such as a cordon's, stay, and so does one with
    a declared key and an effect that was never declared.
    """
    wanted = {_known(taint): taint for taint in map(_taint, declared.keys(), declared.values())}
    ended = {_known(taint) for taint in map(_taint, before.keys(), before.values())} - wanted.keys()
    kept = [_with_value(taint, wanted.get(_known(taint))) for taint in has if _known(taint) not in ended]
    present = {_known(taint) for taint in kept}
    return kept + [taint for known, taint in wanted.items() if known not in present]


def _known(taint: Mapping[str, Any]) -> tuple[object, object]:
    return taint.get("key"), taint.get("effect")


def _with_value(taint: dict[str, Any], wanted: Mapping[str, str] | None) -> dict[str, Any]:
    """A taint of the Node with the value that is declared for it, if one is."""
    if wanted is None or (taint.get("value") or "") == wanted.get("value", ""):
        return taint
    return {**taint, "value": wanted.get("value", "")}


def _taint(key: str, text: str) -> dict[str, str]:
    value, _, effect = text.rpartition(":")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}
