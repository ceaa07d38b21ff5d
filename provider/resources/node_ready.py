"""The gate after the network: a node that Kubernetes reports as Ready."""

import urllib.error

from core.native import Values
from core.native.kubernetes import NODE_READY
from provider.framework import in_thread
from provider.kubeapi import Access, read
from provider.nodes import path
from provider.progress import Progress
from provider.resource import Resource
from provider.waiting import wait_until


class NodeReady(Resource):
    """Created when a node is Ready: it has joined, its kubelet runs, and its network works."""

    contract = NODE_READY

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the node is Ready. Returns its name, and the outputs by name."""
        access = Access.parse(inputs["kubeconfig"])
        await in_thread(wait, access, inputs["node"], float(inputs["timeoutSeconds"]), say)
        return str(inputs["node"]), dict(inputs)


def wait(access: Access, node: str, seconds: float, say: Progress) -> None:
    """Return once the node is Ready. Raises UserError with the message of its Ready condition after `seconds`."""
    with access.tls() as tls:

        def ask() -> tuple[bool, str]:
            try:
                status = read(access, tls, path(node)).get("status") or {}
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return False, "it has not joined"
                raise
            conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
            ready = conditions.get("Ready", {"status": "Unknown", "message": "no condition yet"})
            return ready["status"] == "True", ready.get("message", ready["status"])

        instead = f"look at it with: talosctl -n ADDRESS services, kubectl describe node {node}, and run up again"
        wait_until(ask, f"node {node} was not Ready", seconds, instead, say)
