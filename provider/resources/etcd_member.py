"""The gate between control planes: one has joined etcd before the next may."""

import time

from clients.talos import Client
from provider.framework import InputError, Progress, Values, in_thread
from provider.gate import Gate
from provider.talosclient import client_of, wrong_target
from provider.waiting import wait_until

# A config that was taken shows in services and pods a few seconds later: well means well for this long.
STEADY_SECONDS = 15.0


class EtcdMember(Gate):
    """Created when a machine is a member of etcd with a vote.

    Applying a config returns as soon as the machine has taken it. Two that join at once are refused by etcd
    ("too many learner members in cluster"), and a cluster that changes by two loses its quorum to one failure. It is
    asked again when the machine got another config, so that no config breaks more than one control plane.
    """

    token = "bedplate-native:talos:EtcdMember"
    secrets = frozenset({"clientConfiguration", "config"})
    replaces = frozenset({"machine"})
    manner = frozenset({"adopted"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return wrong_target(inputs, "address")

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        client, seconds = client_of(inputs["clientConfiguration"]), float(inputs["timeoutSeconds"])
        if inputs.get("adopted"):
            # It had its vote before it had its config, and may be on its way to a reboot.
            await in_thread(settle, client, inputs["address"], inputs["machine"], seconds, say)
        await in_thread(wait, client, inputs["node"], inputs["machine"], seconds, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if inputs.get("config") != state.get("config"):
            # It got another config, and the next control plane is to get its own only when this one is well with it.
            client, seconds = client_of(inputs["clientConfiguration"]), float(inputs["timeoutSeconds"])
            await in_thread(settle, client, inputs["address"], inputs["machine"], seconds, say)
            await in_thread(wait, client, inputs["address"], inputs["machine"], seconds, say)
        return dict(inputs)


def settle(client: Client, address: str, machine: str, seconds: float, say: Progress) -> None:
    """Returns once all services and static pods of a machine have been well for a while. Raises UserError with those that are not."""
    since: list[float] = []

    def ask() -> tuple[bool, str]:
        try:
            unwell = client.unsettled(address)
        except OSError:
            since.clear()
            raise
        now = time.monotonic()
        if unwell:
            since.clear()
            return False, f"not well: {', '.join(unwell)}"
        since.append(now)
        return now - since[0] >= STEADY_SECONDS, f"well for {now - since[0]:.0f} s"

    instead = f"look at it with: talosctl -n {address} services, and run up again; the other control planes keep what they have"
    wait_until(ask, f"{machine} was not well with its new config", seconds, instead, say)


def wait(client: Client, node: str, machine: str, seconds: float, say: Progress) -> None:
    """Returns once the machine has a vote in etcd. Raises UserError with what was heard last when the time is over."""

    def ask() -> tuple[bool, str]:
        members = client.members(node)
        shown = [name if votes else f"{name} (learning)" for name, votes in sorted(members.items())]
        heard = f"members are {', '.join(shown) or 'none'}"
        return members.get(machine, False), heard

    instead = f"look at it with: talosctl -n {node} etcd members, and run up again"
    wait_until(ask, f"{machine} was no voting member of etcd", seconds, instead, say)
