"""The OS that a machine runs: the declared release and schematic, put there one machine at a time."""

import re
import time

from clients.talos import Client, NoAnswer
from clients.talos import Running as Seen
from provider import quorum
from provider.framework import UNKNOWN, InputError, Progress, Unknown, UserError, Values, in_thread
from provider.gate import Gate
from provider.health import wait_until_healthy
from provider.talosclient import client_of, wrong_target
from provider.turns import PLANE, TURNS, WORKER
from provider.waiting import wait_until

_IMAGE = re.compile(r".+/([0-9a-f]{64}|[^/]+):(v\d+\.\d+\.\d+\S*)")


class TalosVersion(Gate):
    """Made when a machine has started and runs its image's release; changed, it is upgraded, and watched.

    Talos itself cordons and drains the node, installs beside what runs, boots that, and goes back to the old one by
    itself where the new one does not start: so the release is read again after the boot.
    """

    token = "bedplate-native:talos:Release"
    secrets = frozenset({"clientConfiguration"})
    replaces = frozenset({"machine"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        wrong = wrong_target(inputs)
        image = inputs.get("image")
        if not isinstance(image, Unknown) and not (isinstance(image, str) and _IMAGE.fullmatch(image)):
            wrong.append(
                InputError(
                    "image",
                    "is no installer image with an exact release; the machine would run something else; write e.g. HOST/metal-installer/ID:v1.14.2",
                )
            )
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "version": UNKNOWN, "schematic": UNKNOWN}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        if state is None or isinstance(inputs.get("image"), Unknown) or inputs.get("image") == state.get("image"):
            return None
        return f"{inputs['machine']} is drained, upgraded to {_wanted(inputs['image'])[1]} and REBOOTED; the machines after it wait until it is well"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        return str(inputs["machine"]), await in_thread(_make_so, inputs, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        if all(inputs.get(name) == state.get(name) for name in ("image", "virtualization")):
            return {**state, **inputs}
        return dict(await in_thread(_make_so, inputs, say))


def _wanted(image: str) -> tuple[str, str]:
    """Schematic (empty where the image names none) and release of an installer image."""
    found = _IMAGE.fullmatch(image)
    assert found, "checked"
    return (found[1] if re.fullmatch(r"[0-9a-f]{64}", found[1]) else "", found[2])


def _is(seen: Seen, image: str) -> bool:
    schematic, version = _wanted(image)
    return seen.version == version and (not schematic or not seen.schematic or seen.schematic == schematic)


def _make_so(inputs: Values, say: Progress) -> Values:
    name, address, image = inputs["machine"], inputs["node"], inputs["image"]
    client, seconds = client_of(inputs["clientConfiguration"]), float(inputs["timeoutSeconds"])
    assert client is not None, "no update has unknown inputs"
    seen = _started(client, name, address, seconds, say)
    if seen.contained:
        say(f"runs {seen.version} in a container, which takes no upgrade")
    elif not _is(seen, image):
        # No other machine restarts for its config meanwhile.
        with TURNS.held(name, PLANE if inputs.get("controlplane") else WORKER, seconds, say):
            seen = _upgraded(client, inputs, seen, seconds, say)
    if inputs.get("virtualization") and not seen.contained and not _virtualizes(client, address):
        raise UserError(
            f"{name} offers neither VT-x nor AMD-V, and virtual machines may be put on it; they would not start; switch it on in the "
            "machine's firmware, or write kubevirt.emulation: true for a lab"
        )
    return {**inputs, "version": seen.version, "schematic": seen.schematic}


def _virtualizes(client: Client, address: str) -> bool:
    try:
        return client.virtualizes(address)
    except NoAnswer as error:
        raise UserError(f"{address} does not tell its processors' flags ({error}); run up again") from None


def _started(client: Client, name: str, address: str, seconds: float, say: Progress) -> Seen:
    """What a machine runs, once it has started: after its first config it installs itself and boots."""
    told: list[Seen] = []

    def ask() -> tuple[bool, str]:
        told[:] = [client.running(address)]
        return told[0].stage == "running", f"it is {told[0].stage or 'starting'}"

    wait_until(
        ask,
        f"{name} had not started",
        seconds,
        f"look at its console, and at: talosctl -n {address} dmesg; then run up again",
        say,
    )
    return told[0]


def _upgraded(client: Client, inputs: Values, before: Seen, seconds: float, say: Progress) -> Seen:
    name, address, image = inputs["machine"], inputs["node"], inputs["image"]
    if inputs.get("controlplane"):
        quorum.whole(client, address, name, "upgraded")
    say(f"{before.version} -> {_wanted(image)[1]}: it is drained, installs {image} and boots it")
    try:
        client.upgrade(address, image)
    except NoAnswer as error:
        # One that an earlier run began goes on by itself; anything else shows as a machine that does not boot.
        say(f"it answered: {error}")
    begun = time.monotonic()
    told: list[Seen] = []

    def ask() -> tuple[bool, str]:
        told[:] = [client.running(address)]
        seen = told[0]
        if seen.booted != before.booted and seen.stage == "running" and not _is(seen, image):
            raise UserError(
                f"{name} was to run {_wanted(image)[1]} and came back with {seen.version}: the new one did not start, and Talos went "
                f"back to the old one by itself; no machine after it was touched; look at: talosctl -n {address} dmesg, and at the schematic"
            )
        return _is(seen, image) and seen.stage == "running", f"it runs {seen.version}, {seen.stage}"

    instead = f"look at its console, and at: talosctl -n {address} dmesg; no machine after it was touched; run up again"
    wait_until(ask, f"{name} did not run {_wanted(image)[1]}", seconds, instead, say)
    wait_until_healthy(client, address, name, max(60.0, seconds - (time.monotonic() - begun)), say)
    return told[0]
