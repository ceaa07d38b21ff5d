"""A stranger at a control plane's address, with certificates of its own: it hands out a kubeconfig that runs a command.

It is what can answer on the node network instead of a machine: it asks for no client certificate, and speaks as much
of the Talos and Kubernetes APIs as it takes to be believed.
"""

import base64
import gzip
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Mapping
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc

from core.facts.ports import TALOS_API
from tests.provider.certificates import Pki, pem

ADDRESS = "127.77.0.1"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Stranger:
    """Both servers, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.pki = Pki("stranger")
        self.asked: list[str] = []
        self.user: dict[str, Any] = {}
        """The user of the kubeconfig that it hands out, beside the certificate."""
        self._api = self._kubernetes(folder)
        self._talos = grpc.server(futures.ThreadPoolExecutor(4))
        handlers: tuple[tuple[str, str, Any], ...] = (
            ("storage.StorageService", "Disks", grpc.unary_unary_rpc_method_handler(self._disks)),
            ("machine.MachineService", "Kubeconfig", grpc.unary_stream_rpc_method_handler(self._hand_out)),
        )
        for service, name, handler in handlers:
            self._talos.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
        certificate, key = self.pki.pair("talos")
        credentials = grpc.ssl_server_credentials([(key.encode(), certificate.encode())])
        assert self._talos.add_secure_port(f"{ADDRESS}:{TALOS_API}", credentials), f"{ADDRESS} is in use"
        self._talos.start()

    @property
    def server(self) -> str:
        """The address of its own Kubernetes API."""
        return f"https://localhost:{self._api.server_port}"

    def kubeconfig(self) -> str:
        """What it hands out. The certificate is in the key, where Python's TLS finds it and Go's does not."""
        user = {
            "client-certificate-data": "",
            "client-key-data": _encoded("".join(self.pki.pair("admin"))),
            **self.user,
        }
        cluster = {"server": self.server, "certificate-authority-data": _encoded(pem(self.pki.ca))}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "dev", "cluster": cluster}],
                "users": [{"name": "admin@dev", "user": user}],
                "contexts": [{"name": "admin@dev", "context": {"cluster": "dev", "user": "admin@dev"}}],
                "current-context": "admin@dev",
            }
        )

    def stop(self) -> None:
        """Stop both servers."""
        self._talos.stop(0)
        self._api.shutdown()
        self._api.server_close()

    def _disks(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self._note("Disks", context.auth_context())
        return b""

    def _hand_out(self, request: bytes, context: grpc.ServicerContext) -> Any:
        self._note("Kubeconfig", context.auth_context())
        text, whole = self.kubeconfig().encode(), io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w:gz") as archive:
            header = tarfile.TarInfo("kubeconfig")
            header.size = len(text)
            archive.addfile(header, io.BytesIO(text))
        packed = gzip.compress(gzip.decompress(whole.getvalue()))
        # Field 2 of common.Data, with its length as a varint.
        length, head = len(packed), bytearray(b"\x12")
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        yield bytes(head) + bytes([length]) + packed

    def _note(self, call: str, known: Mapping[str, Any]) -> None:
        self.asked.append(f"{call}, client certificate: {'x509_common_name' in known}")

    def _kubernetes(self, folder: Path) -> ThreadingHTTPServer:
        certificate, key = self.pki.pair("server")
        file = folder / "stranger.pem"
        file.write_text(certificate + key)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(file)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = {"/readyz": b"ok", "/version": b'{"gitVersion": "v1.35.4", "major": "1", "minor": "35"}'}
                body = said.get(self.path.partition("?")[0], b"{}")
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
