"""A machine's BMC: its address, and how its certificate is verified. Credentials are a secret of the stack."""

from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from core.facts import bmc

from .faults import refuse
from .types import Model


def _refuse(message: str) -> NoReturn:
    """Refuse with a whole message of the shared rules."""
    what, why, instead = message.split("; ", 2)
    refuse(what, why, instead)


def _url(value: Any) -> Any:
    if isinstance(value, str) and (message := bmc.url_fault(value)):
        # A user name may stand beside a password, so such an address is never repeated.
        _refuse(message if "@" in value else f"{value!r} {message}")
    return value


def _fingerprint(value: Any) -> Any:
    if isinstance(value, str) and (message := bmc.fingerprint_fault(value)):
        _refuse(message)
    return bmc.fingerprint_digits(value) if isinstance(value, str) else value


def _authority(value: Any) -> Any:
    if isinstance(value, str) and (message := bmc.authority_fault(value)):
        _refuse(message)
    return value


def _system(value: Any) -> Any:
    if isinstance(value, str) and (message := bmc.system_fault(value)):
        _refuse(f"{value!r} {message}")
    return value


Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "pattern": f"^https://{bmc.NETLOC}$"})]
Fingerprint = Annotated[
    str,
    BeforeValidator(_fingerprint),
    WithJsonSchema({"type": "string", "pattern": "^([Ss][Hh][Aa]256:)?([0-9A-Fa-f]{2}:?){32}$"}),
]
Authority = Annotated[str, BeforeValidator(_authority)]
SystemId = Annotated[
    str, BeforeValidator(_system), WithJsonSchema({"type": "string", "pattern": f"^(?:{bmc.SYSTEM})$"})
]


def _none(value: Any) -> Any:
    return value if value == bmc.NONE else _fingerprint(value)


Digest = Annotated[
    str,
    BeforeValidator(_none),
    WithJsonSchema({"type": "string", "pattern": "^none$|^([Ss][Hh][Aa]256:)?([0-9A-Fa-f]{2}:?){32}$"}),
]


class AcceptedBmcChange(Model):
    """The new values of a BMC's url, ca or fingerprint, repeated to accept that another device gets the password."""

    url: Url | None = None
    """The new url."""
    ca: Digest | None = None
    """SHA-256 of the new ca; none if it is removed."""
    fingerprint: Digest | None = None
    """The new fingerprint; none if it is removed."""


class SharedBmcSpec(Model):
    """What the BMCs of a class's machines have in common. Each machine adds its own url."""

    system: SystemId | None = None
    """Redfish id of the machine's system."""
    boot_mode: Literal["uefi", "legacy"] | None = None
    """Firmware mode for the network boot."""
    ca: Authority | None = None
    """PEM of the authority that signed the BMCs' certificates."""
    accept_change: AcceptedBmcChange | None = None
    """Accepts that ca differs from the one of the last up, for every machine of the class."""


class BmcSpec(Model):
    """The machine's BMC (Redfish). With it, `up` identifies the machine, boots it from the network and powers it on."""

    url: Url = Field(examples=["https://bmc-1.example.com"])
    """Its https address. The credentials are the stack's secret bedplate:bmc, which names the hosts it is for."""
    system: SystemId = Field(examples=['"1"'])
    """Redfish id of the machine's system: 1, Self, System.Embedded.1."""
    boot_mode: Literal["uefi", "legacy"] = "uefi"
    """Firmware mode for the network boot."""
    ca: Authority | None = None
    """PEM of the authority that signed its certificate. Without ca and fingerprint, the certificate must be one that
    this computer trusts."""
    fingerprint: Fingerprint | None = None
    """SHA-256 of its certificate, for a self-signed one. Its name, its dates and who signed it then don't count."""
    accept_change: AcceptedBmcChange | None = None
    """Accepts that url, ca or fingerprint differ from those of the last up. It stays valid for these values alone."""

    @model_validator(mode="after")
    def _verified_in_one_way(self) -> Self:
        if message := bmc.trust_fault(self.ca, self.fingerprint):
            _refuse(message)
        return self


class PaceSpec(Model):
    """How fast machines are powered on by their BMCs. Fuses, BMCs and the boot server have their limits."""

    at_once: Annotated[int, Field(ge=1, le=1000, strict=True)] = 5
    """How many BMCs are used at the same time. The other machines wait."""
    seconds_between: Annotated[int, Field(ge=0, le=300, strict=True)] = 1
    """Seconds between two machines that are powered on."""
