"""A Redfish service that answers whatever a test writes, and records what it was sent: for BMCs that are hostile."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bmcs import Pki

SYSTEM = "/redfish/v1/Systems/1"


def documents() -> dict[str, Any]:
    """Path to document of a BMC with one system, which is on."""
    return {
        "/redfish/v1": {
            "@odata.id": "/redfish/v1/",
            "Id": "RootService",
            "Name": "Root Service",
            "RedfishVersion": "1.6.0",
            "Systems": {"@odata.id": "/redfish/v1/Systems"},
            "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
        },
        "/redfish/v1/Systems": {"Name": "Systems", "Members": [{"@odata.id": SYSTEM}]},
        SYSTEM: {
            "@odata.id": SYSTEM,
            "Id": "1",
            "Name": "system",
            "UUID": "4c4c4544-0042-3510-8052-b4c04f564433",
            "SerialNumber": "CZJ2340ABC",
            "PowerState": "On",
            "Boot": {},
            "Actions": {},
        },
    }


class StandIn:
    """One BMC on this computer."""

    def __init__(self, folder: Path) -> None:
        """Start it, with a certificate of an authority of its own."""
        self.pki = Pki.make()
        self.documents = documents()
        """Path to the document that it answers; an int is an HTTP status with the document `refusal`."""
        self.refusal: Any = {}
        self.connections = 0
        self.authorizations: list[str] = []
        """The Authorization header of each request that had one."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder.mkdir(parents=True, exist_ok=True)
        pem = folder / "bmc.pem"
        pem.write_text(self.pki.certificate + self.pki.key, encoding="utf-8")
        self._tls.load_cert_chain(pem)
        self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def standing_in(folder: Path) -> Iterator[StandIn]:
    """A stand-in, which is stopped afterwards."""
    bmc = StandIn(folder)
    try:
        yield bmc
    finally:
        bmc.stop()


def _handler(bmc: StandIn) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            bmc.connections += 1
            if sent := self.headers.get("Authorization"):
                bmc.authorizations.append(sent)
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            found = bmc.documents.get(self.path.rstrip("/"), 404)
            status, document = (found, bmc.refusal) if isinstance(found, int) else (200, found)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
