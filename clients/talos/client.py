"""Clients of the Talos API: one with the cluster's credentials, one for a machine that has no config yet."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml
from grpclib.client import Channel, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import GRPCError, StreamTerminatedError

from clients.kubernetes import client_tls

from .messages import MESSAGES
from .models import Hardware, Running

PORT = 50000
CALL_SECONDS = 5.0
# A machine pulls the installer image before it answers an upgrade request.
UPGRADE_SECONDS = 600.0
# A machine erases nothing before it answers a reset request.
RESET_SECONDS = 60.0
# A member that leaves etcd retries for five minutes, then stops etcd and erases its data.
LEAVE_SECONDS = 360.0
# ResetRequest.WipeMode: the whole disk that Talos is installed on.
SYSTEM_DISK = 1
# The machine checks its clock for five seconds, and stops the etcd that waits to join.
BOOTSTRAP_SECONDS = 30.0
# etcd writes a copy of its whole database before it sends the first piece.
SILENT_SECONDS = 60.0
# An error's text is cut to this many characters.
SHOWN_CHARACTERS = 200

T = TypeVar("T")


class NoAnswer(OSError):
    """The Talos API did not answer, or answered with an error."""


class Slow(NoAnswer):
    """The Talos API did not answer in time."""


class AlreadyThere(NoAnswer):
    """What the call would create exists already, which some callers take as success."""


# Namespace and type of each resource. Source: siderolabs/talos, pkg/machinery/resources.
_READ = {
    "system": ("hardware", "SystemInformations.hardware.talos.dev"),
    "memory": ("hardware", "MemoryModules.hardware.talos.dev"),
    "processors": ("hardware", "Processors.hardware.talos.dev"),
    "links": ("network", "LinkStatuses.net.talos.dev"),
    "disks": ("runtime", "Disks.block.talos.dev"),
    "platform": ("runtime", "PlatformMetadatas.talos.dev"),
}


async def _hardware(channel: Channel) -> Hardware:
    specs = {name: await _list(channel, *namespace_and_type) for name, namespace_and_type in _READ.items()}
    system = next(iter(specs["system"].values()), {})
    addresses = {link.get(kind, "") for link in specs["links"].values() for kind in ("hardwareAddr", "permanentAddr")}
    return Hardware(
        uuid=str(system.get("uuid", "")).lower(),
        serial=str(system.get("serialnumber", "")).strip(),
        macs=tuple(sorted(str(address).lower() for address in addresses if address and str(address).strip("0:"))),
        disks=tuple({"name": name, **disk} for name, disk in sorted(specs["disks"].items())),
        memory_mib=sum(int(module.get("sizeMiB", 0)) for module in specs["memory"].values()),
        threads=sum(int(each.get("threadCount", each.get("coreCount", 0))) for each in specs["processors"].values()),
        platform=str(next(iter(specs["platform"].values()), {}).get("platform", "")),
    )


async def _list(channel: Channel, namespace: str, kind: str) -> dict[str, dict[str, Any]]:
    """The specs of every resource of a type, by id; none for a type that the machine does not know."""
    method = UnaryStreamMethod(channel, "/cosi.resource.State/List", MESSAGES["ListRequest"], MESSAGES["ListResponse"])
    try:
        answers = await method(MESSAGES["ListRequest"](namespace=namespace, type=kind))
    except GRPCError as error:
        if error.status in (Status.PERMISSION_DENIED, Status.NOT_FOUND):
            return {}
        raise
    return {one.resource.metadata.id: yaml.safe_load(one.resource.spec.yaml_spec) or {} for one in answers}


def _pod_ready(pod: dict[str, Any]) -> bool:
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in pod.get("conditions", []))


def _call(method: str, request: str, **fields: Any) -> Callable[[Channel], Awaitable[Any]]:
    """A call of the machine service, whose response is named after the method."""

    async def ask(channel: Channel) -> Any:
        message, response = MESSAGES[request], MESSAGES[f"{method}Response"]
        call = UnaryUnaryMethod(channel, f"/machine.MachineService/{method}", message, response)
        return await call(message(**fields))

    return ask


async def _within(what: Awaitable[T], seconds: float, otherwise: str) -> T:
    try:
        return await asyncio.wait_for(what, seconds)
    except TimeoutError:
        raise NoAnswer(f"{otherwise} within {seconds:.0f} s") from None


def schematic_of(layers: dict[str, dict[str, Any]]) -> str:
    """The schematic id, which the image factory adds as an extension; empty where there is none.

    layers: the specs of a machine's ExtensionStatuses, by id.
    """
    named = ((layer.get("metadata") or {}) for layer in layers.values())
    return next((str(each.get("version", "")) for each in named if each.get("name") == "schematic"), "")


class _Caller:
    """Calls the Talos API; subclasses say with which credentials."""

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        raise NotImplementedError

    def hardware(self, address: str) -> Hardware:
        """The hardware that a machine reports. Raises NoAnswer."""
        return self.ask(address, _hardware)

    def resources(self, address: str, namespace: str, kind: str) -> dict[str, dict[str, Any]]:
        """The specs of every resource of a type, by the resource's id. Raises NoAnswer."""
        return self.ask(address, lambda channel: _list(channel, namespace, kind))

    def ask(self, address: str, ask: Callable[[Channel], Awaitable[T]], seconds: float = 0) -> T:
        """The result of calls over one connection, within seconds (default: CALL_SECONDS).

        Raises NoAnswer, Slow after the deadline, and AlreadyThere where the API answers so.
        """
        seconds = seconds or CALL_SECONDS
        try:
            return asyncio.run(asyncio.wait_for(self._talk(address, ask), seconds))
        except NoAnswer:
            raise
        except TimeoutError:
            raise Slow(f"no answer within {seconds:.0f} s") from None
        except GRPCError as error:
            kind = AlreadyThere if error.status is Status.ALREADY_EXISTS else NoAnswer
            raise kind(f"{error.status.name}: {error.message}".replace("\n", " ")[:SHOWN_CHARACTERS]) from None
        except (StreamTerminatedError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}".replace("\n", " ")[:SHOWN_CHARACTERS]) from None

    async def _talk(self, address: str, ask: Callable[[Channel], Awaitable[T]]) -> T:
        host, _, port = address.partition(":")
        with self._tls() as tls:
            tls.set_alpn_protocols(["h2"])
            # The default codec would load google.rpc.Status a second time, beside Pulumi's, which protobuf refuses.
            async with Channel(host, int(port or PORT), ssl=tls, codec=ProtoCodec()) as channel:
                return await ask(channel)


@dataclass(frozen=True)
class Client(_Caller):
    """A client with the cluster's credentials, as PEM texts."""

    ca: bytes
    certificate: bytes
    key: bytes

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        # Talos labels keys with their algorithm; OpenSSL accepts only the general label.
        key = self.key.decode().replace("ED25519 PRIVATE KEY", "PRIVATE KEY")
        with client_tls(self.ca.decode(), self.certificate.decode(), key) as tls:
            yield tls

    def members(self, address: str) -> dict[str, bool]:
        """Each etcd member's host name to whether it has a vote. Raises NoAnswer."""
        return {m.hostname: not m.is_learner for m in self._members(address)}

    def peers(self, address: str) -> dict[str, str]:
        """Each etcd member's host name to its peer address. Raises NoAnswer."""
        return {m.hostname: urlsplit(m.peer_urls[0]).hostname or "" for m in self._members(address) if m.peer_urls}

    def _members(self, address: str, local: bool = False) -> list[Any]:
        answer = self.ask(address, _call("EtcdMemberList", "EtcdMemberListRequest", query_local=local))
        return [member for each in answer.messages for member in each.members]

    def leave_etcd(self, address: str) -> None:
        """Have a control plane leave etcd, stop its etcd and erase the data. Raises NoAnswer."""
        self.ask(address, _call("EtcdLeaveCluster", "EtcdLeaveClusterRequest"), seconds=LEAVE_SECONDS)

    def remove_member(self, address: str, machine: str) -> None:
        """Have a control plane remove another, dead one from etcd, if it is a member. Raises NoAnswer."""
        for member in self._members(address):
            if member.hostname == machine:
                self.ask(
                    address,
                    _call("EtcdRemoveMemberByID", "EtcdRemoveMemberByIDRequest", member_id=member.id),
                    seconds=LEAVE_SECONDS,
                )

    def reset(self, address: str) -> None:
        """Have a machine erase its system disk and switch off; returns when it begins. Raises NoAnswer."""
        self.ask(
            address,
            _call("Reset", "ResetRequest", graceful=False, reboot=False, mode=SYSTEM_DISK),
            seconds=RESET_SECONDS,
        )

    def own_members(self, address: str) -> dict[str, bool]:
        """Host name to whether that member votes, as the machine's own etcd lists it; other members are not queried.

        Raises NoAnswer, also if the machine runs no etcd.
        """
        return {m.hostname: not m.is_learner for m in self._members(address, local=True)}

    def service(self, address: str, name: str) -> str:
        """The state of a service as talosctl shows it, e.g. Running; empty without that service. Raises NoAnswer."""
        answer = self.ask(address, _call("ServiceList", "Empty"))
        return next((str(one.state) for each in answer.messages for one in each.services if one.id == name), "")

    def bootstrap(self, address: str) -> None:
        """Create an etcd of one member. Raises AlreadyThere if the machine has etcd data, NoAnswer otherwise."""
        self.ask(address, _call("Bootstrap", "BootstrapRequest"), seconds=BOOTSTRAP_SECONDS)

    def unsettled(self, address: str) -> list[str]:
        """The unhealthy services and static pods of a machine, by kind and name. Raises NoAnswer."""

        async def ask(channel: Channel) -> list[str]:
            services = await _list(channel, "runtime", "Services.v1alpha1.talos.dev")
            pods = await _list(channel, "k8s", "StaticPodStatuses.kubernetes.talos.dev")
            # A service without a health check is healthy if it runs.
            down = [
                f"service {n}"
                for n, s in services.items()
                if not (s.get("running") and (s.get("healthy") or s.get("unknown")))
            ]
            return sorted(down + [f"pod {name}" for name, pod in pods.items() if not _pod_ready(pod)])

        return self.ask(address, ask)

    def version(self, address: str) -> str:
        """The version of Talos that runs, e.g. v1.12.0. Raises NoAnswer."""
        return next((str(each.version.tag) for each in self.ask(address, _call("Version", "Empty")).messages), "")

    def running(self, address: str) -> Running:
        """What a machine runs, and when it booted. Raises NoAnswer."""

        async def ask(channel: Channel) -> Running:
            version = await _call("Version", "Empty")(channel)
            stat = await _call("SystemStat", "Empty")(channel)
            layers = await _list(channel, "runtime", "ExtensionStatuses.runtime.talos.dev")
            status = await _list(channel, "runtime", "MachineStatuses.runtime.talos.dev")
            platform = await _list(channel, *_READ["platform"])
            return Running(
                version=next((str(each.version.tag) for each in version.messages), ""),
                schematic=schematic_of(layers),
                booted=next((int(each.boot_time) for each in stat.messages), 0),
                stage=str(next(iter(status.values()), {}).get("stage", "")),
                contained=next(iter(platform.values()), {}).get("platform") == "container",
            )

        return self.ask(address, ask)

    def began(self, address: str) -> str:
        """When Talos started on a machine, by its own clock; it differs after each restart. Raises NoAnswer."""

        async def ask(channel: Channel) -> str:
            kind = MESSAGES["ListRequest"](namespace="runtime", type="MachineStatuses.runtime.talos.dev")
            method = UnaryStreamMethod(
                channel, "/cosi.resource.State/List", MESSAGES["ListRequest"], MESSAGES["ListResponse"]
            )
            made = [each.resource.metadata.created for each in await method(kind)]
            return next((f"{at.seconds}.{at.nanos:09d}" for at in made), "")

        return self.ask(address, ask)

    def virtualizes(self, address: str) -> bool:
        """Whether all processors offer VT-x or AMD-V, unlocked by the firmware. Raises NoAnswer."""
        answer = self.ask(address, _call("CPUInfo", "Empty"))
        flags = [set(cpu.flags) for each in answer.messages for cpu in each.cpu_info]
        return bool(flags) and all(has & {"vmx", "svm"} for has in flags)

    def upgrade(self, address: str, image: str) -> None:
        """Have a machine install an image, drain and reboot; returns when it begins. Raises NoAnswer."""
        self.ask(address, _call("Upgrade", "UpgradeRequest", image=image), seconds=UPGRADE_SECONDS)

    def snapshot(self, address: str, write: Callable[[bytes], None], seconds: float) -> None:
        """Pass etcd's database to write, piece by piece. Raises NoAnswer, and what write raises.

        The machine ends the stream normally even where etcd failed: only the hash at the end shows that it is whole.
        """

        async def ask(channel: Channel) -> None:
            method = UnaryStreamMethod(
                channel, "/machine.MachineService/EtcdSnapshot", MESSAGES["EtcdSnapshotRequest"], MESSAGES["Data"]
            )
            async with method.open() as stream:
                await _within(
                    stream.send_message(MESSAGES["EtcdSnapshotRequest"](), end=True), CALL_SECONDS, "no answer"
                )
                while (piece := await _within(stream.recv_message(), SILENT_SECONDS, "the stream stopped")) is not None:
                    write(piece.bytes)

        self.ask(address, ask, seconds)


@dataclass(frozen=True)
class Maintenance(_Caller):
    """A client of a machine that has no config yet, whose certificate is its own: nothing secret is sent to it."""

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        yield tls
