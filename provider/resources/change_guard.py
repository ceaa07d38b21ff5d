"""Changes that would damage a platform: refused in the plan, before anything is changed."""

from collections.abc import Iterable, Mapping
from typing import Any

from clients.talos import Client, NoAnswer
from core.machineconfig import running
from core.native import InputError, Unknown, Values
from core.native.cluster import CHANGE_GUARD
from provider import contract_step, steps
from provider.framework import UserError, in_thread
from provider.progress import Progress
from provider.resource import Resource
from provider.running import require_same
from provider.talosclient import client_of


class ChangeGuard(Resource):
    """One for each platform: compares the plan with what the last update recorded. Every machine depends on it."""

    contract = CHANGE_GUARD

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """What the plan must not do at once, compared with the inputs of the last update."""
        yield from _strangers(inputs, before)
        if before:
            yield from _vanished(inputs, before)
            yield from _members(inputs, before)
            yield from contract_step.refused(inputs, before)
            yield from steps.refused(inputs, before)
            yield from _network(inputs, before)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What another contract does, and the order in which versions change, if several do."""
        if not state:
            return None
        return "; ".join(filter(None, (contract_step.described(inputs, state), steps.described(inputs, state)))) or None

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Record the inputs. Returns the platform's name, and the outputs by name.

        Raises UserError for a cluster that runs already, with another endpoint or other networks.
        """
        await in_thread(require_same, inputs, say)
        return str(inputs.get("platform", "platform")), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Record the inputs. Returns the outputs by name.

        Raises UserError for a machine whose entry is deleted before it has left: only the machine knows that. And for
        another endpoint or other networks than the cluster runs with, where the state has recorded none.
        """
        if "network" not in state:
            await in_thread(require_same, inputs, say)
        leaving = _mapping(inputs, "leaving")
        forgotten = {name: left for name, left in _mapping(state, "leaving").items() if name not in leaving}
        if forgotten:
            await in_thread(_require_left, forgotten, inputs, say)
        return dict(inputs)


def _network(inputs: Values, before: Values) -> Iterable[InputError]:
    """Another endpoint or other networks than the cluster was created with, unless that is accepted."""
    was, now, accepted = (
        _mapping(values, key) for values, key in ((before, "network"), (inputs, "network"), (inputs, "accepted"))
    )
    if any(isinstance(value, Unknown) for values in (was, now, accepted) for value in values.values()):
        return
    for _, problem in running.changes(was, now, accepted):
        yield InputError("network", problem)


def _require_left(forgotten: Mapping[str, Any], inputs: Values, say: Progress) -> None:
    """Raises UserError if an entry was deleted before its machine had left, or is kept after it had left etcd."""
    client = client_of(inputs)
    planes = {name for name, left in forgotten.items() if left["role"] == "controlplane"}
    members = _members_now(client, inputs, frozenset(forgotten)) if planes else frozenset[str]()
    for name, left in sorted(forgotten.items()):
        again = f"write decommission: {left['how']} for it again, run up, and delete its entry after that has succeeded"
        answers, kept = _answers(client, str(left["address"])), name in _mapping(inputs, "machines")
        if kept and answers and name in planes and name not in members:
            raise UserError(
                f"{name} was to leave the platform, is already out of etcd, and was not erased; it can't join etcd "
                f"with its old data; {again}"
            )
        if kept and answers:
            say(
                f"{name} stays in the platform, because its decommission was removed; if its node is cordoned: "
                f"kubectl uncordon {name}"
            )
        elif answers:
            raise UserError(
                f"{name} was to leave the platform, and still answers at {left['address']} as a machine of it; without "
                f"its entry it would keep the cluster's keys; {again}"
            )
        elif not kept and name in members:
            raise UserError(
                f"{name} was to leave the platform, and is still a member of etcd; without its entry it would still "
                f"count for the quorum; {again}"
            )


def _answers(client: Client, address: str) -> bool:
    try:
        client.version(address)
    except NoAnswer:
        return False
    return True


def _members_now(client: Client, inputs: Values, besides: frozenset[str]) -> frozenset[str]:
    """The members of etcd, as a control plane lists them that is not one of `besides`. Raises UserError."""
    failures = []
    for name, address in sorted(_mapping(inputs, "controlplanes").items()):
        if name in besides:
            continue
        try:
            return frozenset(client.members(str(address)))
        except NoAnswer as error:
            failures.append(f"{name}: {error}")
    raise UserError(
        f"no control plane listed the members of etcd ({'; '.join(failures)}); one was to leave, and whether it "
        "has is not known; repair a control plane, and run up again"
    )


def _mapping(values: Values, name: str) -> dict[str, Any]:
    value = values.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _strangers(inputs: Values, before: Values | None) -> Iterable[InputError]:
    """Machines that are to leave and were never part of the platform."""
    recorded = before or {}
    if before and "machines" not in before:
        return  # Written by an earlier release, which recorded control planes only.
    members = {
        **_mapping(recorded, "machines"),
        **_mapping(recorded, "controlplanes"),
        **_mapping(recorded, "leaving"),
    }
    for name in sorted(set(_mapping(inputs, "leaving")) - set(members)):
        yield InputError(
            "leaving",
            f"{name} is to be decommissioned, and no up has made it part of the platform; there is nothing to remove; "
            "delete its entry",
        )


def _vanished(inputs: Values, before: Values) -> Iterable[InputError]:
    """Machines whose entry was deleted without a decommission."""
    planes = _mapping(before, "controlplanes")
    was = {**dict.fromkeys(planes, "controlplane"), **_mapping(before, "machines")}
    declared = {name for key in ("machines", "controlplanes", "leaving") for name in _mapping(inputs, key)}
    for name in sorted(set(was) - declared):
        vote = " and its vote in etcd" if was[name] == "controlplane" else ""
        yield InputError(
            "machines",
            f"{name} is not in the stack file any more, and was not decommissioned; it would keep the cluster's keys"
            f"{vote}; put it back with decommission: wipe, or lost if it is dead, run up, then delete it",
        )


def _members(inputs: Values, before: Values) -> Iterable[InputError]:
    """Control planes that leave or move: each takes a vote out of etcd, and meanwhile none may join."""
    was, now = before.get("controlplanes"), inputs.get("controlplanes")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return
    leave = {name for name in _mapping(inputs, "leaving") if name in was}
    going = sorted(leave | {name for name, address in was.items() if name in now and now[name] != address})
    join = sorted(set(now) - set(was)) if leave else []
    if len(going) + len(join) < 2:
        return
    joining = f", and {' and '.join(join)} join," if join else ""
    yield InputError(
        "controlplanes",
        f"{' and '.join(going)} would leave or move{joining} at once; etcd has {len(was)} votes, and losing more than "
        "one at a time can lose all its data; change one, run up, check that it is healthy (talosctl etcd status), "
        "then change the next",
    )
