"""The `registries` section: mirrors, authorities and credentials of image registries."""

from typing import Annotated

from pydantic import Field

from .pattern import Pattern
from .pem import Certificates
from .types import ByName, Model
from .urls import MirrorUrl

RegistryHost = Annotated[
    str,
    Pattern(
        r"\*|[a-z0-9.-]+(:\d{1,5})?",
        "the host of a registry",
        "image names start with it",
        "write e.g. registry.example.com or registry.example.com:5000",
    ),
]


class MirrorSpec(Model):
    """Where the images of one registry are pulled from instead."""

    endpoints: tuple[MirrorUrl, ...] = Field(min_length=1, examples=["[https://mirror.example.com]"])
    """Mirrors, tried in this order."""
    override_path: bool = False
    """Use the endpoint's path as it is, without appending /v2."""
    skip_fallback: bool = True
    """Never contact the registry itself. In an air-gapped site an image that the mirror lacks then fails at once."""


class RegistryTlsSpec(Model):
    """How the certificate of a registry or of a mirror is verified."""

    ca: Certificates
    """PEM of the authority that signed the registry's certificate."""


class RegistriesSpec(Model):
    """Mirrors, authorities and credentials of image registries."""

    mirrors: ByName[RegistryHost, MirrorSpec] = Field(default={}, validate_default=True)
    """Host of a registry (or "*" for all) to its mirror."""
    tls: ByName[RegistryHost, RegistryTlsSpec] = Field(default={}, validate_default=True)
    """Host of a registry or mirror to the authority of its certificate."""
    auth: tuple[RegistryHost, ...] = ()
    """Hosts that require a user name and a password: the stack's secret bedplate:registries."""
