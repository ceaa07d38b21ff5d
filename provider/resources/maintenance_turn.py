"""Before a config that reboots a machine or changes its Kubernetes: the machine waits for its turn and is drained."""

import time
from collections.abc import Mapping
from typing import Any

from clients.kubeconfig import kubeconfig
from clients.talos import Client, NoAnswer
from core.facts.node_labels import CONTROL_PLANE
from core.machineconfig import updates
from core.native import Unknown, Values
from core.native.machine import MAINTENANCE_TURN
from provider import draining, nodes, planes, quorum
from provider.framework import UserError, in_thread
from provider.kubeapi import Access
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.turns import PLANE, RESUMED, TURNS, WORKER, brief
from provider.waiting import wait_until

# Annotates the Node from before it is cordoned until it is healthy again: the run after a killed one reads from it
# which machine had the turn, and whether the Node was schedulable before.
MARK = "bedplate/turn"
OURS, KEPT = "cordoned", "was-cordoned"
# Seconds in which a control plane must issue a kubeconfig.
ASK_SECONDS = 120.0
# Seconds for a drain: an eviction may wait for a disruption budget, and a virtual machine for its migration.
DRAIN_SECONDS = 1800.0
# Pause before retrying, so that a node that an earlier run left unfinished goes first.
YIELD_SECONDS = 1.0


class MaintenanceTurn(Resource):
    """Waits for the machine's turn and drains it, if a config reboots the machine or changes its Kubernetes.

    The output turn counts the turns. NodeHealthy ends each turn and depends on that number, so the run after a failed
    config ends the turn. A machine's first config, and one after an installation, needs no turn,
    because the machine runs no pods.
    """

    contract = MAINTENANCE_TURN

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs by name: those of the last turn, or UNKNOWN if a turn is needed."""
        if state is not None and _needed(inputs, state) != (False, ""):
            return self.contract.planned(inputs, None)
        return {**inputs, **_last_turn(state)}

    def equal_inputs(self, inputs: Values, state: Values) -> frozenset[str]:
        """The base, if the state has none."""
        return updates.unrecorded(state)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That the machine is drained, and why."""
        if state is None or isinstance(inputs.get("documents"), Unknown):
            return None
        reboots, move = _needed(inputs, state)
        what = [*(["REBOOTS"] if reboots else []), *([f"its Kubernetes goes {move}"] if move else [])]
        if not what:
            return None
        planes_first = move and not inputs.get("controlplane")
        after = "after the control planes and in its turn" if planes_first else "in its turn"
        return f"{inputs['machine']}: {', '.join(what)}, drained, {after}; the next one waits until it is healthy"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Record that there was no turn. Returns the machine's name, and the outputs by name."""
        return str(inputs["machine"]), {**inputs, **_last_turn(None)}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Wait for the machine's turn and drain it, if its config needs one. Returns the outputs by name."""
        reboots, move = _needed(inputs, state)
        if not reboots and not move:
            return {**inputs, **_last_turn(state)}
        began = await in_thread(take, inputs, bool(move), say)
        return {**inputs, "turn": int(state.get("turn", 0)) + 1, "began": began, "reboots": reboots}


def _last_turn(state: Values | None) -> Values:
    """The outputs of the last turn, by name."""
    return {key: (state or {}).get(key, none) for key, none in (("turn", 0), ("began", ""), ("reboots", False))}


def _needed(inputs: Values, state: Values) -> tuple[bool, str]:
    """Whether the machine's next config restarts it, and from which to which version its Kubernetes moves, if any."""
    if any(inputs.get(key) != state.get(key) for key in ("node", "generation")):
        return False, ""  # Another machine, or one that was installed again: it is in maintenance mode.
    if isinstance(inputs.get("documents"), Unknown):
        return True, ""
    reboots = any(change.reboots for change in updates.changes(state, inputs))
    was, now = state.get("kubernetes"), inputs.get("kubernetes")
    return reboots, f"{was} -> {now}" if was != now else ""


def access_of(client: Client, inputs: Values, say: Progress) -> Access:
    """The Kubernetes API by a kubeconfig that a control plane issues now, and that is stored nowhere.

    Raises UserError if no control plane issues one.
    """
    results: list[Access] = []

    def ask() -> tuple[bool, str]:
        failures = []
        for name, address in sorted(dict(inputs["planes"]).items()):
            try:
                results[:] = [Access.of(kubeconfig(client, str(address)))]
                return True, ""
            except NoAnswer as error:
                failures.append(f"{name}: {error}")
        return False, "; ".join(failures)

    wait_until(
        ask,
        f"{inputs['machine']} can't be drained: no control plane issued a kubeconfig",
        min(ASK_SECONDS, float(inputs["timeoutSeconds"])),
        "check that a control plane's Talos API answers, and run up again",
        say,
    )
    return results[0]


def take(inputs: Values, moves: bool, say: Progress) -> str:
    """Return when the machine may get its config; the time at which it was started last, as its kernel has it.

    moves: whether its Kubernetes moves. Raises UserError if it does not get its turn or can't be drained.
    """
    client, name, plane = client_of(inputs), str(inputs["machine"]), bool(inputs.get("controlplane"))
    seconds = float(inputs["timeoutSeconds"])
    access = access_of(client, inputs, say)
    if moves and not plane:
        planes.wait_for_version(access, name, str(inputs["kubernetes"]), seconds, say)
    _take_turn(access, name, PLANE if plane else WORKER, seconds, say)
    try:
        began = client.began(str(inputs["node"]))
        if plane:
            doing = "moved to another Kubernetes" if moves else "restarted"
            quorum.require_healthy_others(client, str(inputs["node"]), name, doing)
        _empty(access, name, min(seconds, DRAIN_SECONDS), say)
    except NoAnswer as error:
        TURNS.give(name)
        raise UserError(
            f"{name} did not report when it was started ({error}), so nothing was sent to it; "
            "check that it is healthy, and run up again"
        ) from None
    except UserError as error:
        # The machine runs on as it was, so the others get their turns, and its node takes pods again.
        _undo(access, name, error, say)
        TURNS.give(name)
        raise
    except BaseException:
        TURNS.give(name)
        raise
    TURNS.applying(name)
    return began


def _take_turn(access: Access, name: str, kind: int, seconds: float, say: Progress) -> None:
    """Return with the turn taken, and no other machine left unfinished by an earlier run. Raises UserError."""
    start = time.monotonic()
    unfinished = bool(_mark(nodes.read(access, name)))
    while True:
        left = max(1.0, seconds - (time.monotonic() - start))
        TURNS.take(name, RESUMED if unfinished else kind, left, say)
        try:
            marked = [node["metadata"]["name"] for node in nodes.list_nodes(access) if _mark(node)]
        except UserError:
            TURNS.give(name)
            raise
        others = sorted(set(marked) - {name})
        if unfinished or not others:
            return
        TURNS.give(name)
        if time.monotonic() - start >= seconds:
            raise UserError(
                f"{name} did not get its turn within {seconds:.0f} s: an earlier run left {', '.join(others)} "
                f"unfinished, and it is not healthy again; nothing was sent to {name}; repair {others[0]}, remove its "
                f"mark (kubectl annotate node {others[0]} {MARK}-), and run up again"
            )
        say(f"waits for its turn: an earlier run left {', '.join(others)} unfinished")
        time.sleep(min(seconds, YIELD_SECONDS))


def _mark(node: Mapping[str, Any] | None) -> str:
    return str(((node or {}).get("metadata", {}).get("annotations") or {}).get(MARK, ""))


def _empty(access: Access, name: str, seconds: float, say: Progress) -> None:
    """Mark, cordon and drain the node; a machine without a Node runs no pods."""
    node = nodes.read(access, name)
    if node is None:
        say("has no Node: no pods run there")
        return
    cordoned = bool((node.get("spec") or {}).get("unschedulable"))
    nodes.annotate(access, name, {MARK: _mark(node) or (KEPT if cordoned else OURS)})
    if not any(_takes_pods(other) for other in nodes.list_nodes(access) if other["metadata"]["name"] != name):
        say("no other node takes pods: its pods stay on it, and are unavailable while it restarts")
        nodes.cordon(access, name)
        return
    say(f"{name} is drained")
    draining.drain(access, name, seconds, say)


def _takes_pods(node: Mapping[str, Any]) -> bool:
    spec = node.get("spec") or {}
    tainted = any(
        taint.get("key") == CONTROL_PLANE and taint.get("effect") != "PreferNoSchedule"
        for taint in spec.get("taints") or []
    )
    return nodes.is_ready(node) and not spec.get("unschedulable") and not tainted


def _undo(access: Access, name: str, why: UserError, say: Progress) -> None:
    try:
        give_back(access, name)
    except UserError as error:
        say(f"{brief(why)}, and its node may still be cordoned ({brief(error)}); the next up uncordons it")


def give_back(access: Access, name: str) -> None:
    """Uncordon a node that this provider cordoned, and remove the mark. Raises UserError."""
    mark = _mark(nodes.read(access, name))
    if mark == OURS:
        nodes.uncordon(access, name)
    if mark:
        nodes.annotate(access, name, {MARK: None})
