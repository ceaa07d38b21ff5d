"""The forms of addresses that plans, scripts and configurations contain: no user, no query, nothing that is run."""

import re

# Source: RFC 791; RFC 6943, section 3.1.1: 010 is 8 to some programs and 10 to others.
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_END = r"(?![A-Za-z0-9.-])"
# Source: RFC 1123, section 2.1; RFC 952.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A name of numbers alone is an address that was mistyped, such as 10.0.0.300, or one in another spelling: programs
# read 0x0a000001 and 10.0.0.0x1 as 10.0.0.1. Source: POSIX, inet_addr.
_NUMBER = r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)"
_NO_NUMBER = rf"(?!(?:{_NUMBER}\.)*{_NUMBER}{_END})"
# Source: RFC 1123, section 2.1; RFC 791.
NAME = rf"(?:{_IPV4}{_END}|{_NO_NUMBER}{_LABEL}(?:\.{_LABEL})*)"
"""A host name, or an IPv4 address."""
# Source: RFC 4291, section 2.2; RFC 3986, section 3.2.2.
LITERAL = r"\[[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\]"
"""An IPv6 address in a URL."""
# Source: RFC 3986, section 3.2.2.
HOST = rf"(?:{NAME}|{LITERAL})"
"""The host of a URL: a name, an IPv4 address, or an IPv6 address in brackets."""
# Source: RFC 3986, section 3.2.3; RFC 6335, section 6: ports are 1 to 65535.
PORT = r":(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(?![0-9])"
"""A port of a URL, with its colon."""
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


def port_fault(address: str) -> str | None:
    """What is wrong with the port of a host:port, with or without a scheme and a path; None where nothing is."""
    host = address.partition("://")[2] or address
    _, colon, port = host.partition("/")[0].rpartition("]")[2].rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,10}", port) or re.fullmatch(PORT, f":{port}"):
        return None
    why = "starts with a zero" if int(port) and port.startswith("0") else "is not one of 1 to 65535"
    return f"its port {port} {why}"


def same_host(host: str) -> str:
    """A host in the one form that all its spellings share: lower case, no dot at the end, IPv6 in its short form."""
    # Imported here: most programs that need a pattern compare no addresses.
    from ipaddress import ip_address

    plain = host.strip().removeprefix("[").removesuffix("]").lower().removesuffix(".")
    try:
        address = ip_address(plain)
    except ValueError:
        return plain
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
