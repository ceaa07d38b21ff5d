"""What must never happen to a platform at once: refused in the plan, before anything is touched."""

import re

from framework import Progress, Unknown, Values, Wrong
from gate import Gate

_NAMES = {"talos": "talos.version", "kubernetes": "talos.kubernetes", "contract": "talos.contract"}


class Guard(Gate):
    """One for a platform: compares what the plan wants with what the last update left.

    controlplanes: name to address. talos, kubernetes, contract: versions. It makes nothing; all the machines wait for it.
    """

    token = "bedplate-native:talos:Guard"
    secrets: frozenset[str] = frozenset()

    def check(self, inputs: Values, before: Values | None = None) -> list[Wrong]:
        if not before:
            return []
        return [*_members(inputs, before), *(wrong for name in _NAMES for wrong in _version(name, inputs, before))]

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return str(inputs.get("platform", "platform")), dict(inputs)


def _members(inputs: Values, before: Values) -> list[Wrong]:
    """Control planes that go or are exchanged: each takes a vote out of etcd."""
    was, now = before.get("controlplanes"), inputs.get("controlplanes")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return []
    gone = sorted(name for name, address in was.items() if now.get(name) != address)
    if len(gone) < 2:
        return []
    return [
        Wrong(
            "controlplanes",
            f"{' and '.join(gone)} would go or move at once; etcd has {len(was)} votes, and losing more than one at a time "
            f"can lose all its data; change one, run up, see it healthy (talosctl etcd status), then the next",
        )
    ]


def _version(name: str, inputs: Values, before: Values) -> list[Wrong]:
    was, now = before.get(name), inputs.get(name)
    if isinstance(now, Unknown) or not isinstance(was, str) or not isinstance(now, str):
        return []
    old, new = _numbers(was), _numbers(now)
    if name == "contract":
        # A cluster's PKI was made for it: moving it renames encryption keys (terraform-provider-talos#381, #399).
        if new == old:
            return []
        return [Wrong(name, f"goes from {was} to {now}; the cluster's secrets were made for {was}, and others would lock it out; write {was}")]
    if new < old:
        return [
            Wrong(name, f"{_NAMES[name]} goes from {was} back to {now}; what the newer one wrote, the older may not read; write {was} or a newer one")
        ]
    if new[:2] > (old[0], old[1] + 1):
        next_minor = f"v{old[0]}.{old[1] + 1}"
        return [
            Wrong(name, f"{_NAMES[name]} goes from {was} to {now} and leaves out a minor; each one migrates for the next alone; write the last of {next_minor} first")
        ]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
