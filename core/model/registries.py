"""The `registries` section: mirrors, authorities and credentials of image registries."""

import re
from typing import Annotated

from pydantic import Field

from core.facts.addresses import HOST, PORT, port_fault

from .pattern import Pattern
from .pem import Certificates
from .types import ByName, Model
from .urls import MirrorUrl

# Source: distribution/reference, normalize.go: images of Docker Hub are named docker.io, whatever address serves them.
_DOCKER_HUB = "(?:hub[.]docker[.]com|registry[.]hub[.]docker[.]com|index[.]docker[.]io|registry-1[.]docker[.]io)"
_SERVER = HOST.replace("A-Za-z0-9", "a-z0-9")


class _Host(Pattern):
    """A pattern of registries' hosts, whose fault says which part is wrong."""

    def _detail(self, value: str) -> str | None:
        host = value.strip()
        if host != value:
            return "it has a blank at its beginning or its end"
        if "://" in host:
            return "it has a scheme, and a host has none"
        if "/" in host:
            return "it has a path, and a mirror serves a whole registry"
        if re.fullmatch(f"{_DOCKER_HUB}(:.*)?", host.lower()):
            return "images of Docker Hub are named docker.io"
        if host != host.lower():
            return "it has capital letters, and names of images have none"
        return port_fault(host) or super()._detail(value)


RegistryHost = Annotated[
    str,
    _Host(
        rf"\*|(?!{_DOCKER_HUB}(?::|$)){_SERVER}(?:{PORT})?",
        "the host of a registry",
        "image names start with it",
        "write e.g. docker.io or registry.example.com:5000",
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
