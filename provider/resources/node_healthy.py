"""After a machine's config: it is back, well, and runs the Kubernetes that it was to run. That ends its turn."""

import time

from clients.talos import Client
from provider import nodes
from provider.framework import InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.health import wait_until_healthy
from provider.kubeapi import Access
from provider.talosclient import client_of, wrong_target
from provider.turns import TURNS, brief
from provider.waiting import wait_until

from .maintenance_turn import access_of, give_back, wrong_planes

# Within this long a machine that restarts for its config has begun to: later it had it before.
RESTART_SECONDS = 60.0


class NodeHealthy(Gate):
    """A record, until its machine has had a turn. Then its update returns when the machine is well, and hands on."""

    token = "bedplate-native:talos:Settled"
    secrets = frozenset({"clientConfiguration"})
    replaces = frozenset({"machine"})
    ignored_in_diff = frozenset({"clientConfiguration", "planes", "timeoutSeconds", "began", "reboots", "kubernetes"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return [*wrong_target(inputs), *wrong_planes(inputs)]

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        if int(inputs.get("turn") or 0):
            await in_thread(wait, inputs, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if inputs.get("turn") != state.get("turn") and not isinstance(inputs.get("turn"), Unknown):
            await in_thread(wait, inputs, say)
        return dict(inputs)


def wait(inputs: Values, say: Progress) -> None:
    """Returns when the machine is well and takes pods again. Raises UserError, and then nobody gets the turn."""
    name = str(inputs["machine"])
    TURNS.settling(name)
    try:
        _wait(inputs, name, str(inputs["node"]), say)
    except UserError as failed:
        TURNS.keep(name, brief(failed))
        raise
    TURNS.give(name)


def _wait(inputs: Values, name: str, address: str, say: Progress) -> None:
    client, start, seconds = client_of(inputs["clientConfiguration"]), time.monotonic(), float(inputs["timeoutSeconds"])
    assert client is not None, "no update has unknown inputs"

    def left() -> float:
        return max(30.0, seconds - (time.monotonic() - start))

    if inputs.get("reboots"):
        _started(client, inputs, left(), say)
    wait_until_healthy(client, address, name, left(), say)
    access = access_of(client, inputs, say)
    _node(access, name, str(inputs["kubernetes"]), left(), say)
    give_back(access, name)
    say(f"{name} is well, and takes pods as before")


def _started(client: Client, inputs: Values, seconds: float, say: Progress) -> None:
    """Returns when the machine has restarted and has started, or has not begun to for long enough that it had its config."""
    name, address, before, start = (
        str(inputs["machine"]),
        str(inputs["node"]),
        str(inputs.get("began", "")),
        time.monotonic(),
    )

    def ask() -> tuple[bool, str]:
        stage, began = client.running(address).stage, client.began(address)
        idle = began == before and stage == "running" and time.monotonic() - start >= RESTART_SECONDS
        if idle:
            say("did not restart: it had this config")
        return idle or (
            began != before and stage == "running"
        ), f"it is {stage or 'starting'}, {'started again' if began != before else 'not yet restarted'}"

    instead = f"look at its console, and at: talosctl -n {address} dmesg; no other machine gets its turn; run up again"
    wait_until(ask, f"{name} did not come back with its new config", seconds, instead, say)


def _node(access: Access, name: str, wanted: str, seconds: float, say: Progress) -> None:
    def ask() -> tuple[bool, str]:
        node = nodes.read(access, name)
        if node is None:
            return False, "it has no Node"
        status = node.get("status") or {}
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
        runs = str((status.get("nodeInfo") or {}).get("kubeletVersion", "no kubelet"))
        return ready and runs == wanted, f"{'Ready' if ready else 'not Ready'}, its kubelet is {runs}"

    instead = f"look at it with: kubectl describe node {name}; no other machine gets its turn; run up again"
    wait_until(ask, f"{name} was not Ready with kubelet {wanted}", seconds, instead, say)
