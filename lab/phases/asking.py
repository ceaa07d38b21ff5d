"""Questions to the Deployment hello, a pod in no namespace of the platform: what it reaches, and what it gets there."""

import sys
from urllib.parse import quote

from lab import overlay
from lab.rehearsal import Rehearsal

NAMESPACE, NODE_PORT = "bedplate-rehearsal", overlay.NODE_PORT
# What hello says of a connection. Source: toolchain/parts/lab-tools/pods.go.
OPEN, NO_ANSWER = "open", "no answer"
# Of a connection from the lab's own end of the network: the same words.
_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
    print("open")
except TimeoutError:
    print("no answer")
except OSError as error:
    print(error.strerror)
"""


def hello(rehearsal: Rehearsal, path: str) -> str:
    """The answer of hello, to which the API server passes the request. Raises RuntimeError if there is none."""
    service = f"/api/v1/namespaces/{NAMESPACE}/services/hello:80/proxy"
    return rehearsal.clients.kube("get", "--raw", f"{service}{path}", seconds=12).strip()


def resolved(rehearsal: Rehearsal, name: str) -> str:
    """The addresses of a name, as a pod resolves it. Raises RuntimeError."""
    return hello(rehearsal, f"/resolve?name={name}")


def got(rehearsal: Rehearsal, url: str) -> str:
    """What a pod gets from a server. Raises RuntimeError."""
    return hello(rehearsal, f"/get?url={quote(url, safe='')}")


def connected(rehearsal: Rehearsal, address: str, port: int, *, through: str = "") -> str:
    """OPEN, NO_ANSWER or an error: how a pod's connection to a TCP port ends.

    through: the address and port of another server like hello, whose pod connects instead.
    """
    path = f"/connect?address={address}:{port}"
    return got(rehearsal, f"http://{through}{path}").strip() if through else hello(rehearsal, path)


def from_outside(rehearsal: Rehearsal, address: str, port: int) -> str:
    """The same for a connection from the lab's own end of the node network."""
    done = rehearsal.lab.run([sys.executable, "-c", _CONNECT, address, str(port)], seconds=10)
    return done.stdout.strip()
