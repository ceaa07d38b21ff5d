"""A machine's BMC: where it is asked, and how we know that it is the one. Never who we are there."""

import re
import ssl
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .faults import refuse
from .types import Model


def _is_https(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0 and value == f"https://{parts.netloc}"
    except ValueError:
        return False


def _url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if "@" in value:
        refuse(
            "holds a user name",
            "the stack file is plain text, and addresses are shown",
            "set the stack's secret bedplate:bmc, and write e.g. https://bmc-1.example.com",
        )
    if _is_https(value):
        return value
    refuse(
        f"{value!r} is not the https address of a BMC",
        "credentials go there, and never in the clear",
        "write e.g. https://bmc-1.example.com, with no path",
    )


def _fingerprint(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    digits = value.lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        refuse(
            "is not a SHA-256 fingerprint",
            "the BMC's certificate is compared with it",
            "write its 64 hexadecimal digits, read with: openssl x509 -in bmc.pem -noout -fingerprint -sha256",
        )
    return digits


def _ca(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if not value:
            raise ValueError
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, TypeError, ValueError):
        refuse(
            "is not a PEM certificate",
            "the BMC's own is checked with it",
            "write -----BEGIN CERTIFICATE----- and what follows",
        )
    return value


def _system(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\S+", value):
        refuse(
            f"{value!r} names no system",
            "one BMC may have several",
            "write its Redfish id, e.g. 1 or System.Embedded.1",
        )
    return value


Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "pattern": r"^https://[^/@\s]+$"})]
Fingerprint = Annotated[
    str,
    BeforeValidator(_fingerprint),
    WithJsonSchema({"type": "string", "pattern": "^([Ss][Hh][Aa]256:)?([0-9A-Fa-f]{2}:?){32}$"}),
]
Authority = Annotated[str, BeforeValidator(_ca)]
SystemId = Annotated[str, BeforeValidator(_system), WithJsonSchema({"type": "string", "pattern": r"^\S+$"})]


class SharedBmc(Model):
    """What the BMCs of equal machines share. Each machine gives its url."""

    system: SystemId | None = None
    """The Redfish id of the machine behind each."""
    boot_mode: Literal["uefi", "legacy"] | None = None
    """What the firmware boots from the network with."""
    ca: Authority | None = None
    """PEM of the authority that signed their certificates."""


class BmcSpec(Model):
    """Redfish. With it the machine is identified, booted from the network and switched on by `up`."""

    url: Url = Field(examples=["https://bmc-1.example.com"])
    """Its https address. The credentials are the stack's secret bedplate:bmc."""
    system: SystemId = Field(examples=['"1"'])
    """The Redfish id of the machine behind it: 1, Self, System.Embedded.1."""
    boot_mode: Literal["uefi", "legacy"] = "uefi"
    """What the firmware boots from the network with."""
    ca: Authority | None = None
    """PEM of the authority that signed its certificate. With neither this nor a fingerprint, this computer must trust it."""
    fingerprint: Fingerprint | None = None
    """SHA-256 of its certificate, for one that nobody signed."""

    @model_validator(mode="after")
    def _one_trust(self) -> Self:
        if self.ca is not None and self.fingerprint is not None:
            refuse(
                "has both a ca and a fingerprint",
                "a pinned certificate is trusted whoever signed it",
                "write one of the two",
            )
        return self


class PaceSpec(Model):
    """How many machines are switched on by their BMCs at once: fuses, BMCs and the boot server have their limits."""

    at_once: Annotated[int, Field(ge=1, le=1000, strict=True)] = 5
    """So many are asked and switched at a time; the others wait for their turn."""
    seconds_between: Annotated[int, Field(ge=0, le=300, strict=True)] = 1
    """So far apart two are switched on."""
