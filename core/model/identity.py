"""The hardware's own identity: SMBIOS UUID and serial number, without the placeholders that firmware ships with."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from core.facts.hardware import PLACEHOLDER_SERIALS, PLACEHOLDER_UUIDS

from .faults import refuse
from .pattern import Pattern


def _refuse_placeholder(value: str, other: str) -> None:
    refuse(
        f"{value!r} is a firmware placeholder",
        "firmware reports it where the vendor set no value, so many machines share it",
        f"set a value with the vendor's tool, or write {other} instead",
    )


def _uuid(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        refuse(
            f"{value!r} is not a UUID" if len(value) <= 80 else "this text is not a UUID",
            "the machine is identified by it",
            "write the UUID that its firmware reports, e.g. 4c4c4544-0042-3510-8052-b4c04f564433",
        )
    if value.lower() in PLACEHOLDER_UUIDS:
        _refuse_placeholder(value, "serial")
    return value.lower()


HardwareUuid = Annotated[
    str,
    BeforeValidator(_uuid),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}),
]


def _serial(value: str) -> str:
    if value.lower() in PLACEHOLDER_SERIALS:
        _refuse_placeholder(value, "uuid")
    return value


HardwareSerial = Annotated[
    str,
    Pattern(
        r"[!-~]([ -~]{0,62}[!-~])?",
        "a serial number",
        "the machine is identified by it",
        "write the serial number that its firmware reports, e.g. CZJ2340ABC",
    ),
    AfterValidator(_serial),
]
