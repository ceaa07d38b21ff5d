"""The client of the Talos API with the cluster's credentials."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from grpclib.client import Channel, UnaryStreamMethod

from clients.kubernetes import client_tls
from core.printable import printable

from .applying import APPLY_SECONDS, apply_call
from .calls import CALL_SECONDS, LIST, READ, Caller, NoAnswer, list_specs, machine_call, within
from .limits import MOST_SNAPSHOT_BYTES, Bounded, Unusable, collect
from .messages import MESSAGES
from .models import Running

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


def _pod_ready(pod: dict[str, Any]) -> bool:
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in pod.get("conditions", []))


def _host(url: str) -> str:
    """The host of an address; empty if a machine wrote something else."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def schematic_of(layers: dict[str, dict[str, Any]]) -> str:
    """The schematic id, which the image factory adds as an extension; empty where there is none.

    layers: the specs of a machine's ExtensionStatuses, by id.
    """
    named = ((layer.get("metadata") or {}) for layer in layers.values())
    return next((printable(each.get("version", "")) for each in named if each.get("name") == "schematic"), "")


@dataclass(frozen=True)
class Client(Caller):
    """A client with the cluster's credentials, as PEM texts.

    It talks only to a machine whose certificate the cluster's authority signed for the address that is called. Any
    other machine is refused in the TLS handshake, before a request is sent.
    """

    ca: bytes
    certificate: bytes
    key: bytes

    @contextmanager
    def _tls(self) -> Iterator[ssl.SSLContext]:
        if not self.ca.strip():
            # With an empty authority, Python would trust the authorities of this computer instead.
            raise NoAnswer("the client has no certificate authority, so no machine can be verified")
        # Talos labels keys with their algorithm; OpenSSL accepts only the general label.
        key = self.key.decode().replace("ED25519 PRIVATE KEY", "PRIVATE KEY")
        with client_tls(self.ca.decode(), self.certificate.decode(), key) as tls:
            yield tls

    def apply(self, address: str, config: str) -> None:
        """Have a machine take a whole config. Raises Refused if Talos can't read or accept it, NoAnswer otherwise."""
        self.ask(address, apply_call(config), seconds=APPLY_SECONDS)

    def members(self, address: str) -> dict[str, bool]:
        """Each etcd member's host name to whether it has a vote. Raises NoAnswer."""
        return {printable(m.hostname): not m.is_learner for m in self._members(address)}

    def peers(self, address: str) -> dict[str, str]:
        """Each etcd member's host name to its peer address. Raises NoAnswer."""
        members = [m for m in self._members(address) if m.peer_urls]
        return {printable(m.hostname): printable(_host(m.peer_urls[0])) for m in members}

    def _members(self, address: str, local: bool = False) -> list[Any]:
        answer = self.ask(address, machine_call("EtcdMemberList", "EtcdMemberListRequest", query_local=local))
        return [member for each in answer.messages for member in each.members]

    def leave_etcd(self, address: str) -> None:
        """Have a control plane leave etcd, stop its etcd and erase the data. Raises NoAnswer."""
        self.ask(address, machine_call("EtcdLeaveCluster", "EtcdLeaveClusterRequest"), seconds=LEAVE_SECONDS)

    def remove_member(self, address: str, machine: str) -> None:
        """Have a control plane remove another, dead one from etcd, if it is a member. Raises NoAnswer."""
        for member in self._members(address):
            if member.hostname == machine:
                self.ask(
                    address,
                    machine_call("EtcdRemoveMemberByID", "EtcdRemoveMemberByIDRequest", member_id=member.id),
                    seconds=LEAVE_SECONDS,
                )

    def reset(self, address: str) -> None:
        """Have a machine erase its system disk and switch off; returns when it begins. Raises NoAnswer."""
        self.ask(
            address,
            machine_call("Reset", "ResetRequest", graceful=False, reboot=False, mode=SYSTEM_DISK),
            seconds=RESET_SECONDS,
        )

    def own_members(self, address: str) -> dict[str, bool]:
        """Host name to whether that member votes, as the machine's own etcd lists it; other members are not queried.

        Raises NoAnswer, also if the machine runs no etcd.
        """
        return {printable(m.hostname): not m.is_learner for m in self._members(address, local=True)}

    def service(self, address: str, name: str) -> str:
        """The state of a service as talosctl shows it, e.g. Running; empty without that service. Raises NoAnswer."""
        answer = self.ask(address, machine_call("ServiceList", "Empty"))
        return next((printable(one.state) for each in answer.messages for one in each.services if one.id == name), "")

    def bootstrap(self, address: str) -> None:
        """Create an etcd of one member. Raises AlreadyThere if the machine has etcd data, NoAnswer otherwise."""
        self.ask(address, machine_call("Bootstrap", "BootstrapRequest"), seconds=BOOTSTRAP_SECONDS)

    def unsettled(self, address: str) -> list[str]:
        """The unhealthy services and static pods of a machine, by kind and name. Raises NoAnswer."""

        async def ask(channel: Channel) -> list[str]:
            services = await list_specs(channel, "runtime", "Services.v1alpha1.talos.dev")
            pods = await list_specs(channel, "k8s", "StaticPodStatuses.kubernetes.talos.dev")
            # A service without a health check is healthy if it runs.
            down = [
                f"service {n}"
                for n, s in services.items()
                if not (s.get("running") and (s.get("healthy") or s.get("unknown")))
            ]
            down += [f"pod {name}" for name, pod in pods.items() if not _pod_ready(pod)]
            return sorted(map(printable, down))

        return self.ask(address, ask)

    def version(self, address: str) -> str:
        """The version of Talos that runs, e.g. v1.12.0. Raises NoAnswer."""
        return next(
            (printable(each.version.tag) for each in self.ask(address, machine_call("Version", "Empty")).messages), ""
        )

    def running(self, address: str) -> Running:
        """What a machine runs, and when it booted. Raises NoAnswer."""

        async def ask(channel: Channel) -> Running:
            version = await machine_call("Version", "Empty")(channel)
            stat = await machine_call("SystemStat", "Empty")(channel)
            layers = await list_specs(channel, "runtime", "ExtensionStatuses.runtime.talos.dev")
            status = await list_specs(channel, "runtime", "MachineStatuses.runtime.talos.dev")
            platform = await list_specs(channel, *READ["platform"])
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
            kind = {"namespace": "runtime", "type": "MachineStatuses.runtime.talos.dev"}
            answers = await collect(channel, LIST, "ListRequest", "ListResponse", **kind)
            made = [each.resource.metadata.created for each in answers]
            return next((f"{at.seconds}.{at.nanos:09d}" for at in made), "")

        return self.ask(address, ask)

    def virtualizes(self, address: str) -> bool:
        """Whether all processors offer VT-x or AMD-V, unlocked by the firmware. Raises NoAnswer."""
        answer = self.ask(address, machine_call("CPUInfo", "Empty"))
        flags = [set(cpu.flags) for each in answer.messages for cpu in each.cpu_info]
        return bool(flags) and all(has & {"vmx", "svm"} for has in flags)

    def upgrade(self, address: str, image: str) -> None:
        """Have a machine install an image, drain and reboot; returns when it begins. Raises NoAnswer."""
        self.ask(address, machine_call("Upgrade", "UpgradeRequest", image=image), seconds=UPGRADE_SECONDS)

    def snapshot(self, address: str, write: Callable[[bytes], None], seconds: float) -> None:
        """Pass etcd's database to write, piece by piece. Raises NoAnswer, and what write raises.

        The machine ends the stream normally even where etcd failed: only the hash at the end shows that it is whole.
        """

        async def ask(channel: Bounded) -> None:
            size = 0
            method = UnaryStreamMethod(
                channel, "/machine.MachineService/EtcdSnapshot", MESSAGES["EtcdSnapshotRequest"], MESSAGES["Data"]
            )
            async with method.open() as stream:
                await within(
                    stream.send_message(MESSAGES["EtcdSnapshotRequest"](), end=True), CALL_SECONDS, "no answer"
                )
                while (piece := await within(stream.recv_message(), SILENT_SECONDS, "the stream stopped")) is not None:
                    size += len(piece.bytes)
                    if size > MOST_SNAPSHOT_BYTES:
                        raise Unusable(f"the snapshot is larger than {MOST_SNAPSHOT_BYTES >> 30} GiB")
                    write(piece.bytes)
                    channel.refill()

        self.ask(address, ask, seconds)
