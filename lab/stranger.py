"""A stranger on the node network, run inside a lab: `python -m lab.stranger MACHINE FOLDER NUMBER`.

It takes a machine's place for the engine alone: connections to the machine's Talos API arrive here, as after a forged
ARP answer. It hands the first NUMBER connections on to the machine. After these it answers by itself, under a
certificate of its own, and asks nobody for one. It says that it is a container, which has no hardware to compare, and
takes every call. FOLDER/calls gets a line for each call: its method, and how often its message holds the beginning of a
key.
"""

import asyncio
import datetime
import itertools
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients.talos import MESSAGES, PORT

TABLE = "bedplate-stranger"
# The mark of the stranger's own connections, which are not turned back to it.
MARK = 0x5742
# The beginning of a PEM text in base64.
KEY = b"key: LS0t"
# JSON, as the config is sent.
QUOTED_KEY = b'"key": "LS0t'


def certificate() -> tuple[bytes, bytes]:
    """The key and the certificate that it makes for itself, as PEM texts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "maintenance-service.talos.dev")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form), made.public_bytes(serialization.Encoding.PEM)


class Calls(grpc.GenericRpcHandler):
    """Every method: it is noted, and answered."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def service(self, details: Any) -> Any:
        """The handler of a method."""

        def answer(message: bytes, context: Any) -> Iterator[bytes]:
            with self._file.open("a") as file:
                file.write(f"{details.method} {message.count(KEY) + message.count(QUOTED_KEY)}\n")
            yield platform() if b"PlatformMetadatas" in message else b""

        return grpc.unary_stream_rpc_method_handler(answer)


def platform() -> bytes:
    """The answer of a machine that is a container."""
    answer = MESSAGES["ListResponse"]()
    answer.resource.metadata.id, answer.resource.spec.yaml_spec = "platformmetadata", "platform: container"
    return bytes(answer.SerializeToString())


async def copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    """Hand on what arrives, until the connection ends."""
    try:
        while piece := await source.read(65536):
            to.write(piece)
            await to.drain()
    except OSError:
        pass
    finally:
        to.close()


async def serve(machine: str, passes: int, answers_at: int, ready: Any) -> None:
    """Accept connections, and hand each on: to the machine, or to the stranger's own server."""

    passed = itertools.count()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (machine, PORT) if next(passed) < passes else ("127.0.0.1", answers_at)
        with socket.socket() as out:
            out.setblocking(False)
            out.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
            try:
                await asyncio.get_running_loop().sock_connect(out, target)
                far_reader, far_writer = await asyncio.open_connection(sock=out.dup())
            except OSError:
                writer.close()
                return
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def turn(machine: str, port: int) -> None:
    """Turn connections of this network namespace to a machine's Talos API to the stranger."""
    rules = f"""
table ip {TABLE} {{
  chain output {{
    type nat hook output priority -100;
    ip daddr {machine} tcp dport {PORT} meta mark != {MARK} redirect to :{port}
  }}
}}
"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def main(machine: str, folder: Path, passes: int) -> None:
    """Stand in the machine's place until the process is ended."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Calls(folder / "calls"),))
    answers_at = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([certificate()]))
    server.start()

    def ready(port: int) -> None:
        turn(machine, port)
        (folder / "ready").touch()

    asyncio.run(serve(machine, passes, answers_at, ready))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
