"""Before a machine's config: where it restarts the machine or moves its Kubernetes, it waits for its turn and is emptied."""

import json
import time
from collections.abc import Mapping
from typing import Any

from clients.kubeconfig import kubeconfig
from clients.talos import Client, NoAnswer
from core.machineconfig.differences import differences
from core.machineconfig.merge import merge
from provider import nodes, quorum
from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.kubeapi import Access
from provider.talosclient import client_of, wrong_target
from provider.turns import PLANE, RESUMED, TURNS, WORKER, brief
from provider.waiting import wait_until

# On the Node from before it is cordoned until it is well again: who runs on after a kill knows by it whose turn it was,
# and whether the node took pods before.
MARK = "bedplate/turn"
OURS, KEPT = "cordoned", "was-cordoned"
# So long a control plane that holds a kubeconfig is looked for.
ASK_SECONDS = 120.0
# An eviction may wait for a budget, and a virtual machine for its migration.
DRAIN_SECONDS = 1800.0
# How long others are let go first, that an earlier run left half way.
YIELD_SECONDS = 1.0
_MIRRORED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PLANE = "node-role.kubernetes.io/control-plane"


class MaintenanceTurn(Gate):
    """A record, until a config restarts the machine or moves its Kubernetes. Then its update returns when it may.

    turn counts the turns: NodeHealthy, which ends each, follows it, so that a turn whose config failed is ended by the
    next run. A first config, and one after an installation, take none: nothing runs there.
    """

    token = "bedplate-native:talos:Turn"
    secrets = frozenset({"clientConfiguration", "documents"})
    replaces = frozenset({"machine"})
    ignored_in_diff = frozenset({"clientConfiguration", "planes", "timeoutSeconds"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return [*wrong_target(inputs), *wrong_planes(inputs)]

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        if state is not None and _needed(inputs, state) != (False, ""):
            return {**inputs, "turn": UNKNOWN, "began": UNKNOWN, "reboots": UNKNOWN}
        return {**inputs, **_kept(state)}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if state is None or isinstance(inputs.get("documents"), Unknown):
            return None
        reboots, version = _needed(inputs, state)
        after = (
            "after its turn" if inputs.get("controlplane") or not version else "after its turn and the control planes"
        )
        what = [*(["REBOOTS"] if reboots else []), *([f"its Kubernetes goes {version}"] if version else [])]
        return (
            f"{inputs['machine']}: {', '.join(what)}, drained, {after}; the next one goes when it is well"
            if what
            else None
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return str(inputs["machine"]), {**inputs, **_kept(None)}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        reboots, version = _needed(inputs, state)
        if not reboots and not version:
            return {**inputs, **_kept(state)}
        began = await in_thread(take, inputs, bool(version), say)
        return {**inputs, "turn": int(state.get("turn", 0)) + 1, "began": began, "reboots": reboots}


def _kept(state: Values | None) -> Values:
    """What is known of the last turn."""
    return {key: (state or {}).get(key, none) for key, none in (("turn", 0), ("began", ""), ("reboots", False))}


def _needed(inputs: Values, state: Values) -> tuple[bool, str]:
    """Whether its next config restarts it, and what its Kubernetes moves from and to."""
    if any(inputs.get(key) != state.get(key) for key in ("node", "generation")):
        return False, ""  # It is another machine, or installed again: it is in maintenance mode.
    if isinstance(inputs.get("documents"), Unknown):
        return True, ""
    changed = differences(*(merge(map(json.loads, of.get("documents") or [])) for of in (state, inputs)))
    was, now = state.get("kubernetes"), inputs.get("kubernetes")
    return any(each.reboots for each in changed), f"{was} -> {now}" if was != now else ""


def wrong_planes(inputs: Values) -> list[InputError]:
    planes = inputs.get("planes")
    if isinstance(planes, Unknown) or (isinstance(planes, Mapping) and planes):
        return []
    return [
        InputError(
            "planes",
            "names no control plane; one hands out the kubeconfig by which nodes are drained; write name: address",
        )
    ]


def access_of(client: Client, inputs: Values, say: Progress) -> Access:
    """The Kubernetes API, by a kubeconfig that a control plane makes now: it is kept nowhere. Raises UserError."""
    found: list[Access] = []

    def ask() -> tuple[bool, str]:
        heard = []
        for name, address in sorted(dict(inputs["planes"]).items()):
            try:
                found[:] = [Access.parse(kubeconfig(client, str(address)))]
                return True, ""
            except (NoAnswer, ValueError) as error:
                heard.append(f"{name}: {error}")
        return False, "; ".join(heard)

    instead = "see that a control plane's Talos API answers, and run up again"
    wait_until(
        ask,
        f"{inputs['machine']} can't be drained: no control plane gave a kubeconfig",
        min(ASK_SECONDS, float(inputs["timeoutSeconds"])),
        instead,
        say,
    )
    return found[0]


def take(inputs: Values, moves: bool, say: Progress) -> str:
    """Returns when the machine may get its config, and when it was started last. Raises UserError."""
    client = client_of(inputs["clientConfiguration"])
    assert client is not None, "no update has unknown inputs"
    name, address, plane = str(inputs["machine"]), str(inputs["node"]), bool(inputs.get("controlplane"))
    seconds = float(inputs["timeoutSeconds"])
    access = access_of(client, inputs, say)
    if moves and not plane:
        _planes_first(access, inputs, seconds, say)
    _place(access, name, PLANE if plane else WORKER, seconds, say)
    try:
        began = client.began(address)
        if plane:
            quorum.whole(client, address, name, "restarted" if not moves else "moved to another Kubernetes")
        _empty(access, name, min(seconds, DRAIN_SECONDS), say)
    except NoAnswer as error:
        TURNS.give(name)
        raise UserError(
            f"{name} does not tell when it was started ({error}), so nothing was sent to it; see it well, and run up again"
        ) from None
    except UserError as failed:
        # It goes on as it was: the others are not kept from their turns by it, nor it from pods.
        _back(access, name, failed, say)
        TURNS.give(name)
        raise
    except BaseException:
        TURNS.give(name)
        raise
    TURNS.applying(name)
    return began


def _place(access: Access, name: str, kind: int, seconds: float, say: Progress) -> None:
    """Returns with the turn taken, and no other machine half way. Raises UserError."""
    start = time.monotonic()
    own = _marked(nodes.read(access, name))
    while True:
        left = max(1.0, seconds - (time.monotonic() - start))
        TURNS.take(name, RESUMED if own else kind, left, say)
        try:
            others = sorted(
                n["metadata"]["name"] for n in nodes.list_nodes(access) if _marked(n) and n["metadata"]["name"] != name
            )
        except UserError:
            TURNS.give(name)
            raise
        if own or not others:
            return
        TURNS.give(name)
        if time.monotonic() - start >= seconds:
            raise UserError(
                f"{name} did not get its turn within {seconds:.0f} s: an earlier run left {', '.join(others)} half way, and it is not well again; "
                f"nothing was sent to {name}; see {others[0]} well, take its mark away (kubectl annotate node {others[0]} {MARK}-), and run up again"
            )
        say(f"waits for its turn: an earlier run left {', '.join(others)} half way")
        time.sleep(min(seconds, YIELD_SECONDS))


def _marked(node: Mapping[str, Any] | None) -> str:
    return str(((node or {}).get("metadata", {}).get("annotations") or {}).get(MARK, ""))


def _planes_first(access: Access, inputs: Values, seconds: float, say: Progress) -> None:
    """Returns when every control plane serves the wanted version: no kubelet may be newer than an API server."""
    wanted = str(inputs["kubernetes"])

    def ask() -> tuple[bool, str]:
        planes = sorted(
            n["metadata"]["name"] for n in nodes.list_nodes(access) if _PLANE in (n["metadata"].get("labels") or {})
        )
        running = _serving(access)
        late = [f"{node} ({', '.join(old)})" for node in planes if (old := _old(running, node, wanted))]
        return bool(planes) and not late, f"not yet at {wanted}: {', '.join(late) or 'no control plane is known'}"

    instead = "look at them with: kubectl get pods -n kube-system -l tier=control-plane, and run up again"
    wait_until(
        ask,
        f"{inputs['machine']} waits for the control planes' Kubernetes, which was not {wanted}",
        seconds,
        instead,
        say,
    )


def _serving(access: Access) -> dict[str, dict[str, str]]:
    """Node to each part of the control plane that is ready there, and its version."""
    found: dict[str, dict[str, str]] = {}
    for component in _MIRRORED:
        for pod in nodes.system_pods(access, component):
            if any(
                c.get("type") == "Ready" and c.get("status") == "True"
                for c in (pod.get("status") or {}).get("conditions") or []
            ):
                found.setdefault(str(pod["spec"].get("nodeName")), {})[component] = _tag(
                    pod["spec"]["containers"][0]["image"]
                )
    return found


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2]


def _old(running: Mapping[str, Mapping[str, str]], node: str, wanted: str) -> list[str]:
    has = running.get(node, {})
    return [f"{component} {has.get(component, 'not ready')}" for component in _MIRRORED if has.get(component) != wanted]


def _empty(access: Access, name: str, seconds: float, say: Progress) -> None:
    """Marked, cordoned, drained. A Node that is not there runs nothing."""
    node = nodes.read(access, name)
    if node is None:
        say("has no Node: nothing runs there")
        return
    cordoned = bool((node.get("spec") or {}).get("unschedulable"))
    nodes.annotate(access, name, {MARK: _marked(node) or (KEPT if cordoned else OURS)})
    if not any(_takes(other) for other in nodes.list_nodes(access) if other["metadata"]["name"] != name):
        say("no other node takes pods: what runs here stays, and is away while it restarts")
        nodes.cordon(access, name)
        return
    say(f"{name} is drained")
    nodes.drain(access, name, seconds, say)


def _takes(node: Mapping[str, Any]) -> bool:
    spec = node.get("spec") or {}
    closed = any(t.get("key") == _PLANE and t.get("effect") != "PreferNoSchedule" for t in spec.get("taints") or [])
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in (node.get("status") or {}).get("conditions") or []
    )
    return ready and not spec.get("unschedulable") and not closed


def _back(access: Access, name: str, why: UserError, say: Progress) -> None:
    try:
        give_back(access, name)
    except UserError as failed:
        say(f"{brief(why)}, and it may still take no pods ({brief(failed)}); the next up sees to it")


def give_back(access: Access, name: str) -> None:
    """Let a node take pods again where we kept them off, and take the mark away. Raises UserError."""
    mark = _marked(nodes.read(access, name))
    if mark == OURS:
        nodes.uncordon(access, name)
    if mark:
        nodes.annotate(access, name, {MARK: None})
