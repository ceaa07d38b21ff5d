"""After a machine's config: it is back, healthy, and runs the declared Kubernetes. That ends its turn."""

import time

from clients.talos import Client
from core.native import Unknown, Values
from core.native.machine import NODE_HEALTHY
from provider import nodes
from provider.framework import UserError, in_thread
from provider.health import wait_until_healthy
from provider.kubeapi import Access
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.turns import TURNS, brief
from provider.waiting import wait_until

from .maintenance_turn import access_of, give_back

# If the machine has not restarted after this long, it already had the config.
RESTART_SECONDS = 60.0


class NodeHealthy(Resource):
    """A record until its machine has had a turn. Its update then returns when the machine is healthy."""

    contract = NODE_HEALTHY

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """End the machine's turn, if it had one. Returns its name, and the outputs by name."""
        if int(inputs.get("turn") or 0):
            await in_thread(wait, inputs, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """End the machine's turn, if it had another one. Returns the outputs by name."""
        if inputs.get("turn") != state.get("turn") and not isinstance(inputs.get("turn"), Unknown):
            await in_thread(wait, inputs, say)
        return dict(inputs)


def wait(inputs: Values, say: Progress) -> None:
    """Return when the machine is healthy and its node takes pods again.

    Raises UserError if it does not become healthy, and then no machine gets a turn any more in this update.
    """
    name = str(inputs["machine"])
    TURNS.applied(name)
    try:
        _wait(inputs, name, str(inputs["node"]), say)
    except UserError as error:
        TURNS.keep(name, brief(error))
        raise
    TURNS.give(name)


def _wait(inputs: Values, name: str, address: str, say: Progress) -> None:
    client, start, seconds = client_of(inputs), time.monotonic(), float(inputs["timeoutSeconds"])

    def left() -> float:
        return max(30.0, seconds - (time.monotonic() - start))

    if inputs.get("reboots"):
        _wait_for_restart(client, inputs, left(), say)
    wait_until_healthy(client, address, name, left(), say)
    access = access_of(client, inputs, say)
    wait_for_kubelet(access, name, str(inputs["kubernetes"]), left(), say)
    give_back(access, name)
    say(f"{name} is healthy, and takes pods as before")


def _wait_for_restart(client: Client, inputs: Values, seconds: float, say: Progress) -> None:
    """Return when the machine has restarted, or has not begun to after RESTART_SECONDS: then it had its config."""
    name, address = str(inputs["machine"]), str(inputs["node"])
    before, start = str(inputs.get("began", "")), time.monotonic()

    def ask() -> tuple[bool, str]:
        stage, restarted = client.running(address).stage, client.began(address) != before
        runs = stage == "running"
        if runs and not restarted and time.monotonic() - start >= RESTART_SECONDS:
            say("did not restart: it already had this config")
            return True, ""
        return runs and restarted, f"it is {stage or 'starting'}, {'restarted' if restarted else 'not yet restarted'}"

    instead = (
        f"look at its console, and at: talosctl -n {address} dmesg; run up again; "
        "until then no other machine gets its turn"
    )
    wait_until(ask, f"{name} did not come back with its new config", seconds, instead, say)


def wait_for_kubelet(access: Access, name: str, wanted: str, seconds: float, say: Progress) -> None:
    """Return when the node is Ready with the wanted kubelet. Raises UserError after `seconds`."""

    def ask() -> tuple[bool, str]:
        node = nodes.read(access, name)
        if node is None:
            return False, "it has no Node"
        ready = nodes.is_ready(node)
        status = node.get("status") or {}
        kubelet = str((status.get("nodeInfo") or {}).get("kubeletVersion", "unknown"))
        return ready and kubelet == wanted, f"{'Ready' if ready else 'not Ready'}, its kubelet is {kubelet}"

    instead = f"look at it with: kubectl describe node {name}; run up again; until then no other machine gets its turn"
    wait_until(ask, f"{name} was not Ready with kubelet {wanted}", seconds, instead, say)
