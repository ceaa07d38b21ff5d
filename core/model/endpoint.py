"""The address of the Kubernetes API: a host, and a port if it is not the usual one."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from core.facts.addresses import NAME
from core.facts.networks import IpAddress
from core.facts.ports import KUBERNETES_API

from .addresses import ip
from .faults import refuse

_EXAMPLES = "write e.g. 192.168.10.5, api.example.com or api.example.com:443"
_WHY = "machines and people reach the Kubernetes API there"


@dataclass(frozen=True)
class EndpointSpec:
    """Where the Kubernetes API is reached. One text in the stack file, and no section with keys."""

    host: str
    """A DNS name, or an address without brackets."""
    port: int

    @property
    def address(self) -> IpAddress | None:
        """The address; None where the host is a name."""
        return ip(self.host)

    @property
    def netloc(self) -> str:
        """host:port, as it stands in a URL."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __str__(self) -> str:
        return self.host if self.port == KUBERNETES_API else self.netloc


def _endpoint(value: Any) -> Any:
    if isinstance(value, EndpointSpec):
        return value
    text = value if isinstance(value, str) else ""
    if address := ip(text):
        return EndpointSpec(host=str(address), port=KUBERNETES_API)
    match = re.fullmatch(rf"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>{NAME}))(?::(?P<port>\d{{1,5}}))?", text, re.ASCII)
    if match is None:
        _refuse_form(value)
    port = int(match["port"] or KUBERNETES_API)
    if not 1 <= port <= 65535 or (match["port"] or "1").startswith("0"):
        refuse(f"{match['port']} is not a port", _WHY, f"write 1 to 65535, or no port for {KUBERNETES_API}")
    if match["v6"]:
        address = ip(match["v6"])
        if address is None or address.version == 4:
            _refuse_form(value)
        return EndpointSpec(host=str(address), port=port)
    host = str(match["host"]).lower()
    if address := ip(host):
        return EndpointSpec(host=str(address), port=port)
    # Programs read such a name as an address.
    if re.fullmatch(r"0x[0-9a-f]*|\d+", host.rpartition(".")[2]):
        _refuse_form(value)
    return EndpointSpec(host=host, port=port)


def _refuse_form(value: Any) -> NoReturn:
    if isinstance(value, str) and ("://" in value or "/" in value):
        refuse("contains more than a host and a port", _WHY, _EXAMPLES)
    shown = repr(value) if isinstance(value, str) and len(value) <= 80 and "@" not in value else "this value"
    refuse(f"{shown} is neither an address nor a name, with or without a port", _WHY, _EXAMPLES)


Endpoint = Annotated[
    EndpointSpec,
    BeforeValidator(_endpoint),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9.:\[\]-]+$"}),
]
