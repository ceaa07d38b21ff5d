"""The BMCs of a lab's machines: Redfish, by https, as far as a machine is identified, read and switched by it."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from .layout import Layout
from .order import Order
from .session import Lab, request

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT = "/redfish/v1"
USER = "rehearsal"
_SYSTEM = re.compile(rf"{ROOT}/Systems/(?P<name>[\w.-]+?)(?P<reset>/Actions/ComputerSystem\.Reset)?/?")


class Switched(Protocol):
    """A machine with a power button."""

    def on(self) -> bool:
        """Whether it has power."""

    def switch(self, on: bool) -> None:
        """Give it power, or cut it."""


def identity(name: str) -> str:
    """The UUID that the BMC of a machine reports."""
    return str(uuid5(NAMESPACE_URL, f"bedplate:rehearsal:{name}"))


class _Server(ThreadingHTTPServer):
    """The machines by name, and what a request must carry."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], machines: Mapping[str, Switched], password: str) -> None:
        super().__init__(address, _Handler)
        self.machines = machines
        self.credentials = "Basic " + b64encode(f"{USER}:{password}".encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    """Answers what a client of Redfish asks before it switches a machine."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path.rstrip("/")
        if path == ROOT:
            self._send(200, {"Id": "root", "RedfishVersion": "1.6.0", "Systems": {"@odata.id": f"{ROOT}/Systems"}})
        elif self._refused():
            return
        elif path == f"{ROOT}/Systems":
            members = [{"@odata.id": f"{ROOT}/Systems/{name}"} for name in self.server.machines]
            self._send(200, {"Name": "systems", "Members": members, "Members@odata.count": len(members)})
        elif (found := self._found()) and not found["reset"]:
            self._send(200, self._system(found["name"]))
        else:
            self._send(404, _error("no such resource"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._refused():
            return
        found = self._found()
        kind = json.loads(body or b"{}").get("ResetType")
        if not found or not found["reset"]:
            self._send(404, _error("no such action"))
        elif kind not in _RESETS:
            self._send(400, _error(f"no such ResetType: {kind}"))
        else:
            self.server.machines[found["name"]].switch(_RESETS[kind])
            self._send(204)

    def _refused(self) -> bool:
        """Whether the request has no credentials, and has been refused."""
        if self.headers.get("Authorization") == self.server.credentials:
            return False
        self._send(401, _error("not logged in"))
        return True

    def _found(self) -> re.Match[str] | None:
        """The machine that the request is about, and whether it is to be switched."""
        found = _SYSTEM.fullmatch(self.path)
        return found if found and found["name"] in self.server.machines else None

    def _system(self, name: str) -> dict[str, Any]:
        at = f"{ROOT}/Systems/{name}"
        reset = {"target": f"{at}/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": [*_RESETS]}
        return {
            "@odata.id": at,
            "Id": name,
            "Name": name,
            "UUID": identity(name),
            "SerialNumber": name.upper(),
            "PowerState": "On" if self.server.machines[name].on() else "Off",
            "Boot": {},
            "Actions": {"#ComputerSystem.Reset": reset},
        }

    def _send(self, status: int, document: Mapping[str, Any] | None = None) -> None:
        body = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


_RESETS = {"On": True, "ForceOff": False}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"code": "Base.1.0.GeneralError", "message": message}}


class _Node:
    """A node of a running lab as a machine with a power button."""

    def __init__(self, layout: Layout, name: str) -> None:
        self._layout, self._name = layout, name

    def on(self) -> bool:
        return bool(request(self._layout, "status")["nodes"][self._name]["running"])

    def switch(self, on: bool) -> None:
        request(self._layout, "start" if on else "stop", node=self._name)


def server(address: str, machines: Mapping[str, Switched], password: str, pki: Path) -> ThreadingHTTPServer:
    """The BMC of all these machines, on a free port. pki: a folder with server.crt and server.key."""
    made = _Server((address, 0), machines, password)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(pki / "server.crt", pki / "server.key")
    made.socket = trust.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
    return made


@contextmanager
def running(lab: Lab, password: str) -> Iterator[str]:
    """The BMCs of a lab, in its own network; yields their url. Raises RuntimeError if they do not start."""
    command = lab.command([sys.executable, "-m", "lab.bmc", str(lab.layout.directory)], CHECKOUT)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(password + "\n")
            process.stdin.flush()
            if not (url := process.stdout.readline().strip()):
                raise RuntimeError("the BMCs of the lab did not start")
            yield url
        finally:
            # The whole process group, because a child of nsenter does the work.
            os.killpg(process.pid, signal.SIGKILL)


def main(directory: str) -> None:
    """Serve until killed. The password comes by standard input, and the url goes to standard output."""
    layout = Layout(Path(directory))
    topology = Order.from_json(json.loads((layout.directory / "order.json").read_text())).topology
    machines = {machine.name: _Node(layout, machine.name) for machine in topology.machines}
    made = server(topology.gateway, machines, sys.stdin.readline().strip(), layout.pki)
    print(f"https://{topology.gateway}:{made.server_address[1]}", flush=True)
    made.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
