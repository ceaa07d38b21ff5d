"""An administrator kubeconfig from a control plane, fetched when it is needed."""

import tarfile
import zlib

from grpclib.client import Channel, UnaryStreamMethod

from core.credentials.kubeconfig import MOST_BYTES, Kubeconfig, KubeconfigRefused, parse

from .talos import MESSAGES, Client, NoAnswer

# The archive holds one file and its header.
_MOST_UNPACKED = MOST_BYTES + tarfile.BLOCKSIZE
# zlib's number for a stream with gzip's header and the largest window.
_GZIP = 16 + zlib.MAX_WBITS


def kubeconfig(client: Client, address: str) -> Kubeconfig:
    """The parts of a kubeconfig that the control plane creates for this call: secret, and they stay in memory.

    A kubeconfig that contains anything else is refused. Raises NoAnswer.
    """

    async def ask(channel: Channel) -> bytes:
        method = UnaryStreamMethod(channel, "/machine.MachineService/Kubeconfig", MESSAGES["Empty"], MESSAGES["Data"])
        packed = bytearray()
        async with method.open() as stream:
            await stream.send_message(MESSAGES["Empty"](), end=True)
            async for piece in stream:
                packed += piece.bytes
                if len(packed) > MOST_BYTES:
                    raise NoAnswer(f"the kubeconfig's archive has more than {MOST_BYTES} bytes")
        return bytes(packed)

    try:
        return parse(_unpacked(client.ask(address, ask)))
    except KubeconfigRefused as refused:
        raise NoAnswer(f"what it issued {refused}") from None


def _unpacked(packed: bytes) -> str:
    """The text of the only file in a packed archive. Raises NoAnswer.

    Read by its header and not by an extractor: Talos omits the end of the archive, and an extractor follows links and
    long chains of extended headers.
    """
    try:
        archive = zlib.decompressobj(_GZIP).decompress(packed, _MOST_UNPACKED + 1)
        header = tarfile.TarInfo.frombuf(archive[: tarfile.BLOCKSIZE], "utf-8", "strict")
        text = archive[tarfile.BLOCKSIZE : tarfile.BLOCKSIZE + header.size]
        if len(archive) <= _MOST_UNPACKED and header.isreg() and len(text) == header.size:
            return text.decode()
    except (tarfile.TarError, zlib.error, ValueError):
        pass
    raise NoAnswer(f"the kubeconfig is not an archive with one file of at most {MOST_BYTES} bytes")
