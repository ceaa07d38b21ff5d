"""The gate between control planes: one has joined etcd before the next may."""

from clients.talos import Client
from provider.framework import InputError, Progress, Values, in_thread
from provider.gate import Gate
from provider.health import wait_until_healthy
from provider.talosclient import client_of, wrong_target
from provider.waiting import wait_until


class EtcdMember(Gate):
    """Created when a machine is a member of etcd with a vote.

    Applying a config returns as soon as the machine has taken it. Two that join at once are refused by etcd
    ("too many learner members in cluster"), and a cluster that changes by two loses its quorum to one failure. It is
    asked again when the machine got another config, so that no config breaks more than one control plane.
    """

    token = "bedplate-native:talos:EtcdMember"
    secrets = frozenset({"clientConfiguration", "config"})
    replaces = frozenset({"machine"})
    ignored_in_diff = frozenset({"adopted"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return wrong_target(inputs, "address")

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        client, seconds = client_of(inputs["clientConfiguration"]), float(inputs["timeoutSeconds"])
        if inputs.get("adopted"):
            # It had its vote before it had its config, and may be on its way to a reboot.
            await in_thread(wait_until_healthy, client, inputs["address"], inputs["machine"], seconds, say)
        await in_thread(wait, client, inputs["node"], inputs["machine"], seconds, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if inputs.get("config") != state.get("config"):
            # It got another config, and the next control plane is to get its own only when this one is well with it.
            client, seconds = client_of(inputs["clientConfiguration"]), float(inputs["timeoutSeconds"])
            await in_thread(wait_until_healthy, client, inputs["address"], inputs["machine"], seconds, say)
            await in_thread(wait, client, inputs["address"], inputs["machine"], seconds, say)
        return dict(inputs)


def wait(client: Client, node: str, machine: str, seconds: float, say: Progress) -> None:
    """Returns once the machine has a vote in etcd. Raises UserError with what was heard last when the time is over."""

    def ask() -> tuple[bool, str]:
        members = client.members(node)
        shown = [name if votes else f"{name} (learning)" for name, votes in sorted(members.items())]
        heard = f"members are {', '.join(shown) or 'none'}"
        return members.get(machine, False), heard

    instead = f"look at it with: talosctl -n {node} etcd members, and run up again"
    wait_until(ask, f"{machine} was no voting member of etcd", seconds, instead, say)
