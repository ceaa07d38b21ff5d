"""What is baked into a machine's images, and the id that Image Factory gives to it.

The id is the SHA-256 of the schematic's canonical YAML, so a plan knows every image without asking a factory.
Source: siderolabs/image-factory, pkg/schematic. A factory serves images of an id once it was sent its schematic.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from . import goyaml
from .faults import refuse
from .types import Extension, KernelArgument, Model, OverlayName, SchematicId

if TYPE_CHECKING:
    from .model import Platform


class Overlay(Model):
    """What a board needs besides: its boot loader and firmware."""

    name: OverlayName = Field(examples=["rpi_generic"])
    image: Extension = Field(examples=["siderolabs/sbc-raspberrypi"])


class Schematic(Model):
    """System extensions and kernel arguments of the images. Or the id of one that was made elsewhere."""

    id: SchematicId | None = None
    """Of one that was made elsewhere; then Bedplate can't add what the platform needs."""
    extensions: tuple[Extension, ...] = ()
    """System extensions, e.g. siderolabs/intel-ucode. What the platform needs by itself is added."""
    kernel_args: tuple[KernelArgument, ...] = ()
    """Kernel arguments of every boot, from the network and from the disk, in this order. -name takes a default away."""
    overlay: Overlay | None = None
    """For single-board computers."""
    secureboot: bool = False
    """Installs images signed for UEFI SecureBoot."""
    well_known_certificates: bool = False
    """Lets the firmware trust Microsoft's certificates too, which option ROMs are signed with."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        said = sorted(self.model_fields_set - {"id", "secureboot"})
        if self.id is not None and said:
            refuse(
                f"names an id and {' and '.join(said)}",
                "an id stands for a whole schematic",
                "write the one or the other",
            )
        if self.well_known_certificates and not self.secureboot:
            refuse(
                "trusts certificates for SecureBoot and does not use it",
                "nothing would check a signature",
                "write secureboot: true, or leave them out",
            )
        return self


_ID: TypeAdapter[str] = TypeAdapter(SchematicId)


def _from_id(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return Schematic(id=_ID.validate_python(value))
    except ValidationError as error:
        # The id is the whole entry here, so the fault is the entry's.
        raise PydanticCustomError("refused", "{text}", {"text": error.errors()[0]["msg"]}) from None


class _OrItsId:
    """An id alone may stand for it."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [_ID.json_schema(), handler(schema)]}


SchematicOrId = Annotated[Schematic, BeforeValidator(_from_id), _OrItsId()]


def needs(platform: "Platform") -> Schematic:
    """What the platform can't do without, whatever its file says. Layers that need an extension name it here."""
    return Schematic()


def body(platform: "Platform") -> dict[str, Any] | None:
    """The schematic as a factory takes it; None where the file names one by its id."""
    said, derived = platform.talos.schematic, needs(platform)
    if said.id is not None:
        return None
    made: dict[str, Any] = {
        # The factory counts the order of extensions, which means nothing on a machine. That of arguments does:
        # the last console= is the one that a person sees.
        "extraKernelArgs": list(dict.fromkeys((*derived.kernel_args, *said.kernel_args))),
        "systemExtensions": {"officialExtensions": sorted({*derived.extensions, *said.extensions})},
        "secureboot": {"includeWellKnownCertificates": said.well_known_certificates},
    }
    overlay = {"image": said.overlay.image, "name": said.overlay.name} if said.overlay else {}
    return {"overlay": overlay, "customization": made}


# The order in which the factory writes what it knows (its structs' order).
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
    """A schematic in its canonical form: in the factory's order, without what is empty, but with customization."""
    made = _canonical(body)
    # It is last in that order, so it can be put in at the end.
    return goyaml.dump({**made, "customization": made.get("customization", {})})


def id_of(body: Mapping[str, Any]) -> str:
    """The id that Image Factory answers with when it is sent this schematic."""
    return hashlib.sha256(text(body).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    keys = sorted(value, key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER))
    return {key: inner for key in keys if (inner := _canonical(value[key]))}
