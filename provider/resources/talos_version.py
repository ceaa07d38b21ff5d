"""The OS on a machine: the declared version and schematic, installed on one machine at a time."""

import time

from clients.talos import Client, NoAnswer, Running
from core.facts import installer
from core.facts.installer import InstallerImage
from core.native import Unknown, Values
from core.native.machine import TALOS_VERSION
from provider import quorum
from provider.framework import UserError, in_thread
from provider.health import wait_until_healthy
from provider.progress import Progress
from provider.resource import Resource
from provider.talosclient import client_of
from provider.turns import PLANE, TURNS, WORKER
from provider.waiting import wait_until


class TalosVersion(Resource):
    """Created when a machine has started and runs its image's version; another image upgrades it.

    Talos itself cordons and drains the node, installs beside the running version and boots the new one. If that does
    not start, Talos boots the old one again: so the version is read after the boot.
    """

    contract = TALOS_VERSION

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """That the machine is upgraded, and to which version."""
        if state is None or isinstance(inputs.get("image"), Unknown) or inputs.get("image") == state.get("image"):
            return None
        version = _wanted(inputs["image"]).version
        return (
            f"{inputs['machine']} is drained, upgraded to {version} and REBOOTED; "
            "the machines after it wait until it is healthy"
        )

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the machine runs its image. Returns its name, and the outputs by name."""
        return str(inputs["machine"]), await in_thread(_apply, inputs, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Upgrade the machine if its image is another one. Returns the outputs by name."""
        if all(inputs.get(name) == state.get(name) for name in ("image", "virtualization")):
            return {**state, **inputs}
        return await in_thread(_apply, inputs, say)


def _wanted(image: str) -> InstallerImage:
    """The parts of an installer image's name that was checked."""
    parsed = installer.parse(image)
    if parsed is None:
        raise ValueError(f"{image} is not an installer image")
    return parsed


def _runs(seen: Running, image: str) -> bool:
    wanted = _wanted(image)
    schematic_differs = wanted.schematic and seen.schematic and seen.schematic != wanted.schematic
    return seen.version == wanted.version and not schematic_differs


def _apply(inputs: Values, say: Progress) -> Values:
    name, address, image = inputs["machine"], inputs["node"], inputs["image"]
    client, seconds = client_of(inputs), float(inputs["timeoutSeconds"])
    seen = _wait_for_start(client, name, address, seconds, say)
    if seen.contained:
        say(f"runs {seen.version} in a container, where Talos can't be upgraded")
    elif not _runs(seen, image):
        # In a turn, so that no other machine restarts for its config meanwhile.
        with TURNS.held(name, PLANE if inputs.get("controlplane") else WORKER, seconds, say):
            seen = _upgrade(client, inputs, seen, seconds, say)
    if inputs.get("virtualization") and not seen.contained and not _virtualizes(client, address):
        raise UserError(
            f"{name} offers neither VT-x nor AMD-V; virtual machines may be scheduled on it, and would not start; "
            "enable it in the machine's firmware, or write kubevirt.emulation: true for a lab"
        )
    return {**inputs, "version": seen.version, "schematic": seen.schematic}


def _virtualizes(client: Client, address: str) -> bool:
    try:
        return client.virtualizes(address)
    except NoAnswer as error:
        raise UserError(
            f"{address} did not report its processors' flags ({error}); virtual machines need VT-x or AMD-V; "
            "check that its Talos API answers, and run up again"
        ) from None


def _wait_for_start(client: Client, name: str, address: str, seconds: float, say: Progress) -> Running:
    """What a machine runs, once it has started: after its first config it installs Talos and boots."""
    answers: list[Running] = []

    def ask() -> tuple[bool, str]:
        answers[:] = [client.running(address)]
        return answers[0].stage == "running", f"it is {answers[0].stage or 'starting'}"

    instead = f"look at its console, and at: talosctl -n {address} dmesg; then run up again"
    wait_until(ask, f"{name} had not started", seconds, instead, say)
    return answers[0]


def _upgrade(client: Client, inputs: Values, before: Running, seconds: float, say: Progress) -> Running:
    name, address, image = inputs["machine"], inputs["node"], inputs["image"]
    version = _wanted(image).version
    if inputs.get("controlplane"):
        quorum.require_healthy_others(client, address, name, "upgraded")
    say(f"{before.version} -> {version}: it is drained, installs {image} and boots it")
    try:
        client.upgrade(address, image)
    except NoAnswer as error:
        # An upgrade that an earlier run began continues without this request. Any other failure shows up below, as a
        # machine that does not reboot.
        say(f"its response to the upgrade request: {error}")
    begun = time.monotonic()
    answers: list[Running] = []

    def ask() -> tuple[bool, str]:
        answers[:] = [client.running(address)]
        seen = answers[0]
        if seen.booted != before.booted and seen.stage == "running" and not _runs(seen, image):
            raise UserError(
                f"{name} was upgraded to {version} and came back with {seen.version}: {version} did not start, and "
                "Talos booted the old version again; the machines after it were not upgraded; "
                f"look at: talosctl -n {address} dmesg, and at the schematic"
            )
        return _runs(seen, image) and seen.stage == "running", f"it runs {seen.version}, {seen.stage}"

    instead = (
        f"look at its console, and at: talosctl -n {address} dmesg; "
        "the machines after it were not upgraded; run up again"
    )
    wait_until(ask, f"{name} did not run {version}", seconds, instead, say)
    wait_until_healthy(client, address, name, max(60.0, seconds - (time.monotonic() - begun)), say)
    return answers[0]
