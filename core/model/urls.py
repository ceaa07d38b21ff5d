"""URLs and hosts. A text of the wrong form is refused with a remedy.

No address contains a user name or a password: plans, states and logs show addresses in plain text.
"""

from typing import Annotated, Any

from core.facts.addresses import HOST, HTTPS, PATH, PORT, PRIVATE_HTTP, port_fault

from .faults import refuse
from .pattern import Pattern


class _Address(Pattern):
    """A pattern of addresses, whose fault says so where a user name is in the way."""

    def _check(self, value: Any) -> Any:
        if isinstance(value, str) and "@" in value.partition("://")[2].partition("/")[0]:
            refuse(
                "contains a user name or a password",
                "plans, states and logs show addresses in plain text",
                f"remove what stands before the @; {self.instead}",
            )
        return super()._check(value)

    def _detail(self, value: str) -> str | None:
        return port_fault(value) or super()._detail(value)


HostPort = Annotated[
    str,
    _Address(
        rf"{HOST}{PORT}",
        "host:port",
        "clients connect to exactly this address",
        "write e.g. matchbox.example.com:8081",
    ),
]

_WITHOUT_TLS = "what comes without TLS can be exchanged on its way, and paths are appended to it"

FactoryUrl = Annotated[
    str,
    _Address(
        HTTPS,
        "an https URL",
        _WITHOUT_TLS,
        "write e.g. https://factory.example.com, without a slash at the end",
    ),
]

ChartsUrl = Annotated[
    str,
    _Address(
        HTTPS,
        "an https URL",
        _WITHOUT_TLS,
        "write e.g. https://charts.example.com, without a slash at the end",
    ),
]

# Without TLS too: the policy talos-mirrors-use-tls judges that, because a mirror in a lab may have no certificate.
MirrorUrl = Annotated[
    str,
    _Address(
        rf"https?://{HOST}({PORT})?{PATH}",
        "an http or https URL",
        "paths are appended to it",
        "write e.g. https://mirror.example.com, without a slash at the end",
    ),
]

# Without TLS too: the boot loader's script comes without TLS anyway, and most boot loaders verify no certificate of a
# private authority.
BootUrl = Annotated[
    str,
    _Address(
        rf"{HTTPS}|{PRIVATE_HTTP}",
        "an https URL, or an http URL with an address of a private network",
        "boot loaders append the names of kernel and initramfs to it",
        "write e.g. http://192.168.10.2:8080/assets, without a slash at the end",
    ),
]

PlainHttp = Annotated[
    str,
    _Address(
        rf"http://{HOST}({PORT})?",
        "matchbox's HTTP address",
        "boot loaders append the path of their script to it, and most of them have no TLS",
        "write e.g. http://192.168.10.2:8080, without a path",
    ),
]

LogUrl = Annotated[
    str,
    _Address(
        rf"(tcp|udp)://{HOST}{PORT}",
        "the address of a log receiver",
        "Talos sends lines of JSON over TCP or UDP",
        "write e.g. tcp://logs.example.com:5044, without a path",
    ),
]

KmsUrl = Annotated[
    str,
    _Address(
        rf"https://{HOST}{PORT}",
        "the https address of a KMS",
        "disk keys are sent to it and must be encrypted on the way",
        "write e.g. https://kms.example.com:4050",
    ),
]

ImageUrl = Annotated[
    str,
    _Address(
        HTTPS,
        "an https URL",
        "what comes without TLS can be exchanged on its way, and a query may hold a token",
        "write e.g. https://images.example.com/fedora-42.qcow2",
    ),
]
"""The address of a disk's image."""
