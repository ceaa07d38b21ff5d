"""Servers that stand in a machine's place, and record what they are sent."""

import datetime
import ipaddress
from collections.abc import Sequence
from concurrent import futures
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.provider.certificates import Pki, pem, private_pem

NAMES: tuple[x509.GeneralName, ...] = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
ELSEWHERE: tuple[x509.GeneralName, ...] = (
    x509.DNSName("cp-2"),
    x509.IPAddress(ipaddress.ip_address("10.20.0.12")),
)


def certificate(
    signer: Pki,
    names: Sequence[x509.GeneralName] = NAMES,
    hours: int = 1,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> tuple[str, str]:
    """A certificate and its key as PEM texts. hours: until it expires; before now, if negative."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cp-1")]))
        .issuer_name(signer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=48))
        .not_valid_after(now + datetime.timedelta(hours=hours))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return pem(made), private_pem(key)


class Stranger:
    """Takes every call from everybody without asking for a certificate, and answers with an empty message."""

    def __init__(self, pair: tuple[str, str], address: str = "localhost:0") -> None:
        """pair: its certificate and key. address: where it listens; port 0 is any free one."""
        self.requests: list[tuple[str, bytes]] = []
        """Method and message of each call."""
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((_Everything(self.requests),))
        credentials = grpc.ssl_server_credentials([(pair[1].encode(), pair[0].encode())])
        port = self.server.add_secure_port(address, credentials)
        self.address = f"{address.rpartition(':')[0]}:{port}"
        self.server.start()


class _Everything(grpc.GenericRpcHandler):
    def __init__(self, requests: list[tuple[str, bytes]]) -> None:
        self._requests = requests

    def service(self, details: Any) -> Any:
        """The handler of any method."""

        def answer(message: bytes, context: Any) -> Any:
            self._requests.append((details.method, message))
            return iter([b""])

        return grpc.unary_stream_rpc_method_handler(answer)
