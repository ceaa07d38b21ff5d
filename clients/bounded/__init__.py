"""One HTTPS request with one deadline and one limit of size, whatever the server does.

The timeouts of Python's sockets hold for one read: a server that sends one byte a second would hold a request for
ever. Here a timer of its own ends the connection at the deadline, in every phase: name resolution, connecting, the TLS
handshake, headers and body. The bytes that a server may send are counted where they leave TLS, so that announced
lengths, chunks and endless headers count alike. Redirects are not followed, nothing is unpacked without a limit, and
neither a proxy nor a .netrc of the environment is used.
"""

from .content import from_json, unpacked
from .exchange import Answer, Request, exchange
from .failures import Broken, Failed, Late, TooLarge, Unreachable, Untrusted
from .watch import MOST_HEADER_BYTES, Limits

__all__ = [
    "MOST_HEADER_BYTES",
    "Answer",
    "Broken",
    "Failed",
    "Late",
    "Limits",
    "Request",
    "TooLarge",
    "Unreachable",
    "Untrusted",
    "exchange",
    "from_json",
    "unpacked",
]
