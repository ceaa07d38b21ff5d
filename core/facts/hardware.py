"""How the UUID and the serial number of one machine are spelled by its firmware, its BMC and Talos. Pure."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

# Source: docs/power.md, section "Two spellings of one machine".
AS_DECLARED = "as declared"
"""A fact that is reported as the stack file declares it."""
# Source: DMTF DSP0134 (SMBIOS), section 7.2.1: the first three fields are stored little-endian. BMCs that read them as
# big-endian swap their bytes, and a firmware update may correct that: metal-stack/go-hal issue 57 (Supermicro X11).
SWAPPED = "with the bytes of its first three fields swapped"
"""A UUID that is reported in the other byte order."""
SERIAL_NUMBER, SKU = "SerialNumber", "SKU"
"""The fields in which a BMC reports a serial number. Source: DMTF Redfish schema ComputerSystem."""
# Source: the Redfish references of HPE (iLO), Lenovo (XCC), Fujitsu (iRMC), Cisco (CIMC) and Supermicro: their SKU is
# the product's number, which every machine of a model has.
_PRODUCT_SKU = ("hpe", "hewlett", "lenovo", "fujitsu", "cisco", "supermicro", "super micro")

# Firmware reports these where the vendor set no value: many machines share them, so they identify none. Source: DMTF
# DSP0134 (SMBIOS), section 7.2.1, for all zeros and all ones; the others are defaults of AMI's firmware.
PLACEHOLDER_UUIDS = (
    "03000200-0400-0500-0006-000700080009",
    # The same in the other byte order.
    "00020003-0004-0005-0006-000700080009",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)
"""UUIDs that identify no machine, in lower case."""
# Source: texts that AMI's firmware has in SMBIOS until a vendor sets them.
PLACEHOLDER_SERIALS = (
    "to be filled by o.e.m.",
    "default string",
    "system serial number",
    "not specified",
    "none",
    "n/a",
    "0123456789",
    "123456789",
)
"""Serial numbers that identify no machine, in lower case."""


def swapped(text: str) -> str:
    """The UUID in the other byte order; the text in lower case where it is not a UUID."""
    try:
        return str(uuid.UUID(bytes=uuid.UUID(text).bytes_le))
    except ValueError:
        return text.strip().lower()


def uuid_key(text: str) -> str:
    """One text for both byte orders of a UUID, to compare machines by."""
    return min(_plain(text), swapped(text))


def uuid_spelling(declared: str, reported: str) -> str | None:
    """How a reported UUID spells the declared one: AS_DECLARED or SWAPPED; None where it is another UUID."""
    if _plain(declared) == _plain(reported):
        return AS_DECLARED
    return SWAPPED if _plain(declared) == swapped(reported) else None


def _plain(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text.strip().lower()


def _identifying(serial: str) -> str:
    return "" if serial.strip().lower() in PLACEHOLDER_SERIALS else serial.strip()


@dataclass(frozen=True)
class Serials:
    """What a BMC reports as the serial numbers of one machine."""

    serial: str
    """Its SerialNumber: the machine's, or on Dell's machines the board's."""
    sku: str
    """Its SKU: on Dell's machines the service tag; empty where it identifies no single machine."""

    @classmethod
    def reported(cls, serial: str, sku: str, manufacturer: str, product: Collection[str]) -> "Serials":
        """What identifies a machine: without placeholders, and without a SKU that names the product.

        product: the model and the part number.
        """
        serial, sku = _identifying(serial), _identifying(sku)
        names_product = any(maker in manufacturer.lower() for maker in _PRODUCT_SKU) or sku in product
        return cls(serial, "" if names_product or sku == serial else sku)

    @property
    def pair(self) -> list[str]:
        """Both, if the BMC reports two serial numbers of the machine; else none."""
        return [self.serial, self.sku] if self.serial and self.sku else []

    def spelling(self, declared: str) -> str | None:
        """The field that reports the declared serial number: SERIAL_NUMBER or SKU; None where neither does."""
        wanted = declared.strip()
        if wanted and wanted == self.serial:
            return SERIAL_NUMBER
        return SKU if wanted and wanted == self.sku else None
