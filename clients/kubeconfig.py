"""An administrator kubeconfig from a control plane, fetched when it is needed."""

import io
import tarfile

from grpclib.client import Channel, UnaryStreamMethod

from .talos import MESSAGES, Client, NoAnswer


def kubeconfig(client: Client, address: str) -> str:
    """A kubeconfig that the control plane creates for this call. It is secret and stays in memory. Raises NoAnswer."""

    async def ask(channel: Channel) -> bytes:
        method = UnaryStreamMethod(channel, "/machine.MachineService/Kubeconfig", MESSAGES["Empty"], MESSAGES["Data"])
        return b"".join([each.bytes for each in await method(MESSAGES["Empty"]())])

    packed = client.ask(address, ask)
    try:
        # Talos omits the end of the archive: reading past its only file would fail.
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            only = archive.next()
            file = archive.extractfile(only) if only else None
            return file.read().decode() if file else ""
    except (tarfile.TarError, EOFError, KeyError, OSError, ValueError) as error:
        raise NoAnswer(f"the kubeconfig is not an archive ({type(error).__name__})") from None
