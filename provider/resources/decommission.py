"""A machine that leaves its platform: emptied, out of etcd, erased; or dead, and forgotten."""

import time
from collections.abc import Callable
from typing import TypeVar

from clients.talos import Client, Maintenance, NoAnswer
from provider import nodes, quorum
from provider.framework import InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.kubeapi import Access, wrong_kubeconfig
from provider.talosclient import client_of, wrong_target
from provider.waiting import wait_until

# For how long nobody must answer before a machine counts as gone: a slow answer is none of these.
SILENT_SECONDS = 10.0
# For how long those that stay are asked, one after the other: etcd may elect meanwhile.
ASK_SECONDS = 60.0
# For how long a member is still listed that was told to go.
MEMBER_SECONDS = 180.0
HOW = ("wipe", "lost")
# On the Node from right before the machine is told to erase itself, until the Node goes: who runs on after a kill knows
# by it that the silence of the machine is what was asked of it.
MARK = "bedplate/decommission"

T = TypeVar("T")


class Decommission(Gate):
    """Made when a machine is out of the platform; from then on it is a record, and deleting it does nothing.

    Each step looks first whether it is done, so a run that was killed is simply run again. The Node goes last: it
    carries the mark of what was begun.
    """

    token = "bedplate-native:talos:Decommission"
    secrets = frozenset({"clientConfiguration", "kubeconfig"})
    replaces = frozenset({"machine"})
    ignored_in_diff = frozenset({"clientConfiguration", "kubeconfig", "others", "timeoutSeconds"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = [*wrong_target(inputs), *wrong_kubeconfig(inputs.get("kubeconfig"))]
        if not isinstance(inputs.get("how"), Unknown) and inputs.get("how") not in HOW:
            wrong.append(
                InputError(
                    "how",
                    "is no way to leave a platform; one erases the machine, and the other only forgets it; write wipe or lost",
                )
            )
        others = inputs.get("others")
        if not isinstance(others, Unknown) and not (isinstance(others, dict) and others):
            wrong.append(
                InputError(
                    "others",
                    "names no control plane that stays; somebody must know that the machine is gone; write name: address",
                )
            )
        return wrong

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if isinstance(inputs.get("how"), Unknown) or (state is not None and state.get("how") == inputs.get("how")):
            return None
        name, plane = inputs["machine"], bool(inputs.get("controlplane"))
        stay = (
            f" ({', '.join(sorted(inputs['others']))} stay{'s' if len(inputs['others']) == 1 else ''})"
            if isinstance(inputs.get("others"), dict)
            else ""
        )
        if inputs["how"] == "lost":
            member = f"another control plane takes it out of etcd{stay}, " if plane else ""
            return f"{name} is given up as LOST: nothing is sent to it; {member}its Node is deleted; up refuses this while it still answers"
        member = f"leaves etcd{stay}, " if plane else ""
        return f"{name} LEAVES the platform: it is drained, {member}its system disk is WIPED, it is switched off, and its Node is deleted"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        await in_thread(leave, inputs, say)
        return str(inputs["machine"]), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        # One that was given up as lost and was found again may be erased after all; one that was erased is gone.
        if inputs.get("how") == "wipe" != state.get("how"):
            await in_thread(leave, inputs, say)
        return dict(inputs)


def leave(inputs: Values, say: Progress) -> None:
    """All steps, each only where it is still to be done. Raises UserError."""
    client, access = client_of(inputs["clientConfiguration"]), Access.parse(inputs["kubeconfig"])
    assert client is not None, "no update has unknown inputs"
    _Leaving(client, access, inputs, say).run()


class _Leaving:
    def __init__(self, client: Client, access: Access, inputs: Values, say: Progress) -> None:
        self.client, self.access, self.say = client, access, say
        self.name, self.address, self.how = str(inputs["machine"]), str(inputs["node"]), str(inputs["how"])
        self.plane, self.others = bool(inputs.get("controlplane")), dict(inputs["others"])
        self.seconds = float(inputs["timeoutSeconds"])

    def run(self) -> None:
        silent = self._silence()
        if self.how == "lost":
            if not silent:
                raise UserError(
                    f"{self.name} still answers at {self.address} as a machine of the platform, so it is not lost; forgotten like this it would "
                    "keep the cluster's keys, and join again; write decommission: wipe, or switch it off"
                )
        elif silent:
            self._was_told(silent)
        else:
            self._wipe()
        self._out_of_etcd(
            lambda: self._any(lambda at: self.client.remove_member(at, self.name)),
            "is taken out of etcd by another control plane",
        )
        nodes.delete(self.access, self.name)
        self.say("it is out of the platform; delete its entry from the stack file")

    def _wipe(self) -> None:
        # Asked before it is emptied as well: one that may not leave keeps what it runs.
        if self._member():
            self._others()
        self.say(f"{self.name} is drained")
        nodes.drain(self.access, self.name, self.seconds, self.say)
        self._out_of_etcd(lambda: self.client.leave_etcd(self.address), "leaves etcd")
        nodes.annotate(self.access, self.name, {MARK: self.how})
        self.say("its system disk is wiped, and it switches itself off")
        try:
            self.client.reset(self.address)
        except NoAnswer as error:
            # It may be on its way already; one that is not shows as a machine that goes on answering.
            self.say(f"it answered: {error}")
        self._gone()

    def _silence(self) -> str:
        """What was heard where it does not answer as a machine of the platform for a while; empty where it does."""
        since = time.monotonic()
        while heard := self._heard():
            if time.monotonic() - since >= SILENT_SECONDS:
                return heard
            time.sleep(min(0.5, SILENT_SECONDS / 4))
        return ""

    def _heard(self) -> str:
        """What speaks against its being a machine of this platform; empty while it is one."""
        try:
            self.client.version(self.address)
            return ""
        except NoAnswer as error:
            try:
                Maintenance().hardware(self.address)
            except NoAnswer:
                return str(error)
            return "it has no config: it is in maintenance mode"

    def _was_told(self, heard: str) -> None:
        """Raises UserError where nobody has erased it, as far as its Node shows."""
        node = nodes.read(self.access, self.name)
        if node is not None and MARK not in (node["metadata"].get("annotations") or {}):
            raise UserError(
                f"{self.name} does not answer at {self.address} as a machine of the platform ({heard}), and was not erased; it can be neither drained "
                "nor wiped; switch it on and run up again, or write decommission: lost if it is dead"
            )
        self.say(
            "it is gone already, so nothing is sent to it"
            if node is None
            else "it was told to erase itself, and is gone"
        )

    def _out_of_etcd(self, act: Callable[[], None], what: str) -> None:
        """Where it is a member still: see that the others do without it, act, and see it gone."""
        if not self._member():
            return
        others = self._others()
        self.say(f"{self.name} {what}; {', '.join(others.well)} go{'es' if len(others.well) == 1 else ''} on")
        try:
            act()
        except NoAnswer as error:
            self.say(f"it answered: {error}")

        def ask() -> tuple[bool, str]:
            members = self._any(self.client.members)
            return self.name not in members, f"members are {', '.join(sorted(members))}"

        instead = "look at it with: talosctl etcd members, and run up again"
        wait_until(ask, f"{self.name} was still a member of etcd", min(self.seconds, MEMBER_SECONDS), instead, self.say)

    def _member(self) -> bool:
        return self.plane and self.name in self._any(self.client.members)

    def _others(self) -> quorum.Others:
        """Those that stay in etcd. Raises UserError where they could not do without it."""
        others = self._any(lambda at: quorum.without(self.client, at, self.name))
        if self.how == "wipe" and others.unwell:
            raise UserError(
                f"{self.name} is not taken out of etcd: it is not well on {', '.join(others.unwell)}, and without this one it may lose its "
                "quorum, and all its data with it; bring it back first (talosctl etcd status), or decommission the dead one as lost before"
            )
        if self.how == "lost" and not others.agree:
            raise UserError(
                f"{self.name} can't be taken out of etcd: of {others.votes} members only {len(others.well)} {'is' if len(others.well) == 1 else 'are'} well, and more than "
                "half must agree to it; bring another one back first (talosctl etcd status); where they are lost too, put a snapshot back: docs/runbooks/restore.md"
            )
        return others

    def _gone(self) -> None:
        since: list[float] = []

        def ask() -> tuple[bool, str]:
            if not (heard := self._heard()):
                since.clear()
                return False, "it still answers"
            since.append(time.monotonic())
            return since[-1] - since[0] >= SILENT_SECONDS, heard

        instead = f"look at its console, and at: talosctl -n {self.address} dmesg; run up again: it is told once more"
        wait_until(ask, f"{self.name} was told to erase itself and did not go", self.seconds, instead, self.say)

    def _any(self, ask: Callable[[str], T]) -> T:
        """What one of the control planes that stay answers. Raises UserError where none does for a while."""
        found: list[T] = []

        def asked() -> tuple[bool, str]:
            heard = []
            for name, address in sorted(self.others.items()):
                try:
                    found[:] = [ask(address)]
                    return True, ""
                except NoAnswer as error:
                    heard.append(f"{name}: {error}")
            return False, "; ".join(heard)

        wait_until(
            asked,
            f"{self.name}: no control plane that stays answered",
            min(self.seconds, ASK_SECONDS),
            "bring one back, and run up again",
            self.say,
        )
        return found[0]
