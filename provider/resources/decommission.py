"""A machine that leaves its platform: drained, removed from etcd and erased; or dead, and only removed."""

import time
from collections.abc import Callable
from typing import TypeVar

from clients.talos import Client, Maintenance, NoAnswer
from core.native import Unknown, Values
from core.native.machine import DECOMMISSION, LOST, WIPE
from provider import draining, nodes, quorum
from provider.framework import UserError, in_thread
from provider.kubeapi import Access
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.waiting import wait_until

# Seconds without an answer after which a machine counts as silent: one slow answer must not.
SILENT_SECONDS = 10.0
# Seconds for which the control planes that stay are queried, one after another: etcd may elect a leader meanwhile.
ASK_SECONDS = 60.0
# Seconds for which etcd may still list a member that was removed.
MEMBER_SECONDS = 180.0
# Annotates the Node from right before the machine is ordered to erase itself until the Node is deleted: from it, a run
# after a killed one knows that the machine is silent because it erased itself.
MARK = "bedplate/decommission"

T = TypeVar("T")


class Decommission(Resource):
    """Created when a machine has left the platform; afterwards it is a record, and deleting it does nothing.

    Each step first checks whether it is done, so the run after a killed one repeats nothing. The Node is deleted
    last, because it carries the mark.
    """

    contract = DECOMMISSION

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What happens to the machine, step by step."""
        if isinstance(inputs.get("how"), Unknown) or (state is not None and state.get("how") == inputs.get("how")):
            return None
        name, plane, others = inputs["machine"], bool(inputs.get("controlplane")), inputs.get("others")
        stay = ""
        if isinstance(others, dict):
            stay = f" ({', '.join(sorted(others))} stay{'s' if len(others) == 1 else ''})"
        if inputs["how"] == LOST:
            member = f"another control plane removes it from etcd{stay}, " if plane else ""
            return (
                f"{name} is given up as LOST: nothing is sent to it; {member}its Node is deleted; "
                "up refuses this while it still answers"
            )
        member = f"leaves etcd{stay}, " if plane else ""
        return (
            f"{name} LEAVES the platform: it is drained, {member}its system disk is WIPED, it is switched off, "
            "and its Node is deleted"
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Remove the machine from the platform. Returns its name, and the outputs by name."""
        await in_thread(leave, inputs, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Erase a machine that was given up as lost, if it is to be wiped now. Returns the outputs by name."""
        if inputs.get("how") == WIPE != state.get("how"):
            await in_thread(leave, inputs, say)
        return dict(inputs)


def leave(inputs: Values, say: Progress) -> None:
    """Every step, each only if it is still to be done. Raises UserError."""
    _Leaving(client_of(inputs), Access.parse(inputs["kubeconfig"]), inputs, say).run()


class _Leaving:
    """One machine on its way out."""

    def __init__(self, client: Client, access: Access, inputs: Values, say: Progress) -> None:
        self.client, self.access, self.say = client, access, say
        self.name, self.address, self.how = str(inputs["machine"]), str(inputs["node"]), str(inputs["how"])
        self.plane, self.others = bool(inputs.get("controlplane")), dict(inputs["others"])
        self.seconds = float(inputs["timeoutSeconds"])

    def run(self) -> None:
        """The steps in order. Raises UserError."""
        silence = self._silence()
        if self.how == LOST:
            self._require_silent(silence)
        elif silence:
            self._require_erased(silence)
        else:
            self._wipe()
        self._leave_etcd(
            lambda: self._any(lambda address: self.client.remove_member(address, self.name)),
            "is removed from etcd by another control plane",
        )
        nodes.delete(self.access, self.name)
        self.say("it is out of the platform; delete its entry from the stack file")

    def _wipe(self) -> None:
        # Before it is drained: a control plane that must not leave keeps its pods.
        if self._is_member():
            self._require_quorum()
        self.say(f"{self.name} is drained")
        draining.drain(self.access, self.name, self.seconds, self.say)
        self._leave_etcd(lambda: self.client.leave_etcd(self.address), "leaves etcd")
        nodes.annotate(self.access, self.name, {MARK: self.how})
        self.say("its system disk is wiped, and it switches itself off")
        try:
            self.client.reset(self.address)
        except NoAnswer as error:
            # The machine may already be erasing its disk. If it isn't, it still answers, which the next step reports.
            self.say(f"its response to the reset request: {error}")
        self._wait_for_silence()

    def _silence(self) -> str:
        """The last failure if it does not answer as a machine of the platform for a while; empty if it does."""
        since = time.monotonic()
        while failure := self._failure():
            if time.monotonic() - since >= SILENT_SECONDS:
                return failure
            time.sleep(min(0.5, SILENT_SECONDS / 4))
        return ""

    def _failure(self) -> str:
        """Why it does not answer as a machine of this platform; empty while it does."""
        try:
            self.client.version(self.address)
            return ""
        except NoAnswer as error:
            try:
                Maintenance.at(self.address).hardware(self.address)
            except NoAnswer:
                return str(error)
            return "it has no config: it is in maintenance mode"

    def _require_silent(self, silence: str) -> None:
        """Raises UserError for a machine that is to be given up and still answers."""
        if not silence:
            raise UserError(
                f"{self.name} still answers at {self.address} as a machine of the platform, so it is not lost; it "
                "would keep the cluster's keys, and join again; write decommission: wipe, or switch it off"
            )

    def _require_erased(self, failure: str) -> None:
        """Raises UserError for a silent machine whose Node does not show that it was erased."""
        node = nodes.read(self.access, self.name)
        if node is not None and MARK not in (node["metadata"].get("annotations") or {}):
            raise UserError(
                f"{self.name} does not answer at {self.address} as a machine of the platform ({failure}), and was not "
                "erased; it can be neither drained nor wiped; switch it on and run up again, or write "
                "decommission: lost if it is dead"
            )
        self.say(
            "its Node is already deleted, so nothing is sent to it"
            if node is None
            else "it has erased itself, and does not answer any more"
        )

    def _leave_etcd(self, act: Callable[[], None], what: str) -> None:
        """If it is still a member: check the quorum without it, act, and wait until it is not listed any more."""
        if not self._is_member():
            return
        others = self._require_quorum()
        stay = "stays" if len(others.healthy) == 1 else "stay"
        self.say(f"{self.name} {what}; {', '.join(others.healthy)} {stay}")
        try:
            act()
        except NoAnswer as error:
            self.say(f"the response to that request: {error}")

        def ask() -> tuple[bool, str]:
            members = self._any(self.client.members)
            return self.name not in members, f"members are {', '.join(sorted(members))}"

        instead = "look at it with: talosctl etcd members, and run up again"
        wait_until(ask, f"{self.name} was still a member of etcd", min(self.seconds, MEMBER_SECONDS), instead, self.say)

    def _is_member(self) -> bool:
        return self.plane and self.name in self._any(self.client.members)

    def _require_quorum(self) -> quorum.Others:
        """The members that stay. Raises UserError if etcd would lose its quorum."""
        others = self._any(lambda address: quorum.without(self.client, address, self.name))
        if self.how == WIPE and others.unhealthy:
            raise UserError(
                f"{self.name} is not removed from etcd: etcd is not healthy on {', '.join(others.unhealthy)}, and "
                f"without {self.name} it could lose its quorum and all its data; repair it first (talosctl etcd "
                "status), or decommission a dead one as lost before"
            )
        if self.how == LOST and not others.agree:
            healthy = len(others.healthy)
            raise UserError(
                f"{self.name} can't be removed from etcd: only {healthy} of {others.votes} members "
                f"{'is' if healthy == 1 else 'are'} healthy, and more than half must agree; repair another one first "
                "(talosctl etcd status); if they are lost too, restore a snapshot: docs/runbooks/restore.md"
            )
        return others

    def _wait_for_silence(self) -> None:
        silent_since: list[float] = []

        def ask() -> tuple[bool, str]:
            if not (failure := self._failure()):
                silent_since.clear()
                return False, "it still answers"
            silent_since.append(time.monotonic())
            return silent_since[-1] - silent_since[0] >= SILENT_SECONDS, failure

        instead = (
            f"look at its console, and at: talosctl -n {self.address} dmesg; "
            "run up again, which sends the request again"
        )
        wait_until(ask, f"{self.name} was ordered to erase itself and still answered", self.seconds, instead, self.say)

    def _any(self, ask: Callable[[str], T]) -> T:
        """The answer of one of the control planes that stay. Raises UserError if none answers for a while."""
        answers: list[T] = []

        def asked() -> tuple[bool, str]:
            failures = []
            for name, address in sorted(self.others.items()):
                try:
                    answers[:] = [ask(address)]
                    return True, ""
                except NoAnswer as error:
                    failures.append(f"{name}: {error}")
            return False, "; ".join(failures)

        wait_until(
            asked,
            f"{self.name}: no control plane that stays answered",
            min(self.seconds, ASK_SECONDS),
            "repair one, and run up again",
            self.say,
        )
        return answers[0]
