"""Calls of the Talos API over one connection: their deadlines, and what a failure becomes."""

import asyncio
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from core.facts.ports import TALOS_API
from core.printable import SHOWN_CHARACTERS, printable

from .limits import GARBLED, MOST_BYTES, Bounded, Unusable, collect, read_specs
from .messages import MESSAGES
from .models import Hardware

PORT = TALOS_API
CALL_SECONDS = 5.0

T = TypeVar("T")


def host_and_port(address: str) -> tuple[str, int]:
    """The host and the port of a Talos API, by default its usual one. An IPv6 address with a port is in brackets."""
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", address)
    if bracketed:
        return bracketed[1], int(bracketed[2] or PORT)
    if address.count(":") > 1:
        return address, PORT
    host, _, port = address.partition(":")
    return host, int(port or PORT)


class NoAnswer(OSError):
    """The Talos API did not answer, or answered with an error: one printable line, whoever wrote it."""

    def __init__(self, text: str) -> None:
        # A machine that was queried twice is reported with both answers.
        super().__init__(printable(text, 3 * SHOWN_CHARACTERS))


class Slow(NoAnswer):
    """The Talos API did not answer in time."""


class AlreadyThere(NoAnswer):
    """What the call would create exists already, which some callers take as success."""


class Refused(NoAnswer):
    """The machine can't accept what was sent, and would not accept it later."""


# gRPC status to the error that it becomes; every other status becomes NoAnswer.
_ERRORS = {Status.ALREADY_EXISTS: AlreadyThere, Status.INVALID_ARGUMENT: Refused}

# The call that lists the resources of a type.
LIST = "/cosi.resource.State/List"
# Namespace and type of each resource. Source: siderolabs/talos, pkg/machinery/resources.
READ = {
    "system": ("hardware", "SystemInformations.hardware.talos.dev"),
    "memory": ("hardware", "MemoryModules.hardware.talos.dev"),
    "processors": ("hardware", "Processors.hardware.talos.dev"),
    "links": ("network", "LinkStatuses.net.talos.dev"),
    "disks": ("runtime", "Disks.block.talos.dev"),
    "platform": ("runtime", "PlatformMetadatas.talos.dev"),
    "security": ("runtime", "SecurityStates.talos.dev"),
}


async def list_specs(channel: Channel, namespace: str, kind: str) -> dict[str, dict[str, Any]]:
    """The specs of every resource of a type, by id; none for a type that the machine does not know."""
    try:
        answers = await collect(channel, LIST, "ListRequest", "ListResponse", namespace=namespace, type=kind)
    except GRPCError as error:
        if error.status in (Status.PERMISSION_DENIED, Status.NOT_FOUND):
            return {}
        raise
    return await read_specs(answers, kind)


async def _hardware(channel: Channel) -> Hardware:
    specs = {name: await list_specs(channel, *namespace_and_type) for name, namespace_and_type in READ.items()}
    system = next(iter(specs["system"].values()), {})
    addresses = {link.get(kind, "") for link in specs["links"].values() for kind in ("hardwareAddr", "permanentAddr")}
    return Hardware(
        uuid=str(system.get("uuid", "")).lower(),
        serial=str(system.get("serialnumber", "")).strip(),
        macs=tuple(sorted(str(address).lower() for address in addresses if address and str(address).strip("0:"))),
        disks=tuple(_disk(name, disk) for name, disk in sorted(specs["disks"].items())),
        memory_mib=sum(int(module.get("sizeMiB", 0)) for module in specs["memory"].values()),
        threads=sum(int(each.get("threadCount", each.get("coreCount", 0))) for each in specs["processors"].values()),
        platform=str(next(iter(specs["platform"].values()), {}).get("platform", "")),
        secure_boot=next((bool(state.get("secureBoot")) for state in specs["security"].values()), None),
    )


def _disk(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A disk's name, and its properties by name: texts and numbers."""
    properties = {key: value for key, value in spec.items() if isinstance(value, str | int | float)}
    return {"name": name, **properties, "size": int(spec.get("size", 0))}


def machine_call(method: str, request: str, **fields: Any) -> Callable[[Channel], Awaitable[Any]]:
    """A call of the machine service, whose response is named after the method."""

    async def ask(channel: Channel) -> Any:
        message, response = MESSAGES[request], MESSAGES[f"{method}Response"]
        call = UnaryUnaryMethod(channel, f"/machine.MachineService/{method}", message, response)
        return await call(message(**fields))

    return ask


async def within(what: Awaitable[T], seconds: float, otherwise: str) -> T:
    """What an awaitable returns. Raises NoAnswer with `otherwise`, such as "no answer", after `seconds`."""
    try:
        return await asyncio.wait_for(what, seconds)
    except TimeoutError:
        raise NoAnswer(f"{otherwise} within {seconds:.0f} s") from None


class Caller(ABC):
    """Calls the Talos API; subclasses say with which credentials."""

    @abstractmethod
    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        yield from ()

    def hardware(self, address: str) -> Hardware:
        """The hardware that a machine reports. Raises NoAnswer."""
        return self.ask(address, _hardware)

    def resources(self, address: str, namespace: str, kind: str) -> dict[str, dict[str, Any]]:
        """The specs of every resource of a type, by the resource's id. Raises NoAnswer."""
        return self.ask(address, lambda channel: list_specs(channel, namespace, kind))

    def ask(self, address: str, ask: Callable[[Bounded], Awaitable[T]], seconds: float = 0) -> T:
        """The result of calls over one connection, within seconds (default: CALL_SECONDS).

        Raises NoAnswer, Slow after the deadline, and AlreadyThere and Refused where the API answers so.
        """
        seconds = seconds or CALL_SECONDS
        # Not the result of the task: asyncio may write a task with its result, whatever the machine put into it.
        results: list[T] = []
        try:
            asyncio.run(asyncio.wait_for(self._talk(address, ask, seconds, results), seconds))
            return results[0]
        except NoAnswer:
            raise
        except Unusable as error:
            raise NoAnswer(str(error)) from None
        except TimeoutError:
            raise Slow(f"no answer within {seconds:.0f} s") from None
        except GRPCError as error:
            kind = _ERRORS.get(error.status, NoAnswer)
            raise kind(f"{error.status.name}: {printable(error.message)}") from None
        except (StreamTerminatedError, OSError) as error:
            raise NoAnswer(printable(f"{type(error).__name__}: {error}")) from None

    async def _talk(
        self, address: str, ask: Callable[[Bounded], Awaitable[T]], seconds: float, results: list[T]
    ) -> None:
        host, port = host_and_port(address)
        with self._tls() as tls:
            tls.set_alpn_protocols(["h2"])
            channel = Bounded(host, port, tls, seconds)
            async with channel:
                try:
                    results.append(await ask(channel))
                except ssl.SSLError:
                    # A ValueError as well, where a certificate is refused.
                    raise
                except (StreamTerminatedError, *GARBLED) as error:
                    if channel.late:
                        raise TimeoutError from None
                    if channel.exceeded:
                        raise Unusable(f"its answer is larger than {MOST_BYTES >> 20} MiB") from None
                    if isinstance(error, GARBLED):
                        raise Unusable(f"its answer is not one of Talos ({type(error).__name__})") from None
                    raise
