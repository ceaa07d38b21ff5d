"""etcd, made once: by us, or before us."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from clients.talos import AlreadyThere, Client, NoAnswer
from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.talosclient import client_of, wrong_target
from provider.waiting import wait_until

RUNNING, WAITING = "Running", "Preparing"
# A machine that was told a moment ago waits too, until its etcd has started: it is told again only if it still does.
STEADY_SECONDS = 2.0
# A control plane that finds an etcd of others joins it by itself, or never will.
JOIN_SECONDS = 240.0


class Bootstrap(Gate):
    """Created when etcd runs on the first control plane. From then on it is a record, and nothing changes it.

    Where etcd is there already, of this platform or of the cluster that it took over, it is left as it is: so a run
    that was killed after Talos had taken the request goes on, and a cluster that runs is adopted. A machine without
    an etcd is told to make one, unless another control plane has one that it belongs to.
    """

    token = "bedplate-native:talos:Bootstrap"
    secrets = frozenset({"clientConfiguration"})
    # It happened. Who did it, with which credentials, and who has come since, changes nothing of that.
    ignored_in_diff = frozenset({"machine", "node", "others", "clientConfiguration", "timeoutSeconds"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = wrong_target(inputs)
        others = inputs.get("others")
        if not isinstance(others, Unknown) and not (
            isinstance(others, dict) and all(isinstance(at, (str, Unknown)) for at in others.values())
        ):
            wrong.append(
                InputError(
                    "others",
                    "is no mapping; an etcd may be there already; write each other control plane's name and address, or {}",
                )
            )
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "adopted": (state or {}).get("adopted", UNKNOWN)}

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        client = client_of(inputs["clientConfiguration"])
        assert client is not None, "no update has unknown inputs"
        adopted = await in_thread(
            wait, client, inputs["machine"], inputs["node"], inputs["others"], float(inputs["timeoutSeconds"]), say
        )
        return str(inputs["machine"]), {**inputs, "adopted": adopted}


def wait(client: Client, machine: str, node: str, others: dict[str, str], seconds: float, say: Progress) -> bool:
    """Returns once etcd runs on the machine with a vote of its own; whether it was there before.

    Raises UserError where it may not be made, or in time was not.
    """
    told: list[float] = []
    taken: list[str] = []
    waits: list[float] = []

    def ask() -> tuple[bool, str]:
        state = client.service(node, "etcd")
        if state == RUNNING:
            members = client.own_members(node)
            if members.get(machine):
                if not told:
                    say(
                        f"etcd is there already, with {_named(members)}: it is taken over as it is, and nothing is bootstrapped"
                    )
                return True, ""
            return False, f"etcd runs, and its members are {_named(members)}"
        if state != WAITING:
            waits.clear()
            return False, f"etcd: {state or 'not there yet'}"
        now = time.monotonic()
        waits.append(now)
        if now - waits[0] < STEADY_SECONDS:
            return False, "etcd waits to be bootstrapped"
        if having := _having(client, others):
            _must_join(machine, having, now - waits[0], seconds)
            return False, f"it is to join the etcd of {' and '.join(having)}"
        if taken:
            # Its image may still be on the way. Whatever becomes of it, a run asks once.
            return False, "it was told to bootstrap, and etcd has not started"
        waits.clear()
        if not told:
            say("etcd is bootstrapped here, once")
        told.append(now)
        try:
            client.bootstrap(node)
        except AlreadyThere:
            taken.append("it has data of an etcd")
        else:
            taken.append("it takes it")
        return False, f"{taken[0]}: etcd starts"

    instead = f"look at it with: talosctl -n {node} service etcd, and run up again: what is there by then is taken over"
    wait_until(ask, f"{machine}: etcd did not run", seconds, instead, say)
    return not told


def _named(members: dict[str, bool]) -> str:
    return ", ".join(name if votes else f"{name} (learning)" for name, votes in sorted(members.items())) or "no member"


def _having(client: Client, others: dict[str, str]) -> Sequence[str]:
    """The other control planes on which an etcd runs, with a quorum or without. One that gives no answer is not known to."""

    def runs(address: str) -> bool:
        try:
            return client.service(address, "etcd") == RUNNING
        except NoAnswer:
            return False

    if not others:
        return ()
    with ThreadPoolExecutor(len(others)) as pool:
        return [name for name, has in zip(others, pool.map(runs, others.values()), strict=True) if has]


def _must_join(machine: str, having: Sequence[str], waited: float, seconds: float) -> None:
    if waited < min(JOIN_SECONDS, seconds):
        return
    who = " and ".join(having)
    raise UserError(
        f"{machine} has no etcd, {who} {'has' if len(having) == 1 else 'have'} one, and it has not joined that within "
        f"{waited:.0f} s; bootstrapping it would make a second cluster beside the first; if that etcd is well, write talos.bootstrap: "
        f"{having[0]}; if it has lost its quorum, put a snapshot back (docs/runbooks/restore.md); then run up again"
    )
