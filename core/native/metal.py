"""The contracts of the resources that boot machines."""

import uuid
from collections.abc import Callable, Mapping

from core.facts import bmc

from . import shared
from .contract import Contract, Input, Output
from .types import ANY_TEXT, choice, mapping, number, ruled, text, text_mapping, texts, whole

BOOT_MODES = ("uefi", "legacy")
"""How firmware can boot from the network."""


def _is_uuid(value: object) -> bool:
    try:
        return bool(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        return False


def _uuid_fault(value: object) -> str | None:
    if _is_uuid(value):
        return None
    return "is not a UUID; the machine is identified by it; write the UUID that its BMC reports"


def _credential(doc: str) -> Input:
    return Input(
        type=text(),
        doc=doc,
        why="a BMC refuses requests without credentials",
        instead="set the stack's secret bedplate:bmc",
        secret=True,
    )


def _ruled(noun: str, fault: Callable[[object], str | None], doc: str, *, required: bool = True) -> Input:
    """An input with a shared rule, which writes the whole message."""
    return Input(type=ruled(noun, fault), doc=doc, why="", instead="", required=required)


def _bmc_access() -> dict[str, Input]:
    """Each input that says how a BMC is reached, by name."""
    return {
        "url": _ruled("the https address of a BMC", bmc.url_fault, "The BMC's https address."),
        "system": _ruled(
            "the id of a Redfish system", bmc.system_fault, "The Redfish id of the machine behind the BMC."
        ),
        "username": _credential("The user name at the BMC."),
        "password": _credential("The password at the BMC."),
        "ca": _ruled(
            "a PEM certificate",
            bmc.authority_fault,
            "PEM of the authority that signed the BMC's certificate.",
            required=False,
        ),
        "fingerprint": _ruled(
            "a SHA-256 fingerprint",
            bmc.fingerprint_fault,
            "SHA-256 of the BMC's certificate, where no authority signed it.",
            required=False,
        ),
    }


def _accepted() -> Input:
    return Input(
        type=text_mapping(0, "a mapping of url, ca and fingerprint to their accepted new values"),
        doc="The new url, ca (by its SHA-256) and fingerprint that may differ from those of the last update.",
        why="a password is sent to another device only if that is accepted",
        instead="write the new value of each that changed, or none",
        required=False,
        ignored_in_diff=True,
    )


def _bmc_inputs() -> Mapping[str, Input]:
    """Each input that describes a machine behind its BMC, by name."""
    return {
        **_bmc_access(),
        "accepted": _accepted(),
        "uuid": _ruled("a UUID", _uuid_fault, "The machine's UUID, where the stack file declares it.", required=False),
        "serial": Input(
            type=text("a serial number"),
            doc="The machine's serial number, where the stack file declares it.",
            why="the machine is identified by it",
            instead="write the serial number that its BMC reports",
            required=False,
        ),
        "generation": shared.generation(
            "The machine boots from the network once for each generation.", "each generation permits one installation"
        ),
        "bootMode": Input(
            type=choice(*BOOT_MODES),
            doc="What the firmware boots from the network with.",
            why="firmware in one mode can't start what was made for the other",
            instead="write e.g. uefi",
        ),
        "timeoutSeconds": shared.timeout(3600, example=600, ignored=True),
        "atOnce": Input(
            type=whole(1),
            doc="How many machines are switched on at once.",
            why="that many machines are switched on at once",
            instead="write e.g. 5",
            ignored_in_diff=True,
        ),
        "secondsBetween": Input(
            type=number(0, 300),
            doc="Seconds between the power-ons of two machines.",
            why="machines are switched on one after another to spare the fuses",
            instead="write e.g. 1",
            ignored_in_diff=True,
        ),
    }


_IDENTITY = Output(
    type=mapping(),
    doc="The uuid, serial and macs that the BMC reports, and the sku if that is a second serial number.",
    kept=True,
)
_MATCHED = Output(
    type=text_mapping(0, "a mapping"),
    doc="How the BMC spells each declared fact: a uuid in either byte order, a serial as SerialNumber or SKU.",
    kept=True,
)

BOOT_JOURNAL = Contract(
    token="bedplate-native:metal:Journal",
    doc="Records the order to boot from the network before a BMC gets it, and withdraws one that is taken back.",
    inputs=_bmc_inputs(),
    outputs={},
)

BOOT_PERMIT = Contract(
    token="bedplate-native:metal:Permit",
    doc="Permits one installation: the machine is off, and its next boot is from the network.",
    inputs=_bmc_inputs(),
    outputs={"identity": _IDENTITY, "matched": _MATCHED},
)

POWER = Contract(
    token="bedplate-native:metal:Power",
    doc="Switches a machine on once for each permit.",
    inputs=_bmc_inputs(),
    outputs={
        "identity": _IDENTITY,
        "matched": _MATCHED,
        "armed": Output(
            type=ANY_TEXT,
            doc="What the BMC was armed to boot from the network when it was last read; empty if nothing.",
        ),
        "lastBoot": Output(type=text(), doc="Which boot was permitted last, in words."),
        "power": Output(type=text(), doc="The power state that the BMC reports, such as On."),
    },
)

MANUAL_BOOT = Contract(
    token="bedplate-native:metal:ByHand",
    doc="Shows the steps to boot a machine without a BMC by hand, once for each generation.",
    inputs={
        "generation": shared.generation(
            "The machine is booted by hand once for each generation.", "the machine is booted once for each generation"
        ),
        "hardware": Input(
            type=mapping(),
            doc="What the stack file says of the hardware; other hardware has to be booted too.",
            why="a replaced machine has to be booted too",
            instead="write mac, uuid or serial, or {}",
        ),
        "steps": Input(
            type=texts(1),
            doc="What to do, one text for each step. A newer image is no reason to boot a machine that runs.",
            why="a person follows the steps that the plan shows",
            instead="write one or more steps",
            ignored_in_diff=True,
        ),
    },
    outputs={},
)
