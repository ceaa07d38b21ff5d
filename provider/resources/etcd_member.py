"""The gate between control planes: one has joined etcd before the next may."""

from clients.talos import Client
from framework import Progress, Unknown, Values, Wrong, in_thread
from gate import Gate
from talosclient import client_of, wrong_client
from waiting import wait_until, wrong_timeout


class EtcdMember(Gate):
    """Created when a machine is a member of etcd with a vote.

    Applying a config returns as soon as the machine has taken it. Two that join at once are refused by etcd
    ("too many learner members in cluster"), and a cluster that changes by two loses its quorum to one failure.
    """

    token = "bedplate-native:talos:EtcdMember"
    secrets = frozenset({"clientConfiguration"})
    replaces = frozenset({"machine"})

    def check(self, inputs: Values, before: Values | None = None) -> list[Wrong]:
        wrong = [*wrong_timeout(inputs.get("timeoutSeconds")), *wrong_client(inputs.get("clientConfiguration"))]
        for name in ("machine", "node"):
            if not isinstance(inputs.get(name), (str, Unknown)) or not inputs.get(name):
                wrong.append(Wrong(name, "is missing; the members are asked for and searched by it; write its text"))
        return wrong

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        client = client_of(inputs["clientConfiguration"])
        await in_thread(wait, client, inputs["node"], inputs["machine"], float(inputs["timeoutSeconds"]), say)
        return str(inputs["machine"]), dict(inputs)


def wait(client: Client, node: str, machine: str, seconds: float, say: Progress) -> None:
    """Returns once the machine has a vote in etcd. Raises Failed with what was heard last when the time is over."""

    def ask() -> tuple[bool, str]:
        members = client.members(node)
        shown = [name if votes else f"{name} (learning)" for name, votes in sorted(members.items())]
        heard = f"members are {', '.join(shown) or 'none'}"
        return members.get(machine, False), heard

    instead = f"look at it with: talosctl -n {node} etcd members, and run up again"
    wait_until(ask, f"{machine} was no voting member of etcd", seconds, instead, say)
