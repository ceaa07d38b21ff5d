"""What must never happen to a platform at once: refused in the plan, before anything is touched."""

import re
from collections.abc import Mapping
from typing import Any

from clients.talos import Client, NoAnswer
from provider.framework import InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.talosclient import client_of, wrong_client

_NAMES = {"talos": "talos.version", "kubernetes": "talos.kubernetes", "contract": "talos.contract"}


class ChangeGuard(Gate):
    """One for a platform: compares what the plan wants with what the last update left.

    controlplanes: name to address. machines: name to role, of all that stay. leaving: name to how, role and address, of
    those that are taken out, or were, and still stand in the file. talos, kubernetes, contract: versions. It makes
    nothing; all the machines wait for it.
    """

    token = "bedplate-native:talos:Guard"
    secrets = frozenset({"clientConfiguration"})
    ignored_in_diff = frozenset({"clientConfiguration"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = [*wrong_client(inputs.get("clientConfiguration", Unknown())), *_strangers(inputs, before)]
        if not before:
            return wrong
        return [
            *wrong,
            *_vanished(inputs, before),
            *_members(inputs, before),
            *(each for name in _NAMES for each in _version(name, inputs, before)),
        ]

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return str(inputs.get("platform", "platform")), dict(inputs)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        # What was to leave and is not said to leave any more: a plan can't know whether it left, and a machine can.
        done = {
            name: left for name, left in _mapping(state, "leaving").items() if name not in _mapping(inputs, "leaving")
        }
        if done:
            await in_thread(_left, done, inputs, say)
        return dict(inputs)


def _left(done: Mapping[str, Any], inputs: Values, say: Progress) -> None:
    """Raises UserError for a machine that is forgotten and was not taken out, or kept and was taken out by half."""
    client = client_of(inputs["clientConfiguration"])
    assert client is not None, "no update has unknown inputs"
    planes = {name for name, left in done.items() if left["role"] == "controlplane"}
    members = _members_now(client, inputs, frozenset(done)) if planes else frozenset[str]()
    for name, left in sorted(done.items()):
        again = f"write decommission: {left['how']} for it again, run up, and delete its entry when that has ended well"
        answers, kept = _answers(client, str(left["address"])), name in _mapping(inputs, "machines")
        if kept and answers and name in planes and name not in members:
            raise UserError(
                f"{name} was to leave the platform, is out of etcd already, and was not erased; it can't join as it is; {again}"
            )
        if kept and answers:
            say(f"{name} was to leave, and stays after all; it may still take no pods: kubectl uncordon {name}")
        elif answers:
            raise UserError(
                f"{name} was to leave the platform, and still answers at {left['address']} as a machine of it; forgotten, it would keep the cluster's keys; {again}"
            )
        elif not kept and name in members:
            raise UserError(
                f"{name} was to leave the platform, and is still a member of etcd; forgotten, it would count among those that must answer; {again}"
            )


def _answers(client: Client, address: str) -> bool:
    try:
        client.version(address)
    except NoAnswer:
        return False
    return True


def _members_now(client: Client, inputs: Values, besides: frozenset[str]) -> frozenset[str]:
    """Who is a member of etcd, as a control plane says that was none of those."""
    heard = []
    for name, address in sorted(_mapping(inputs, "controlplanes").items()):
        if name in besides:
            continue
        try:
            return frozenset(client.members(str(address)))
        except NoAnswer as error:
            heard.append(f"{name}: {error}")
    raise UserError(
        f"no control plane could be asked who is a member of etcd ({'; '.join(heard)}), and one has just left; bring one back, and run up again"
    )


def _mapping(values: Values, name: str) -> dict[str, Any]:
    found = values.get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def _strangers(inputs: Values, before: Values | None) -> list[InputError]:
    """Machines that leave and were never there."""
    known = {
        **_mapping(before or {}, "machines"),
        **_mapping(before or {}, "controlplanes"),
        **_mapping(before or {}, "leaving"),
    }
    if before and "machines" not in before:
        return []  # Written by an earlier release, which remembered control planes alone.
    return [
        InputError(
            "leaving",
            f"{name} is to be decommissioned, and no up has made it part of the platform; there is nothing to take out; delete its entry",
        )
        for name in sorted(set(_mapping(inputs, "leaving")) - set(known))
    ]


def _vanished(inputs: Values, before: Values) -> list[InputError]:
    """Machines whose entry was deleted, and that nobody took out."""
    planes = _mapping(before, "controlplanes")
    was = {**dict.fromkeys(planes, "controlplane"), **_mapping(before, "machines")}
    gone = sorted(
        set(was)
        - set(_mapping(inputs, "machines"))
        - set(_mapping(inputs, "controlplanes"))
        - set(_mapping(inputs, "leaving"))
    )
    return [
        InputError(
            "machines",
            f"{name} is not in the stack file any more, and was not decommissioned; it would go on with the cluster's keys"
            f"{' and its vote in etcd' if was[name] == 'controlplane' else ''}; put it back with decommission: wipe, or lost if it is dead, run up, then delete it",
        )
        for name in gone
    ]


def _members(inputs: Values, before: Values) -> list[InputError]:
    """Control planes that leave or are exchanged: each takes a vote out of etcd, and meanwhile none may join."""
    was, now = before.get("controlplanes"), inputs.get("controlplanes")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return []
    leave = {name for name in _mapping(inputs, "leaving") if name in was}
    gone = sorted(leave | {name for name, address in was.items() if name in now and now[name] != address})
    join = sorted(set(now) - set(was)) if leave else []
    if len(gone) + len(join) < 2:
        return []
    joining = f", and {' and '.join(join)} join," if join else ""
    return [
        InputError(
            "controlplanes",
            f"{' and '.join(gone)} would go or move{joining} at once; etcd has {len(was)} votes, and losing more than one at a time "
            f"can lose all its data; change one, run up, see it healthy (talosctl etcd status), then the next",
        )
    ]


def _version(name: str, inputs: Values, before: Values) -> list[InputError]:
    was, now = before.get(name), inputs.get(name)
    if isinstance(now, Unknown) or not isinstance(was, str) or not isinstance(now, str):
        return []
    old, new = _numbers(was), _numbers(now)
    if name == "contract":
        # A cluster's PKI was made for it: moving it renames encryption keys (terraform-provider-talos#381, #399).
        if new == old:
            return []
        return [
            InputError(
                name,
                f"goes from {was} to {now}; the cluster's secrets were made for {was}, and others would lock it out; write {was}",
            )
        ]
    if new < old:
        return [
            InputError(
                name,
                f"{_NAMES[name]} goes from {was} back to {now}; what the newer one wrote, the older may not read; write {was} or a newer one",
            )
        ]
    if new[:2] > (old[0], old[1] + 1):
        next_minor = f"v{old[0]}.{old[1] + 1}"
        return [
            InputError(
                name,
                f"{_NAMES[name]} goes from {was} to {now} and leaves out a minor; each one migrates for the next alone; write the last of {next_minor} first",
            )
        ]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
