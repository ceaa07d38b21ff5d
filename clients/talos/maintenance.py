"""The client of a machine that has no config yet: it has no credentials, and the machine's certificate is its own."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.printable import printable

from .applying import APPLY_SECONDS, apply_call
from .calls import CALL_SECONDS, Caller, NoAnswer, Slow, host_and_port

# X509_V_FLAG_NO_CHECK_TIME: before a machine has its config, its clock may be years off, and so may its certificate.
# Source: OpenSSL, include/openssl/x509_vfy.h; the module ssl has no name for it.
_NO_CHECK_TIME = 0x200000


@dataclass(frozen=True)
class Maintenance(Caller):
    """A client of a machine in maintenance mode that talks only to the holder of one certificate.

    Any other server is refused in the TLS handshake, before a request is sent.
    """

    certificate: str
    """The certificate that the machine must serve, as PEM text."""

    @classmethod
    def at(cls, address: str) -> "Maintenance":
        """The client for the certificate that is served at an address now; nothing is sent there.

        Raises NoAnswer, and Slow after CALL_SECONDS.
        """
        try:
            served = asyncio.run(asyncio.wait_for(_served(address), CALL_SECONDS))
        except TimeoutError:
            raise Slow(f"no answer within {CALL_SECONDS:.0f} s") from None
        except OSError as error:
            raise NoAnswer(printable(f"{type(error).__name__}: {error}")) from None
        return cls(ssl.DER_cert_to_PEM_cert(served))

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as 64 hexadecimal digits."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate)).hexdigest()

    def apply(self, address: str, config: str) -> None:
        """Have the machine take its first config. Raises Refused if Talos can't accept it, NoAnswer otherwise."""
        self.ask(address, apply_call(config), seconds=APPLY_SECONDS)

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The one certificate is the whole trust: no authority, no name and no date counts beside it.
        tls.check_hostname = False
        tls.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
        tls.load_verify_locations(cadata=self.certificate)
        yield tls


async def _served(address: str) -> bytes:
    """The certificate that a server presents, in DER. Raises OSError."""
    host, port = host_and_port(address)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        served = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    if not served:
        raise ConnectionError("it serves no certificate")
    return bytes(served)
