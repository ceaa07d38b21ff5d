"""The gate after the network: a node that Kubernetes calls Ready."""

import json
import re
import urllib.error

from provider.framework import InputError, Progress, Unknown, Values, in_thread
from provider.gate import Gate
from provider.kubeapi import Access, get, wrong_kubeconfig
from provider.waiting import wait_until, wrong_timeout


class NodeReady(Gate):
    """Created when a node is Ready: it has joined, its kubelet runs, and its network stands."""

    token = "bedplate-native:kubernetes:NodeReady"
    secrets = frozenset({"kubeconfig"})
    replaces = frozenset({"node"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = [*wrong_kubeconfig(inputs.get("kubeconfig")), *wrong_timeout(inputs.get("timeoutSeconds"))]
        node = inputs.get("node")
        if not isinstance(node, Unknown) and not (
            isinstance(node, str) and re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", node)
        ):
            wrong.append(InputError("node", "is not a node's name; it is looked up by it; write e.g. cp-1"))
        return wrong

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        access = Access.parse(inputs["kubeconfig"])
        await in_thread(wait, access, inputs["node"], float(inputs["timeoutSeconds"]), say)
        return str(inputs["node"]), dict(inputs)


def wait(access: Access, node: str, seconds: float, say: Progress) -> None:
    """Returns once the node is Ready. Raises UserError with what Kubernetes says of it when the time is over."""
    with access.tls() as tls:

        def ask() -> tuple[bool, str]:
            try:
                status = json.loads(get(access, tls, f"/api/v1/nodes/{node}"))["status"]
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return False, "it has not joined"
                raise
            conditions = {c["type"]: c for c in status.get("conditions", [])}
            ready = conditions.get("Ready", {"status": "Unknown", "message": "no condition yet"})
            return ready["status"] == "True", ready.get("message", ready["status"])

        instead = f"look at it with: talosctl -n ADDRESS services, kubectl describe node {node}, and run up again"
        wait_until(ask, f"node {node} was not Ready", seconds, instead, say)
