"""The name of a Talos installer image: the one grammar of the model, the provider, `drift` and the policies."""

import re
from dataclasses import dataclass

_HOST = r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?"
_SCHEMATIC = re.compile(r"[0-9a-f]{64}")
# Source: siderolabs/image-factory docs/api.md, the OCI registry's routes; the digest is of every OCI image's name.
PATTERN = (
    rf"(?P<repository>{_HOST}(?:/[\w.-]+)*)/(?P<name>[\w.-]+)"
    r":(?P<version>v\d+\.\d+\.\d+(?:-[\w.]+)?)(?:@sha256:[0-9a-f]{64})?"
)
"""An installer image with an exact version, such as HOST/metal-installer/SCHEMATIC:v1.14.2; a digest may follow."""
# Source: siderolabs/image-factory docs/api.md, the OCI registry's routes.
FACTORY_KINDS = frozenset({"installer", "installer-secureboot", "metal-installer", "metal-installer-secureboot"})
"""What stands before the schematic in the name of an installer that the Image Factory serves."""


@dataclass(frozen=True)
class InstallerImage:
    """An installer image by the parts of its name."""

    repository: str
    """Everything before the last slash."""
    schematic: str
    """The schematic's id, 64 hexadecimal digits; empty if the image names none."""
    version: str
    """The Talos release, such as v1.14.2."""

    @property
    def from_factory(self) -> bool:
        """Whether the Image Factory or a mirror of it serves this name: a schematic after a kind of installer."""
        return bool(self.schematic) and self.repository.rpartition("/")[2] in FACTORY_KINDS


def parse(image: str) -> InstallerImage | None:
    """The parts of an installer image's name; None for a text that names no exact version."""
    match = re.fullmatch(PATTERN, image)
    if match is None:
        return None
    schematic = match["name"] if _SCHEMATIC.fullmatch(match["name"]) else ""
    return InstallerImage(match["repository"], schematic, match["version"])


def factory_image(host: str, schematic: str, version: str, *, secureboot: bool) -> str:
    """The name under which the Image Factory at `host` serves the installer of a schematic and a Talos release."""
    kind = "metal-installer-secureboot" if secureboot else "metal-installer"
    return f"{host}/{kind}/{schematic}:{version}"
