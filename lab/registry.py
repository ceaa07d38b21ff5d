"""A read-only OCI registry over a store of images, which reports each pulled image that it does not have."""

import json
import re
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .images import MANIFEST, Store

_MANIFEST = re.compile(r"^/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)$")
# Any blob under a name that says what it is, as images of disks are fetched.
_FILE = re.compile(r"^/files/(?P<digest>[0-9a-f]{64})/[\w.-]+$")
_RANGE = re.compile(r"bytes=(?P<first>\d+)-(?P<last>\d*)")
_BLOB = re.compile(r"^/v2/.+/blobs/sha256:(?P<digest>[0-9a-f]{64})$")


class _Server(ThreadingHTTPServer):
    """The store, and the images that are missing from it."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: Store, missing: Callable[[str], None]) -> None:
        super().__init__(address, _Handler)
        self.store, self.missing = store, missing
        self.noted: set[str] = set()

    def note(self, image: str) -> None:
        """Report an image that is missing, once."""
        if image not in self.noted:
            self.noted.add(image)
            self.missing(image)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing for a client that hangs up in the middle of a layer, as a node without power does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers the four requests that a container runtime makes."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        url = urlsplit(self.path)
        if url.path.rstrip("/") == "/v2":
            self._send(200, "application/json", b"{}", with_body=with_body)
        elif match := _MANIFEST.match(url.path):
            upstream = parse_qs(url.query).get("ns", [""])[0]
            self._manifest(match["name"], match["reference"], upstream, with_body=with_body)
        elif match := _BLOB.match(url.path):
            self._blob(match["digest"], with_body=with_body)
        elif match := _FILE.match(url.path):
            self._part(match["digest"], with_body=with_body)
        else:
            self._unknown()

    def _part(self, digest: str, *, with_body: bool) -> None:
        """A file, or the part of it that the request names, as importers read disks."""
        path = self.server.store.blobs / digest
        if not path.is_file():
            self._unknown()
            return
        size = path.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        first = int(asked["first"]) if asked else 0
        last = min(int(asked["last"] or size), size - 1) if asked else size - 1
        if first > last:
            self._send(416, "application/octet-stream", b"", with_body=False)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if with_body:
            self.wfile.flush()
            with path.open("rb") as content:
                self.connection.sendfile(content, first, last - first + 1)

    def _manifest(self, name: str, reference: str, upstream: str, *, with_body: bool) -> None:
        by_digest = reference.startswith("sha256:")
        digest = reference if by_digest else self.server.store.digest(f"{name}:{reference}")
        path = self.server.store.blobs / digest.partition(":")[2]
        if not digest or not path.is_file():
            self.server.note(f"{upstream + '/' if upstream else ''}{name}{'@' if by_digest else ':'}{reference}")
            self._unknown()
            return
        self._send(200, MANIFEST, path.read_bytes(), digest=digest, with_body=with_body)

    def _blob(self, digest: str, *, with_body: bool) -> None:
        path = self.server.store.blobs / digest
        try:
            content = path.open("rb")
        except FileNotFoundError:
            self._unknown()
            return
        with content:
            self._head(200, "application/octet-stream", path.stat().st_size, f"sha256:{digest}")
            if with_body:
                self.wfile.flush()
                self.connection.sendfile(content)

    def _unknown(self) -> None:
        body = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "not in this rehearsal"}]})
        self._send(404, "application/json", body.encode(), with_body=self.command != "HEAD")

    def _send(self, status: int, kind: str, body: bytes, *, digest: str = "", with_body: bool) -> None:
        self._head(status, kind, len(body), digest)
        if with_body:
            self.wfile.write(body)

    def _head(self, status: int, kind: str, size: int, digest: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: every pull of every node would be a line."""


def _ignore(image: str) -> None:
    """Note no missing image."""


class Registry:
    """Serves one store on one address until stopped, by https if it is given a certificate."""

    def __init__(
        self,
        store: Path,
        address: str,
        port: int,
        *,
        pki: Path | None = None,
        missing: Callable[[str], None] = _ignore,
    ) -> None:
        """pki: a folder with server.crt and server.key. missing: called once with each image that is not there."""
        self._server = _Server((address, port), Store(store), missing)
        if pki is not None:
            trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            trust.load_cert_chain(pki / "server.crt", pki / "server.key")
            # The handshake runs in the connection's thread, so a client that never completes it blocks no other.
            self._server.socket = trust.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the address."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
