"""A checkout in miniature: two parts, a `go` that only pretends, and a release server."""

import hashlib
import io
import os
import re
import ssl
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bmcs import Pki
from toolchain import Layout, ensure
from toolchain.layout import this_platform
from toolchain.progress import Progress

LOCK = """
[sets]
both = ["alpha", "beta"]

[alpha]
kind = "go"
version = "1.0.0"
ask = ["version"]
[alpha.outputs.alpha]
package = "example.test/alpha"
[alpha.release]
url = "https://releases.test/alpha/v{version}/alpha-{platform}.tar.gz"
checksums = "https://releases.test/alpha/v{version}/sums.txt"
[alpha.release.platforms]
PLATFORM = "here"
[alpha.release.sha256]
PLATFORM = "UNSEEN"
[alpha.release.members]
alpha = "folder/alpha"

[beta]
kind = "go"
version = "2.0.0"
ask = ["version"]
[beta.outputs.beta]
package = "example.test/beta"
tags = "small"
ldflags = "-X a.b=c"
""".replace("PLATFORM", this_platform()).replace("UNSEEN", "0" * 64)

# Writes down how it was called; `build` makes a script that tells the version in VERSION.
GO = f"""#!{sys.executable}
import os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
arguments = sys.argv[1:]
with open(here + "/calls", "a") as file:
    flags = [f"{{n}}={{os.environ.get(n)}}" for n in ("GOFLAGS", "GOTOOLCHAIN", "GOWORK", "CGO_ENABLED")]
    print(*arguments, "|", *flags, file=file)
if arguments[0] == "env":
    print(open(here + "/version").read())
elif arguments[0] == "list":
    if os.path.exists(here + "/slow-list") and os.getcwd().endswith("/beta"):
        time.sleep(float(open(here + "/slow-list").read()))
        print("listed |", file=open(here + "/calls", "a"))
    print("fmt\\nos\\nexample.test/" + os.path.basename(os.getcwd()))
elif arguments[0] == "build":
    print("example.test/one", file=sys.stderr)
    if os.path.exists(here + "/fail"):
        print("\\n".join(f"line {{n}} of it" for n in range(30)), file=sys.stderr)
        sys.exit(open(here + "/fail").read() or 1)
    # For so many seconds, or until the file is gone.
    if os.path.exists(here + "/slow"):
        until = time.monotonic() + float(open(here + "/slow").read())
        while os.path.exists(here + "/slow") and time.monotonic() < until:
            time.sleep(0.02)
    target = arguments[arguments.index("-o") + 1]
    version = open("VERSION").read().strip()
    with open(target, "w") as file:
        file.write(f"#!/bin/sh\\necho {{version}}\\n")
    os.chmod(target, 0o755)
"""


@dataclass
class Checkout:
    """The miniature checkout, with what its `go` was called for and what was told."""

    root: Path
    go: Path
    layout: Layout
    told: io.StringIO = field(default_factory=io.StringIO)

    def ensure(self, *names: str) -> dict[str, Path]:
        self.told.seek(0)
        self.told.truncate()
        return ensure(names or ("both",), self.layout, Progress(self.told))

    @property
    def calls(self) -> list[str]:
        file = self.go.with_name("calls")
        return file.read_text().splitlines() if file.exists() else []

    @property
    def builds(self) -> list[str]:
        """Names of what was built, in order."""
        return [call.split(" | ")[0].rsplit("/", 1)[-1] for call in self.calls if call.startswith("build")]

    def lock(self, change: Callable[[str], str]) -> None:
        file = self.root / "toolchain" / "lock.toml"
        file.write_text(change(file.read_text()))

    def program(self, folder: Path, name: str, version: str) -> Path:
        """A program that tells its version and writes down that it was asked."""
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / name
        made.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\necho v{version}\n")
        made.chmod(made.stat().st_mode | stat.S_IXUSR)
        return made

    def spawn(self, *names: str, **variables: str) -> subprocess.Popen[str]:
        """Another process that sets up the same checkout, in a process group of its own."""
        code = (
            "import sys, pathlib; from toolchain import Layout, ensure\n"
            "ensure(sys.argv[2:], Layout.of(pathlib.Path(sys.argv[1])))"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code, str(self.root), *names],
            cwd=Path(__file__).parents[2],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    root = tmp_path / "checkout"
    for name, version in (("alpha", "1.0.0"), ("beta", "2.0.0")):
        module = root / "toolchain" / "parts" / name
        module.mkdir(parents=True)
        (module / "go.mod").write_text(f"module bedplate/toolchain/{name}\n\ngo 1.26\n")
        (module / "VERSION").write_text(version)
    (root / "toolchain" / "lock.toml").write_text(LOCK)
    (root / "requirements.txt").write_text("")
    go = tmp_path / "go" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    (go.parent / "version").write_text("go1.26.9")
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "no-pulumi"))
    for name in ("BEDPLATE_TOOLCHAIN", "BEDPLATE_STORE"):
        monkeypatch.delenv(name, raising=False)
    # Nothing listens there: a test that wants a release server says so.
    monkeypatch.setenv("BEDPLATE_MIRROR", "https://127.0.0.1:9")
    return Checkout(root, go, Layout.of(root))


Habit = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Releases:
    """What a release server offers over https, what it was asked for, and how it misbehaves, by path."""

    checkout: Checkout
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    habits: dict[str, Habit] = field(default_factory=dict)
    address: str = ""

    def offer(self, name: str, version: str, program: str, pinned: str | None = None, **others: bytes) -> str:
        """An archive with one program and its published checksum; the lock pins it too. Yields the archive's path."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for path, content in {**others, f"folder/{name}": program.encode()}.items():
                inside = tarfile.TarInfo(path)
                inside.size = len(content)
                tar.addfile(inside, io.BytesIO(content))
        return self.put(name, version, archive.getvalue(), pinned)

    def put(self, name: str, version: str, content: bytes, pinned: str | None = None) -> str:
        path, sum_ = f"/{name}/v{version}/{name}-here.tar.gz", hashlib.sha256(content).hexdigest()
        self.files[path] = content
        self.files[f"/{name}/v{version}/sums.txt"] = f"{sum_}  {name}-here.tar.gz\n".encode()
        self.pin(name, sum_ if pinned is None else pinned)
        return path

    def pin(self, name: str, sum_: str) -> None:
        self.checkout.lock(lambda text: re.sub(rf'(\[{name}\.release\.sha256\]\n\S+ = )"\w*"', rf'\1"{sum_}"', text))


@pytest.fixture
def releases(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    offered = Releases(checkout)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offered.asked.append(self.path)
            if self.path in offered.habits:
                offered.habits[self.path](self)
                return
            content = offered.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def do_HEAD(self) -> None:
            offered.asked.append("HEAD " + self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    pki = Pki.make()
    for name, text in {"ca": pki.ca, "certificate": pki.certificate, "key": pki.key}.items():
        (tmp_path / f"{name}.pem").write_text(text)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # Each connection shakes hands in its own thread.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    offered.address = f"https://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("BEDPLATE_MIRROR", offered.address)
    # The authority of this test alone, as a company would name its own.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "*")
    yield offered
    server.shutdown()
    thread.join()
    server.server_close()
