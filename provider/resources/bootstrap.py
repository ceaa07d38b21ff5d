"""etcd, bootstrapped once: by this resource, or before it existed."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from clients.talos import AlreadyThere, Client, NoAnswer
from core.native import Values
from core.native.cluster import BOOTSTRAP
from provider.framework import UserError, in_thread
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import wait_until

RUNNING, WAITING = "Running", "Preparing"
# A machine that was bootstrapped a moment ago also reports WAITING until its etcd has started: the request is sent
# only if it still does after this time.
STEADY_SECONDS = 2.0
# A control plane that can join another's etcd has joined it by itself within this time.
JOIN_SECONDS = 240.0


class Bootstrap(Resource):
    """Bootstraps etcd on the first control plane, once. Afterwards the resource is a record that never changes.

    An etcd that already runs is not bootstrapped again. So a run after a killed run continues, and a running cluster
    is adopted. A machine without etcd is bootstrapped, unless another control plane has an etcd that it belongs to.
    """

    contract = BOOTSTRAP

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Bootstrap etcd, or adopt the running etcd. Returns the machine's name, and the outputs by name."""
        wait = _Bootstrapping(client_of(inputs), inputs, say)
        adopted = await in_thread(wait.run)
        return str(inputs["machine"]), {**inputs, "adopted": adopted}


class _Bootstrapping:
    """One wait for etcd, and the request to bootstrap it."""

    def __init__(self, client: Client, inputs: Values, say: Progress) -> None:
        self._client, self._say = client, say
        self._machine, self._node = str(inputs["machine"]), str(inputs["node"])
        self._others: Mapping[str, str] = inputs["others"]
        self._seconds = float(inputs["timeoutSeconds"])
        self._asked = False
        self._accepted = ""
        """What the machine answered to the request, if it accepted it."""
        self._waiting_since: float | None = None

    def run(self) -> bool:
        """Return once etcd runs on the machine and has a vote; whether it was running before.

        Raises UserError if etcd must not be bootstrapped, or does not run in time.
        """
        instead = (
            f"look at it with: talosctl -n {self._node} service etcd, and run up again: "
            "an etcd that runs by then is taken over"
        )
        wait_until(self._ask, f"{self._machine}: etcd did not run", self._seconds, instead, self._say)
        return not self._asked

    def _ask(self) -> tuple[bool, str]:
        state = self._client.service(self._node, "etcd")
        if state == RUNNING:
            return self._is_member()
        if state != WAITING:
            self._waiting_since = None
            return False, f"etcd: {state or 'not started'}"
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        waited = now - self._waiting_since
        if waited < STEADY_SECONDS:
            return False, "etcd waits to be bootstrapped"
        if running := _running(self._client, self._others):
            _require_join(self._machine, running, waited, self._seconds)
            return False, f"it is to join the etcd of {' and '.join(running)}"
        if self._accepted:
            # Its image may still be downloaded. The request is sent once in a run, however long that takes.
            return False, "it accepted the bootstrap, and etcd has not started"
        return False, self._bootstrap()

    def _is_member(self) -> tuple[bool, str]:
        members = self._client.own_members(self._node)
        if not members.get(self._machine):
            return False, f"etcd runs, and its members are {_named(members)}"
        if not self._asked:
            self._say(
                f"etcd is running already, with {_named(members)}: it is taken over as it is, "
                "and nothing is bootstrapped"
            )
        return True, ""

    def _bootstrap(self) -> str:
        self._waiting_since = None
        if not self._asked:
            self._say("etcd is bootstrapped here, once")
        self._asked = True
        try:
            self._client.bootstrap(self._node)
            self._accepted = "it accepted the bootstrap"
        except AlreadyThere:
            self._accepted = "it already has data of an etcd"
        return f"{self._accepted}: etcd starts"


def _named(members: Mapping[str, bool]) -> str:
    return ", ".join(name if votes else f"{name} (learning)" for name, votes in sorted(members.items())) or "no member"


def _running(client: Client, others: Mapping[str, str]) -> Sequence[str]:
    """The other control planes on which an etcd runs, with or without a quorum; without an answer, none is assumed."""

    def runs(address: str) -> bool:
        try:
            return client.service(address, "etcd") == RUNNING
        except NoAnswer:
            return False

    if not others:
        return ()
    with ThreadPoolExecutor(len(others)) as pool:
        return [name for name, has in zip(others, pool.map(runs, others.values()), strict=True) if has]


def _require_join(machine: str, running: Sequence[str], waited: float, seconds: float) -> None:
    if waited < min(JOIN_SECONDS, seconds):
        return
    names = " and ".join(running)
    raise UserError(
        f"{machine} has no etcd, {names} {'has' if len(running) == 1 else 'have'} one, and {machine} has not joined it "
        f"within {waited:.0f} s; bootstrapping {machine} would create a second cluster beside the first; if that etcd "
        f"is healthy, write talos.bootstrap: {running[0]}; if it has lost its quorum, restore a snapshot "
        "(docs/runbooks/restore.md); then run up again"
    )
