"""The contents of a machine's images, and the id that Image Factory gives to them.

The id is the SHA-256 of the schematic's canonical YAML, so a plan knows every image without contacting a factory. A
factory serves images of an id once somebody has uploaded its schematic.

Source: siderolabs/image-factory, pkg/schematic.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from . import goyaml
from .faults import refuse
from .types import Extension, KernelArgument, Model, OverlayName, SchematicId

if TYPE_CHECKING:
    from .platform import Platform


# YAML reads a bare off as false.
EnrollKeys = Annotated[
    Literal["off", "manual", "if-safe", "force"], BeforeValidator(lambda value: "off" if value is False else value)
]
_CONTENTS = frozenset({"extensions", "kernel_args", "overlay", "well_known_certificates", "enroll_keys"})
"""Keys that an id stands for."""
_SECUREBOOT = {"well_known_certificates": False, "enroll_keys": None, "secureboot_keys": None}
"""Keys that SecureBoot alone uses, each with its default."""


class OverlaySpec(Model):
    """Boot loader and firmware of a single-board computer."""

    name: OverlayName = Field(examples=["rpi_generic"])
    image: Extension = Field(examples=["siderolabs/sbc-raspberrypi"])


class SchematicSpec(Model):
    """System extensions and kernel arguments of the images, or the id of a schematic that was made elsewhere."""

    id: SchematicId | None = None
    """Id of a schematic that was made elsewhere. Bedplate then can't add extensions that the platform needs."""
    extensions: tuple[Extension, ...] = ()
    """System extensions, e.g. siderolabs/intel-ucode. Those that the platform needs are added."""
    kernel_args: tuple[KernelArgument, ...] = ()
    """Kernel arguments of every boot, from the network and from the disk, in this order. -name removes a default."""
    overlay: OverlaySpec | None = None
    """For single-board computers."""
    secureboot: bool = False
    """Install images that are signed for UEFI SecureBoot."""
    well_known_certificates: bool = False
    """Let the firmware trust Microsoft's certificates too. Option ROMs are signed with those."""
    enroll_keys: EnrollKeys | None = None
    """How the ISO enrolls SecureBoot's keys while the firmware is in setup mode: force at the first boot, manual from
    the boot menu, if-safe by itself in virtual machines and else from the menu, off not at all. Unset: if-safe.
    Needs Image Factory 1.4."""
    secureboot_keys: Literal["firmware"] | None = None
    """firmware: the machine's firmware has SecureBoot's keys before its first boot, from its setup menu or its BMC.
    Required for machines that are booted from the network, which enrolls no keys."""

    @model_validator(mode="after")
    def _id_or_contents(self) -> Self:
        contents = sorted(self.model_fields_set & _CONTENTS)
        if self.id is not None and contents:
            refuse(
                f"sets both id and {' and '.join(contents)}",
                "an id stands for a whole schematic, to which nothing can be added",
                "keep the id or the other keys",
            )
        for key in _SECUREBOOT:
            setting = getattr(self, key)
            if setting and not self.secureboot:
                refuse(
                    f"{key} is {'true' if setting is True else setting} and secureboot is not",
                    "without SecureBoot the firmware verifies no signature",
                    f"write secureboot: true, or remove {key}",
                )
        return self


_ID: TypeAdapter[str] = TypeAdapter(SchematicId, config=ConfigDict(defer_build=True))


def _from_id(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return SchematicSpec(id=_ID.validate_python(value))
    except ValidationError as error:
        # The id is the whole entry here, so the fault is the entry's.
        raise PydanticCustomError("refused", "{text}", {"text": error.errors()[0]["msg"]}) from None


class _OrItsId:
    """Lets the JSON Schema accept an id in place of the mapping."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [_ID.json_schema(), handler(schema)]}


SchematicOrId = Annotated[SchematicSpec, BeforeValidator(_from_id), _OrItsId()]


def merged(shared: SchematicSpec, own: SchematicSpec | None) -> SchematicSpec:
    """A machine's schematic: each key that it sets itself, and the other keys from talos.schematic.

    An id and contents exclude each other, so that of the two the machine's own takes precedence.
    """
    if own is None:
        return shared
    keys = own.model_fields_set
    excluded = _CONTENTS if "id" in keys else frozenset({"id"}) if keys & _CONTENTS else frozenset()
    inherited = {key: getattr(shared, key) for key in shared.model_fields_set - keys - excluded}
    made = own.model_copy(update=inherited)
    # What belongs to SecureBoot is inherited with it alone.
    return made if made.secureboot else made.model_copy(update=_SECUREBOOT)


def needs(platform: "Platform") -> SchematicSpec:
    """Extensions and arguments that the platform requires whatever its file sets. Layers add theirs here."""
    return SchematicSpec()


def body(platform: "Platform", wanted: SchematicSpec) -> dict[str, Any] | None:
    """A schematic as a factory accepts it: its top-level keys to their values. None where the file names an id."""
    required = needs(platform)
    if wanted.id is not None:
        return None
    customization: dict[str, Any] = {
        # Extensions are sorted, because their order changes the id and means nothing on a machine. The order of
        # arguments is kept, because the last console= is the one that the kernel prints to.
        "extraKernelArgs": list(dict.fromkeys((*required.kernel_args, *wanted.kernel_args))),
        "systemExtensions": {"officialExtensions": sorted({*required.extensions, *wanted.extensions})},
        "secureboot": {
            "enrollKeys": wanted.enroll_keys,
            "includeWellKnownCertificates": wanted.well_known_certificates,
        },
    }
    overlay = {"image": wanted.overlay.image, "name": wanted.overlay.name} if wanted.overlay else {}
    return {"overlay": overlay, "customization": customization}


# The order in which the factory writes keys: that of the fields of its structs.
_ORDER = (
    *(
        "owner",
        "overlay",
        "image",
        "name",
        "options",
        "customization",
        "embeddedMachineConfiguration",
        "extraKernelArgs",
    ),
    *("meta", "systemExtensions", "bootloader", "secureboot", "diskImage"),
)


def text(body: Mapping[str, Any]) -> str:
    """The canonical form of a schematic: keys in the factory's order, empty ones left out, except customization."""
    canonical = _canonical(body)
    # customization is the last key in that order, so it can be appended.
    return goyaml.dump({**canonical, "customization": canonical.get("customization", {})})


def id_of(body: Mapping[str, Any]) -> str:
    """The id that Image Factory returns for this schematic."""
    return hashlib.sha256(text(body).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    keys = sorted(value, key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER))
    return {key: inner for key in keys if (inner := _canonical(value[key]))}
