"""Talos machines joined into one Kubernetes control plane: which machine is changed when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.aliases import formerly
from core.credentials.expiry import expiry
from core.credentials.talosconfig import talosconfig
from core.model import Platform

from .bootstrap import Bootstrap
from .change_guard import ChangeGuard
from .decommission import Decommission
from .kubeconfig import Kubeconfig
from .machine import Machine, MachineArgs
from .pki import Pki
from .snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class TalosArgs:
    """The platform, and where its machines answer."""

    platform: Platform
    booted: Mapping[str, Input[str]]
    """Machine to the address at which its Talos API answers."""
    serials: Mapping[str, Input[list[str]]] = field(default_factory=dict)
    """Machine to the two serial numbers that its BMC reports, or none."""
    registries: Mapping[str, Mapping[str, Input[str]]] = field(default_factory=dict)
    """Registry host to its `username` and `password`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret of the stack file."""


class Talos(ComponentResource):
    """Configures every machine and bootstraps etcd once; yields the credentials of both APIs.

    Control planes change one after the other, because applying a config returns before the machine has joined, and
    etcd must never change by more than one member. Workers change side by side, except for what takes a turn. A dead
    machine leaves before the others change, and a healthy one after them.
    """

    kubeconfig: Output[str]
    talosconfig: Output[str]
    """The file that talosctl reads."""
    expires: Output[dict[str, str]]
    """Credential to the date on which its certificate ends."""
    configured: Mapping[str, Resource]
    """Machine to what is done once it has its config, and is healthy with it."""
    configurations: Mapping[str, Output[str]]
    """Machine to its whole config, secrets included."""

    def __init__(self, name: str, args: TalosArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:talos:Talos", name, None, opts)
        self._prefix, self._args, platform = name, args, args.platform
        self._pki = Pki(name, platform, self)
        roles = sorted({spec.role for spec in platform.machines.values()})
        self._pki_of = {role: self._pki.documents(role, args.registries) for role in roles}
        self._guard = ChangeGuard(f"{name}-guard", platform, self._pki.client, ResourceOptions(parent=self))
        # A config may upgrade Kubernetes, and the bootstrapped control plane gets its config first, so
        # this config waits for the snapshot, as Talos upgrades do.
        opts = ResourceOptions(parent=self, depends_on=[self._guard])
        self._saved = Snapshot(f"{name}-snapshot", platform, self._pki.client, opts)
        self._machines = {platform.first: self._machine(platform.first, self._saved)}
        self._first = self._machines[platform.first].config.node
        # Once created, this resource never diffs: its provider ignores changes to every input.
        opts = ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        self._etcd = Bootstrap(f"{name}-etcd", platform, self._first, self._pki.client, opts)
        # Only once etcd is bootstrapped: whoever has a kubeconfig expects an API.
        opts = ResourceOptions(parent=self, depends_on=[self._etcd])
        self._access = Kubeconfig(f"{name}-kubeconfig", platform, self._pki.secrets, self, opts)
        self.kubeconfig = self._access.kubeconfig
        last = self._change_controlplanes()
        self._change_workers()
        self._upgrade(last)
        self._hand_out()
        self.register_outputs({"kubeconfig": self.kubeconfig, "talosconfig": self.talosconfig})

    def _machine(self, node: str, after: Resource) -> Machine:
        args = MachineArgs(
            platform=self._args.platform,
            machine=node,
            address=self._args.booted[node],
            serials=self._args.serials.get(node),
            client=self._pki.client,
            pki=self._pki_of[self._args.platform.machines[node].role],
            secrets=self._args.secrets,
            guard=self._guard,
            after=[after],
        )
        return Machine(f"{self._prefix}-{node}", args, parent=self)

    def _change_controlplanes(self) -> Resource:
        """Change one control plane at a time, the bootstrapped one first. Returns the resource that is done last."""
        platform = self._args.platform
        last = self._decommission("controlplane", ("lost",), self._etcd)
        for node in (platform.first, *_others(platform)):
            if node != platform.first:
                self._machines[node] = self._machine(node, last)
            if len(platform.controlplanes) > 1:
                last = self._machines[node].join(ask=self._first, adopted=self._etcd.adopted, after=[last])
        return self._decommission("controlplane", ("wipe",), last)

    def _change_workers(self) -> None:
        """Change workers in parallel; decommission workers one by one, because their pods move to other workers."""
        for node in self._args.platform.workers:
            self._machines[node] = self._machine(node, self._etcd)
        self._decommission("worker", ("lost", "wipe"), self._etcd)

    def _decommission(self, role: str, how: tuple[str, ...], after: Resource) -> Resource:
        """The machines of a role that leave in one of these ways, one by one; returns the last one, or `after`."""
        platform = self._args.platform
        for node, spec in platform.leaving.items():
            if spec.role == role and spec.decommission in how:
                opts = ResourceOptions(parent=self, depends_on=[self._guard, self._access, after])
                opts = formerly(opts, name=f"{self._prefix}-{node}-decommission")
                after = Decommission(f"{self._prefix}-{node}", node, platform, self._pki.client, self.kubeconfig, opts)
        return after

    def _upgrade(self, after: Resource) -> None:
        """Upgrade Talos on one machine after the other; the bootstrapped control plane is the last control plane."""
        platform = self._args.platform
        for node in (*_others(platform), platform.first, *platform.workers):
            after = self._machines[node].upgrade([after, self._saved])

    def _hand_out(self) -> None:
        """Set the outputs: the credentials of both APIs, their expiry and the machine configs."""
        platform, client = self._args.platform, self._pki.client
        dates = Output.all(client, self.kubeconfig, self._pki.secrets)
        self.expires = Output.unsecret(dates.apply(lambda known: expiry(*known)))
        self.talosconfig = client.apply(lambda known: talosconfig(platform, known))
        self.configured = {node: self._machines[node].healthy for node in self._args.platform.machines}
        self.configurations = {
            node: Output.secret(self._machines[node].config.machineConfiguration) for node in sorted(self._machines)
        }


def _others(platform: Platform) -> list[str]:
    """The control planes except the one that is bootstrapped."""
    return [plane for plane in platform.controlplanes if plane != platform.first]
