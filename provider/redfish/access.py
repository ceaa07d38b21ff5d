"""How a BMC is reached: its address, the credentials, and how its certificate is verified."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Access:
    """One system behind one BMC, and the credentials there."""

    url: str
    system: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    ca: str | None = None
    """PEM of the authority that signed the BMC's certificate. Without ca and fingerprint, this
    computer's authorities are trusted."""
    fingerprint: str | None = None
    """SHA-256 of the BMC's certificate, 64 hexadecimal digits: only a certificate with this digest is accepted."""


WITHDRAWN = "; the order to boot from the network was withdrawn"
"""What is added to a message about an order that was withdrawn."""
