"""A kubeconfig, asked of a control plane at the time of need."""

import io
import tarfile

from grpclib.client import Channel, UnaryStreamMethod

from .talos import MESSAGES, Client, NoAnswer


def kubeconfig(client: Client, address: str) -> str:
    """An administrator's, which the control plane makes when it is asked. Secret: it stays in memory. Raises NoAnswer."""

    async def ask(channel: Channel) -> bytes:
        method = UnaryStreamMethod(channel, "/machine.MachineService/Kubeconfig", MESSAGES["Empty"], MESSAGES["Data"])
        return b"".join([each.bytes for each in await method(MESSAGES["Empty"]())])

    packed = client._ask(address, ask)
    try:
        # Talos leaves the archive's end away.
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            file = archive.extractfile("kubeconfig")
            return file.read().decode() if file else ""
    except (tarfile.TarError, EOFError, KeyError, OSError, ValueError) as error:
        raise NoAnswer(f"its kubeconfig is no archive ({type(error).__name__})") from None
