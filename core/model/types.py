"""The words of the field as types: what can't be an address, a name or a size is refused here, with the remedy."""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from .faults import refuse


class Model(BaseModel):
    """Frozen and closed: nothing changes after parsing, and a misspelt key is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


def _natural(name: str) -> tuple[tuple[int, str | int], ...]:
    """cp-2 before cp-10, as a person counts."""
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", name) if p)


K = TypeVar("K", bound=str)
V = TypeVar("V")

# Sorted, so that the order in the file never shows in the plan; read-only, so that no layer changes another's view.
ByName = Annotated[
    Mapping[K, V],
    AfterValidator(lambda m: MappingProxyType({k: m[k] for k in sorted(m, key=lambda name: (_natural(name), name))})),
    PlainSerializer(dict),
]


def _pattern(pattern: str, what: str, why: str, instead: str) -> list[Any]:
    compiled = re.compile(pattern)

    def check(value: Any) -> Any:
        if isinstance(value, str) and not compiled.fullmatch(value):
            refuse(f"{value!r} is not {what}" if len(value) <= 80 else f"this text is not {what}", why, instead)
        return value

    return [AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})]


def _text(pattern: str, what: str, why: str, instead: str) -> Any:
    check, schema = _pattern(pattern, what, why, instead)
    return Annotated[str, check, schema]


text = _text


Name = _text(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "a DNS label",
    "it becomes a host name or an object's name",
    "use a-z, 0-9 and -, at most 63, e.g. cp-1",
)

# Said of a machine: an unknown one is told with the names there are, so its form needs no words of its own.
ClassName = Annotated[str, WithJsonSchema({"type": "string"})]

Place = _text(
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
    "a place's name",
    "it becomes a label's value where that is asked for",
    "use at most 63 of A-Z a-z 0-9 _ . -, e.g. r12",
)

LinkName = _text(
    r"[a-z][a-z0-9.-]{0,14}", "a network link's name", "the kernel allows 15 characters", "write e.g. eth0 or enp1s0"
)

Version = _text(
    r"v\d+\.\d+\.\d+",
    "an exact release",
    "a moving version would make two plans of one file differ",
    "write all three numbers, e.g. v1.14.2",
)

ChartVersion = _text(
    r"\d+\.\d+\.\d+",
    "an exact chart version",
    "a moving version would make two plans of one file differ",
    "write all three numbers and no v, e.g. 1.19.6",
)

Contract = _text(
    r"v\d+\.\d+",
    "a configuration contract",
    "it is the schema of the machine config, one per minor",
    "write e.g. v1.12",
)

SchematicId = _text(
    r"[0-9a-f]{64}",
    "a schematic id",
    "Image Factory names images by the SHA-256 of their schematic",
    "write its 64 hexadecimal digits",
)

Extension = _text(
    r"siderolabs/[a-z0-9][a-z0-9._-]*",
    "a system extension's name",
    "Image Factory builds images from those of its catalogue alone",
    "write e.g. siderolabs/intel-ucode; the version follows Talos",
)

OverlayName = _text(
    r"[a-z0-9][a-z0-9_-]*", "an overlay's name", "Image Factory knows boards by it", "write e.g. rpi_generic"
)

KernelArgument = _text(
    r'(?=[!-~])([!#-~]|"[ !#-~]*")*',
    "one kernel argument",
    "a blank outside quotes ends it, and the kernel reads ASCII",
    "write one a line, e.g. console=ttyS1,115200",
)

Quantity = _text(
    r"[1-9]\d*(Mi|Gi|Ti)",
    "a size",
    "sizes are binary multiples, so that 4Gi of memory is 4Gi on every layer",
    "write e.g. 512Mi or 4Gi",
)

CpuQuantity = _text(
    r"[1-9]\d*m?", "an amount of CPU", "Kubernetes counts whole CPUs or thousandths", "write e.g. 2 or 50m"
)

ContainerImage = _text(
    r"(?!.*:latest$)[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?<![/a-z]:latest)(@sha256:[0-9a-f]{64})?",
    "a pinned image reference",
    "a node that pulls it again must get the same bits",
    "write registry/name:tag, best with @sha256:…, and never :latest",
)

HostPort = _text(
    r"[A-Za-z0-9.-]+:\d{1,5}", "host:port", "it is dialled as it stands", "write e.g. matchbox.example.com:8081"
)

HttpUrl = _text(
    r"https?://[^\s/?#]+(/[^\s?#]*)?(?<!/)",
    "an http(s) address",
    "paths are appended to it",
    "write e.g. https://factory.example.com, with no slash at its end",
)


PlainHttp = _text(
    r"http://[A-Za-z0-9.-]+(:\d{1,5})?",
    "matchbox's HTTP address",
    "a boot loader asks it, and appends the machine's MAC",
    "write e.g. http://192.168.10.2:8080, with no path",
)

Folder = _text(
    r"(/[A-Za-z0-9._-]+)+", "a folder of the boot server", "it is served as it stands", "write e.g. /var/lib/tftpboot"
)


def _mac(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", value):
        return value.lower().replace("-", ":")
    if isinstance(value, str):
        refuse(
            f"{value!r} is not a MAC address",
            "the boot server finds the machine by it",
            "write six pairs, e.g. 52:54:00:aa:00:01",
        )
    return value


Mac = Annotated[
    str,
    BeforeValidator(_mac),
    WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"}),
]


# What firmware says where nobody wrote the real one: many machines "have" it, so it tells none apart.
_NOBODYS_UUIDS = (
    "03000200-0400-0500-0006-000700080009",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)
_NOBODYS_SERIALS = (
    "to be filled by o.e.m.",
    "default string",
    "system serial number",
    "not specified",
    "none",
    "n/a",
    "0123456789",
    "123456789",
)


def _uuid(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        refuse(
            f"{value!r} is not a UUID" if len(value) <= 80 else "this text is not a UUID",
            "the machine is known by it",
            "write it as the firmware tells it, e.g. 4c4c4544-0042-3510-8052-b4c04f564433",
        )
    if value.lower() in _NOBODYS_UUIDS:
        refuse(
            f"{value!r} is what firmware says that was never given one",
            "many machines have it",
            "have the vendor's tool set one, or write serial instead",
        )
    return value.lower()


HardwareUuid = Annotated[
    str,
    BeforeValidator(_uuid),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}),
]


def _serial(value: str) -> str:
    if value.lower() in _NOBODYS_SERIALS:
        refuse(
            f"{value!r} is what firmware says that was never given one",
            "many machines have it",
            "have the vendor's tool set one, or write uuid instead",
        )
    return value


HardwareSerial = Annotated[
    _text(
        r"[!-~]([ -~]{0,62}[!-~])?",
        "a serial number",
        "the machine is known by it",
        "write it as the firmware tells it, e.g. CZJ2340ABC",
    ),
    AfterValidator(_serial),
]


def _address(value: Any) -> Any:
    if isinstance(value, IPv4Address):
        return value
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except AddressValueError:
        shown = repr(value) if isinstance(value, str | int | float) else "this"
        refuse(f"{shown} is not an IPv4 address", "machines and the API are reached at it", "write e.g. 192.168.10.11")


Address = Annotated[IPv4Address, BeforeValidator(_address), PlainSerializer(str)]


def _network(value: Any) -> Any:
    if isinstance(value, IPv4Network):
        return value
    text = value if isinstance(value, str) else ""
    try:
        if "/" not in text:
            raise AddressValueError
        loose = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        shown = repr(value) if isinstance(value, str | int | float) else "this"
        refuse(f"{shown} is not an IPv4 network", "addresses are checked against it", "write e.g. 192.168.10.0/24")
    if str(loose) != text:
        refuse(
            f"{text!r} names a host inside a network",
            "the bits behind the prefix must be zero",
            f"did you mean {loose}?",
        )
    return loose


Network = Annotated[
    IPv4Network,
    BeforeValidator(_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "ipv4-network"}),
]


class AddressRange(Model):
    """First to last address, both included."""

    first: Address
    last: Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _range(value: Any) -> Any:
    if isinstance(value, AddressRange):
        return value
    match = re.fullmatch(r"([\d.]+)-([\d.]+)", value) if isinstance(value, str) else None
    if not match:
        refuse(
            "this is not a range of addresses",
            "services get their addresses from it",
            "write first-last, e.g. 192.168.10.200-192.168.10.220",
        )
    first, last = _address(match[1]), _address(match[2])
    if first > last:
        refuse(f"{first}-{last} runs backwards", "it would hold no address", f"write {last}-{first}")
    return AddressRange(first=first, last=last)


Range = Annotated[
    AddressRange,
    BeforeValidator(_range),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[\d.]+-[\d.]+$"}),
]

_LabelKey = _text(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
    "a label's key",
    "Kubernetes would refuse the whole node",
    "write e.g. topology.kubernetes.io/zone",
)
_LabelValue = _text(
    r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?",
    "a label's value",
    "Kubernetes would refuse the whole node",
    "use at most 63 of A-Z a-z 0-9 _ . -",
)
_TaintValue = _text(
    r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?:)?(NoSchedule|PreferNoSchedule|NoExecute)",
    "a taint",
    "Kubernetes would refuse the whole node",
    "write value:effect or effect, e.g. vms:NoSchedule",
)

Labels = ByName[_LabelKey, _LabelValue]
Taints = ByName[_LabelKey, _TaintValue]
