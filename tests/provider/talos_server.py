"""A gRPC server with mTLS that speaks Talos' messages: the base of every machine in these tests."""

from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc

from clients import talos
from tests.provider.certificates import Pki, pem

Answer = Callable[[Any, Any], Any]
Handlers = Mapping[str, Any]


def unary(answer: Answer, request: str, response: str) -> Any:
    """The handler of a call with one response; request, response: the names of Talos' messages."""
    messages = talos.MESSAGES
    return grpc.unary_unary_rpc_method_handler(
        answer, messages[request].FromString, messages[response].SerializeToString
    )


def stream(answer: Callable[[Any, Any], Iterator[Any]], request: str, response: str) -> Any:
    """The handler of a call with a stream of responses; request, response: the names of Talos' messages."""
    messages = talos.MESSAGES
    return grpc.unary_stream_rpc_method_handler(
        answer, messages[request].FromString, messages[response].SerializeToString
    )


class TalosServer:
    """One machine's Talos API on this computer."""

    def __init__(self, pki: Pki, services: Mapping[str, Handlers], *, anonymous: bool = False) -> None:
        """Start the server.

        services: each gRPC service to its methods' handlers by name.
        anonymous: whether it asks for no client certificate, as in maintenance mode.
        """
        self.pki = pki
        # A machine without a config signs its own certificate.
        self.certificate, key = (Pki("maintenance") if anonymous else pki).pair("server")
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        for service, handlers in services.items():
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, dict(handlers)),))
        trust: dict[str, Any] = {}
        if not anonymous:
            trust = {"root_certificates": pem(pki.ca).encode(), "require_client_auth": True}
        credentials = grpc.ssl_server_credentials([(key.encode(), self.certificate.encode())], **trust)
        self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.address = f"localhost:{self.port}"
        self.server.start()

    def client(self, pki: Pki | None = None) -> dict[str, str]:
        """A client that this server accepts: each of its three parts to a PEM text in base64."""
        return self.pki.client(pki)
