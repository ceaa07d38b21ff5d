"""URLs, host names with a port, and folders of the boot server. A text of the wrong form is refused with a remedy."""

from typing import Annotated

from .types import Pattern

HostPort = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9.-]+:\d{1,5}",
        "host:port",
        "clients connect to exactly this address",
        "write e.g. matchbox.example.com:8081",
    ),
]

HttpUrl = Annotated[
    str,
    Pattern(
        r"https?://[^\s/?#]+(/[^\s?#]*)?(?<!/)",
        "an http or https URL",
        "paths are appended to it",
        "write e.g. https://factory.example.com, without a slash at the end",
    ),
]

PlainHttp = Annotated[
    str,
    Pattern(
        r"http://[A-Za-z0-9.-]+(:\d{1,5})?",
        "matchbox's HTTP address",
        "boot loaders append the path of their script to it, and most of them have no TLS",
        "write e.g. http://192.168.10.2:8080, without a path",
    ),
]

Folder = Annotated[
    str,
    Pattern(
        r"(/[A-Za-z0-9._-]+)+",
        "an absolute folder of the boot server",
        "dnsmasq serves exactly this folder",
        "write e.g. /var/lib/tftpboot",
    ),
]
