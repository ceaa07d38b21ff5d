"""TLS servers that speak as much of the Kubernetes API as the provider asks of it."""

import base64
import copy
import http.server
import json
import re
import ssl
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from clients.kubernetes import Access
from tests.provider.certificates import Pki, pem


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Api:
    """An API server that becomes ready after some answers."""

    def __init__(self, folder: Path, answers: Iterable[int]) -> None:
        self.pki = Pki()
        self.answers = list(answers)
        self.asked = 0
        certificate, key = self.pki.pair("server")
        path = Path(folder) / "server.pem"
        path.write_text(certificate + key)
        ca = Path(folder) / "ca.pem"
        ca.write_text(pem(self.pki.ca))
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca))
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(path)
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/version":
                    self._say(200, json.dumps({"gitVersion": "v1.35.4"}))
                    return
                status = api.answers[min(api.asked, len(api.answers) - 1)]
                api.asked += 1
                self._say(status, "ok" if status == 200 else "not yet")

            def _say(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def kubeconfig(self, pki: Pki | None = None) -> str:
        """A kubeconfig with a client certificate. pki: another authority that it trusts."""
        certificate, key = self.pki.pair("admin")
        ca = pem((pki or self.pki).ca)
        return str(
            yaml.safe_dump(
                {
                    "current-context": "admin@dev",
                    "contexts": [{"name": "admin@dev", "context": {"cluster": "dev", "user": "admin"}}],
                    "clusters": [
                        {
                            "name": "dev",
                            "cluster": {
                                "server": f"https://localhost:{self.server.server_port}",
                                "certificate-authority-data": _base64(ca),
                            },
                        }
                    ],
                    "users": [
                        {
                            "name": "admin",
                            "user": {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)},
                        }
                    ],
                }
            )
        )


def pod(
    name: str, owner: str = "ReplicaSet", phase: str = "Running", namespace: str = "default", **meta: Any
) -> dict[str, Any]:
    """A pod as the API returns it, keyed as there."""
    owners = [{"kind": owner, "name": f"{name.partition('-')[0]}", "controller": True}] if owner else []
    return {
        "metadata": {"namespace": namespace, "name": name, "uid": f"uid-{name}", "ownerReferences": owners, **meta},
        "status": {"phase": phase},
    }


class Cluster(Api):
    """It keeps one node's pods; an evicted one is gone after some lists, as with a kubelet that takes its time."""

    def __init__(
        self,
        folder: Path,
        pods: Iterable[dict[str, Any]],
        *,
        node: str = "wk-1",
        ready: str = "True",
        refusals: Mapping[str, Iterable[Any]] | None = None,
        lists: int = 1,
        ends: bool = True,
    ) -> None:
        super().__init__(folder, [200])
        self.pods: dict[str, dict[str, Any]] = {each["metadata"]["name"]: copy.deepcopy(each) for each in pods}
        self.nodes: dict[str, dict[str, Any]] = (
            {node: {"metadata": {}, "spec": {}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}}
            if node
            else {}
        )
        self.refusals, self.lists, self.ends = (
            {name: list(said) for name, said in (refusals or {}).items()},
            lists,
            ends,
        )
        self.evicted: list[str] = []
        self.calls: list[str] = []
        self.bodies: list[tuple[str, Any]] = []
        self.down = 0
        handler: Any = self.server.RequestHandlerClass
        cluster = self

        def answer(self: Any) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            cluster.calls.append(f"{self.command} {self.path}")
            if body is not None:
                cluster.bodies.append((self.headers["Content-Type"], body))
            if cluster.down:
                cluster.down -= 1
                self._say(503, "")
                return
            status, said = cluster.do(self.command, self.path, body)
            self._say(status, json.dumps(said))

        handler.do_GET = handler.do_POST = handler.do_PATCH = handler.do_DELETE = answer

    def do(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """The status and the body of the response to one request."""
        if found := re.fullmatch("/api/v1/nodes/(.+)", path):
            node = self.nodes.get(found[1])
            if node is None:
                return 404, {"message": "not found"}
            if method == "PATCH":
                node["spec"] |= body.get("spec", {})
                for part in ("labels", "annotations"):
                    kept = node.setdefault("metadata", {}).setdefault(part, {})
                    for key, value in body.get("metadata", {}).get(part, {}).items():
                        kept.pop(key, None) if value is None else kept.update({key: value})
            if method == "DELETE":
                del self.nodes[found[1]]
            return 200, node
        if path.startswith("/api/v1/pods?fieldSelector=spec.nodeName%3D"):
            self._time_passes()
            return 200, {"items": list(self.pods.values())}
        found = re.fullmatch("/api/v1/namespaces/(.+)/pods/(.+)/eviction", path)
        return self._evict(found[2] if found else "")

    def _evict(self, name: str) -> tuple[int, Any]:
        if self.refusals.get(name):
            said = self.refusals[name]
            code, status = said.pop(0) if len(said) > 1 else said[0]
            if code:
                return code, status
        self.evicted.append(name)
        self.pods[name]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        return 201, {}

    def _time_passes(self) -> None:
        if not self.ends:
            return
        for name in [n for n, p in self.pods.items() if p["metadata"].get("deletionTimestamp")]:
            left = self.pods[name].setdefault("left", self.lists)
            self.pods[name]["left"] = left - 1
            if left <= 0:
                del self.pods[name]

    def access(self) -> Access:
        """The API by its kubeconfig."""
        return Access.parse(self.kubeconfig())
