"""Machines that leave: gRPC servers with mTLS that speak Talos' messages, and a server that keeps Nodes and pods."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import grpc

from clients import talos
from provider.resources import RESOURCES
from tests.provider.certificates import Pki
from tests.provider.kubernetes_server import Cluster, pod
from tests.provider.talos_server import TalosServer, unary

KIND = RESOURCES["bedplate-native:talos:Decommission"]


class Machine(TalosServer):
    """One machine of a world: it answers until it was told to erase itself."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.on = world, name, True
        calls: dict[str, tuple[Callable[[Any], Any], str]] = {
            "Version": (lambda asked: talos.MESSAGES["VersionResponse"](), "Empty"),
            "EtcdMemberList": (self.members, "EtcdMemberListRequest"),
            "EtcdLeaveCluster": (self.leave, "EtcdLeaveClusterRequest"),
            "EtcdRemoveMemberByID": (self.remove, "EtcdRemoveMemberByIDRequest"),
            "Reset": (self.reset, "ResetRequest"),
        }
        handlers = {
            method: unary(self.while_on(answer), request, f"{method}Response")
            for method, (answer, request) in calls.items()
        }
        super().__init__(world.pki, {"machine.MachineService": handlers})

    def while_on(self, answer: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        """The same answer while the machine is on."""

        def call(asked: Any, context: Any) -> Any:
            if not self.on:
                context.abort(grpc.StatusCode.UNAVAILABLE, "it is off")
            try:
                return answer(asked)
            except ValueError as wrong:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(wrong))

        return call

    def members(self, asked: Any) -> Any:
        """The members of etcd."""
        answer = talos.MESSAGES["EtcdMemberListResponse"]()
        told = answer.messages.add().members
        for name, number in self.world.members.items():
            told.add(id=number, hostname=name, peer_urls=[f"https://10.0.0.{number}:2380"])
        return answer

    def leave(self, asked: Any) -> Any:
        """The machine leaves etcd."""
        self.world.does(
            f"{self.name} leaves etcd", allowed=self.name in self.world.members and self.world.empty(self.name)
        )
        self.world.members.pop(self.name, None)
        return talos.MESSAGES["EtcdLeaveClusterResponse"]()

    def remove(self, asked: Any) -> Any:
        """Another member is removed."""
        name = {number: name for name, number in self.world.members.items()}[asked.member_id]
        self.world.does(f"{self.name} takes {name} out of etcd", allowed=not self.world.machines[name].on)
        self.world.members.pop(name)
        return talos.MESSAGES["EtcdRemoveMemberByIDResponse"]()

    def reset(self, asked: Any) -> Any:
        """The machine is erased."""
        assert (asked.graceful, asked.reboot, asked.mode) == (False, False, talos.SYSTEM_DISK)
        self.world.does(
            f"{self.name} is erased", allowed=self.name not in self.world.members and self.world.empty(self.name)
        )
        self.on = self.world.stubborn
        return talos.MESSAGES["ResetResponse"]()


class World:
    """Machines, their etcd and their cluster; what is done in a wrong order, or twice, is kept as harm."""

    def __init__(
        self, folder: Path, leaves: str, controlplanes: int = 3, pods: Iterable[str] = ("web-1", "web-2")
    ) -> None:
        self.pki, self.stubborn = Pki(), False
        self.done: list[str] = []
        self.harm: list[str] = []
        self.members = {f"cp-{n}": n for n in range(1, controlplanes + 1)}
        self.well = set(self.members)
        self.cluster = Cluster(folder, [pod(name) for name in pods], node=leaves)
        self.leaves = leaves
        self.machines: dict[str, Machine] = {
            name: Machine(self, name) for name in [*self.members, *([] if leaves in self.members else [leaves])]
        }

    def empty(self, name: str) -> bool:
        """Whether the node is cordoned and runs nothing."""
        node = self.cluster.nodes.get(name)
        return not self.cluster.pods and (node is None or node["spec"].get("unschedulable") is True)

    def does(self, what: str, allowed: bool) -> None:
        """Record what is done."""
        (self.done if allowed and what not in self.done else self.harm).append(what)

    def inputs(self, how: str = "wipe", seconds: float = 8.0) -> dict[str, Any]:
        """The inputs of the machine's Decommission, by name."""
        at = self.machines[self.leaves]
        return {
            "machine": self.leaves,
            "node": at.address,
            "how": how,
            "controlplane": self.leaves.startswith("cp"),
            "clientConfiguration": at.client(),
            "others": {name: self.machines[name].address for name in self.members if name != self.leaves},
            "kubeconfig": self.cluster.kubeconfig(),
            "timeoutSeconds": seconds,
        }

    def state(self) -> dict[str, Any]:
        """What is left: members, nodes, pods, whether the machine is on, and harm."""
        return {
            "members": dict(self.members),
            "nodes": set(self.cluster.nodes),
            "pods": set(self.cluster.pods),
            "on": self.machines[self.leaves].on,
            "harm": self.harm,
        }

    def end(self) -> None:
        """Stop every server."""
        for machine in self.machines.values():
            machine.server.stop(0)
        self.cluster.server.shutdown()
        self.cluster.server.server_close()


def create(inputs: dict[str, Any], said: list[str] | None = None) -> tuple[str, dict[str, Any]]:
    """The id and the outputs of a Decommission."""
    return asyncio.run(KIND.create(inputs, said.append if said is not None else lambda text: None))
