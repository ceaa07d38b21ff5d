"""The forms of addresses that plans, scripts and configurations contain: no user, no query, nothing that is run."""

import re

# Source: RFC 1123, section 2.1; RFC 952.
NAME = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
"""A host name, or an IPv4 address."""
# Source: RFC 3986, section 3.2.2.
HOST = rf"(?:{NAME}|\[[0-9A-Fa-f:]+(?:[0-9]+(?:\.[0-9]+){{3}})?\])"
"""A host in a URL: a host name, an IPv4 address, or an IPv6 address in brackets."""
# Source: RFC 3986, section 3.2.3.
PORT = r":\d{1,5}"
# Source: RFC 3986, section 3.3, without what a shell, boot loader or template acts on.
PATH = r"(/(?!\.\.?(/|$))[A-Za-z0-9._~%@:+,=-]+)*"
"""A path without a slash at its end, and without . and .. in it."""
# Source: RFC 1918; RFC 4193.
_PRIVATE = (
    r"(10(\.\d{1,3}){3}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2}|192\.168(\.\d{1,3}){2}|"
    r"\[[fF][cCdD][0-9A-Fa-f]{2}:[0-9A-Fa-f:]+\])"
)
# Source: RFC 9110, section 4.2.2, without user, query and fragment.
HTTPS = rf"https://{HOST}({PORT})?{PATH}"
"""An https address."""
# Source: RFC 1918, RFC 4193 and RFC 9110, section 4.2.1.
PRIVATE_HTTP = rf"http://{_PRIVATE}({PORT})?{PATH}"
"""An address without TLS that only a private network has."""

_BOOT = re.compile(rf"{HTTPS}|{PRIVATE_HTTP}", re.ASCII)
_ANY = re.compile(rf"https?://{HOST}({PORT})?{PATH}", re.ASCII)


def is_plain(url: str) -> bool:
    """Whether this is an http or https address, and nothing in it means anything to a boot loader."""
    return _ANY.fullmatch(url) is not None


def is_safe_for_boot(url: str) -> bool:
    """Whether a boot loader may fetch from this address: over TLS, or within a private network."""
    return _BOOT.fullmatch(url) is not None
