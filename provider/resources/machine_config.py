"""The config of one machine: merged here, and sent over a connection whose other end is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.talos import Client, Maintenance, NoAnswer, Refused
from core.machineconfig.whole import PARTS, SECRETS, formerly_merged, merged, whole
from core.native import Unknown, Values
from core.native.machine import MACHINE_CONFIG
from provider.framework import UserError, in_thread
from provider.pins import PINS, unknown
from provider.progress import Progress
from provider.resource import Resource
from provider.resources.identity import require_declared
from provider.talosclient import client_of
from provider.waiting import wait_until

# A machine that has just been identified may still be busy, or restart.
SEND_SECONDS = 600.0


class MachineConfig(Resource):
    """Created when the machine has taken its config; updated with each other config.

    A config holds the cluster's keys, a control plane's config all of them. It is sent with the platform's certificate,
    to a machine whose certificate the platform's authority signed for its address. Only a machine that has had no
    config under its generation gets it otherwise: under exactly the certificate with which the identity gate
    identified it.

    A config that says what the last one says is not sent again, however it is written. So a state whose config the
    Talos plugin generated is taken over without touching a machine.

    A resource that was the Talos plugin's before has no generation in its state, and counts as one that had its config.
    Its deletion sends nothing.
    """

    contract = MACHINE_CONFIG

    def equal_inputs(self, inputs: Values, state: Values) -> frozenset[str]:
        """The parts of a config that add up to the documents of the last one."""
        return frozenset((*PARTS, SECRETS)) if _says_the_same(inputs, state) else frozenset()

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs as far as a plan knows them: the config of the state, if nothing is sent."""
        planned = self.contract.planned(inputs, state)
        if state is not None and _has_it(inputs, state):
            planned["machineConfiguration"] = state["machineConfiguration"]
        return planned

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """What a config's update does, where the plan's own differences don't show it: for states of older releases."""
        if state is None:
            return None
        if _has_it(inputs, state):
            return "nothing is sent, because the machine already has this config; only the record in the state changes"
        if state.get("generation") is None:
            return (
                "is sent with the platform's certificate, because an earlier release sent its last config without one"
            )
        return None

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Send the machine's first config. Returns its name, and the outputs by name."""
        first = not PINS.is_configured(inputs["machine"])
        return str(inputs["machine"]), await in_thread(_send, inputs, first, say)

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Send another config. Returns the outputs by name."""
        if await in_thread(_has_it, inputs, state):
            return {**inputs, "machineConfiguration": state["machineConfiguration"]}
        first = state.get("generation") is None or inputs["generation"] > state["generation"]
        return await in_thread(_send, inputs, first, say)

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        """Forget the record. If it is created again in this update, the machine counts as one that had its config."""
        PINS.configured(state["machine"])


def _parts(values: Values) -> dict[str, Any]:
    """The parts of a config by name, each a list of JSON texts, or UNKNOWN; and the secrets in it."""
    return {**{part: values.get(part) or [] for part in PARTS}, SECRETS: values.get(SECRETS) or {}}


def _is_known(part: Any) -> bool:
    inner = part.values() if isinstance(part, Mapping) else () if isinstance(part, Unknown) else part
    return not isinstance(part, Unknown) and not any(isinstance(text, Unknown) for text in inner)


def _says_the_same(inputs: Values, state: Values) -> bool:
    """Whether the inputs make the documents that the state's inputs made. False if one of them is not known yet."""
    parts = _parts(inputs)
    if not all(map(_is_known, parts.values())):
        return False
    try:
        if "machineConfigurationInput" in state:
            before = formerly_merged(state["machineConfigurationInput"], state.get("configPatches") or [])
        else:
            before = merged(_parts(state))
        return merged(parts) == before
    except ValueError:
        return False


def _has_it(inputs: Values, state: Values) -> bool:
    """Whether the machine had exactly this config sent, at this address and for this installation."""
    if inputs["node"] != state.get("node") or not state.get("machineConfiguration"):
        return False
    # The plugin's resource has no generation in its state. A fingerprint beside it can only come from an identity
    # gate that permitted a new installation.
    before, fingerprint = state.get("generation"), inputs.get("fingerprint")
    # A plan doesn't know the fingerprint of a gate that an earlier release passed, because it recorded none.
    pinned = bool(fingerprint) and not isinstance(fingerprint, Unknown)
    installs = pinned if before is None else inputs["generation"] > before
    return not installs and _says_the_same(inputs, state)


def _send(inputs: Values, first: bool, say: Progress) -> Values:
    """The outputs by name, once the machine has taken its config. Raises UserError.

    first: whether the machine may still be without a config, if it was identified so.
    """
    name, address = inputs["machine"], inputs["node"]
    try:
        config = whole(_parts(inputs))
    except ValueError as error:
        raise UserError(
            f"{name}: its config can't be made, because {error}; nothing was sent; correct it in the stack file"
        ) from None
    pin = (inputs.get("fingerprint") or "") if first else ""
    sending = _Sending(inputs, client_of(inputs), config, pin, say)
    wait_until(
        sending.attempt,
        f"{name}: the machine at {address} did not take its config",
        SEND_SECONDS,
        f"look at the machine's console, and at: talosctl -n {address} dmesg; then run up again",
        say,
    )
    return {**inputs, "machineConfiguration": config}


@dataclass
class _Sending:
    """A config on its way to one machine."""

    inputs: Values
    client: Client
    config: str
    pin: str
    """The SHA-256 of the certificate under which a machine without a config gets it; empty: under none."""
    say: Progress

    @property
    def name(self) -> str:
        return str(self.inputs["machine"])

    @property
    def address(self) -> str:
        return str(self.inputs["node"])

    def attempt(self) -> tuple[bool, str]:
        """Send the config once. Yields whether the machine took it, and why not.

        Raises UserError if it never will, or if someone else may be answering for it.
        """
        try:
            certified = self._try(self.client)
            if certified is None:
                return True, ""
            anonymous = self._try_without_config()
        except Refused as refused:
            said = self._without_secrets(str(refused))
            raise UserError(
                f"{self.name}: Talos refuses its config: {said}; it was not applied; correct it in the stack file, "
                "then run up again"
            ) from None
        if anonymous is None:
            return True, ""
        return False, f"without a certificate: {anonymous}; with the platform's: {certified}"

    def _without_secrets(self, said: str) -> str:
        """What Talos said, with a stand-in for each secret of the stack file in it."""
        for stand_in, secret in (self.inputs.get(SECRETS) or {}).items():
            said = said.replace(secret.strip(), stand_in)
        return said

    def _try_without_config(self) -> NoAnswer | None:
        """Why a machine without a config did not take it; None if it did. Raises Refused and UserError."""
        try:
            machine = Maintenance.at(self.address)
            if self.pin != machine.fingerprint:
                self._other_certificate(machine)
        except NoAnswer as error:
            return error
        failure = self._try(machine)
        if failure is None:
            self.say(f"took its first config under the certificate {machine.fingerprint} (SHA-256)")
        return failure

    def _try(self, to: Client | Maintenance) -> NoAnswer | None:
        """Why the machine did not take the config; None if it did. Raises Refused."""
        try:
            to.apply(self.address, self.config)
        except Refused:
            raise
        except NoAnswer as error:
            return error
        return None

    def _other_certificate(self, machine: Maintenance) -> None:
        """Take another certificate as the pin, if this is a later run than the one that identified the machine.

        The machine's hardware is then compared again, under that certificate. Raises UserError if someone else may be
        answering, and NoAnswer if the server requires a certificate, as a machine with a config does.
        """
        hardware = machine.hardware(self.address)
        if not self.pin:
            raise unknown(self.name, self.address)
        if PINS.is_of_this_update(self.name, self.pin):
            raise UserError(
                f"{self.name}: the machine at {self.address} was identified under the certificate {self.pin}, and now "
                f"serves {machine.fingerprint} (SHA-256); it has restarted, or another host answers for it; a "
                "config holds the cluster's keys, so nothing was sent; look at the machine and its network, then run "
                "up again, which compares its hardware again"
            )
        missing = require_declared(self.name, self.address, self.inputs["declared"], hardware, settled=False)
        if missing:
            raise NoAnswer("; ".join(missing))
        self.say(f"serves another certificate than in an earlier run, and is identified again: {machine.fingerprint}")
        self.pin = machine.fingerprint
        PINS.identified(self.name, self.pin)
