"""The gate between control planes: one has joined etcd before the next one may."""

from clients.talos import Client
from core.native import Values
from core.native.cluster import ETCD_MEMBER
from provider.framework import in_thread
from provider.health import wait_until_healthy
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import wait_until


class EtcdMember(Resource):
    """Created when a machine is a voting member of etcd.

    Applying a config returns before the machine has joined. If two join at once, etcd refuses one ("too many learner
    members in cluster"), and a cluster that changes by two members can lose its quorum to one failure. It waits again
    when the machine gets another config, so that a bad config breaks one control plane at most.
    """

    contract = ETCD_MEMBER

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the machine is a voting member. Returns its name, and the outputs by name."""
        if inputs.get("adopted"):
            # It was a member before it had its config, and may be about to reboot.
            await in_thread(_wait_for_health, inputs, say)
        await in_thread(wait, client_of(inputs), inputs["node"], inputs["machine"], _seconds(inputs), say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Wait again if the machine got another config. Returns the outputs by name."""
        if inputs.get("config") != state.get("config"):
            await in_thread(_wait_for_health, inputs, say)
            await in_thread(wait, client_of(inputs), inputs["address"], inputs["machine"], _seconds(inputs), say)
        return dict(inputs)


def _seconds(inputs: Values) -> float:
    return float(inputs["timeoutSeconds"])


def _wait_for_health(inputs: Values, say: Progress) -> None:
    wait_until_healthy(client_of(inputs), inputs["address"], inputs["machine"], _seconds(inputs), say)


def wait(client: Client, node: str, machine: str, seconds: float, say: Progress) -> None:
    """Return once the machine has a vote in etcd. Raises UserError with the members after `seconds`."""

    def ask() -> tuple[bool, str]:
        members = client.members(node)
        shown = [name if votes else f"{name} (learning)" for name, votes in sorted(members.items())]
        return members.get(machine, False), f"members are {', '.join(shown) or 'none'}"

    instead = f"look at it with: talosctl -n {node} etcd members, and run up again"
    wait_until(ask, f"{machine} was not a voting member of etcd", seconds, instead, say)
