"""One machine of a platform, as the plan shows it: everything that happens to it beneath its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.aliases import formerly, formerly_plugins
from core.facts import tokens
from core.model import Platform

from .identity import Identity
from .machine_config import MachineConfig
from .maintenance import MaintenanceTurn, NodeHealthy
from .member import EtcdMember
from .talos_version import TalosVersion


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    """What a machine is configured with, and what has to happen first."""

    platform: Platform
    machine: str
    """Its name in the stack file."""
    address: Input[str]
    """Where its Talos API answers."""
    client: Any
    """The client of the Talos API (secret)."""
    pki: Output[list[str]]
    """The PKI of its role and its registry credentials, as documents in JSON (secret)."""
    serials: Input[list[str]] | None = None
    """The two serial numbers that its BMC reports, or none; None without a BMC."""
    guard: Resource
    """What refuses a plan that can't be undone."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret of the stack file."""
    after: Sequence[Resource] = ()
    """What must be done before its turn to change comes."""


class Machine(ComponentResource):
    """One machine: its identity, its turn, its config, its health, its Talos version, its membership of etcd.

    The last two depend on other machines: `upgrade` and `join` register them once those are known.
    """

    config: MachineConfig
    healthy: NodeHealthy
    """Done once the machine is healthy under its config: the next one may change."""

    def __init__(self, name: str, args: MachineArgs, *, parent: Resource) -> None:
        super().__init__("bedplate:talos:Machine", name, None, ResourceOptions(parent=parent))
        self._prefix, self._args, self._parent = name, args, parent
        common = (args.machine, args.platform, args.address, args.client)
        # Identities are checked side by side and before anything else, so that a plan's wrong machines show before
        # any machine is configured.
        opts = self._formerly(name, args.guard)
        identity = Identity(name, *common, opts, secrets=args.secrets, serials=args.serials)
        opts = self._formerly(f"{name}-turn", identity, *args.after)
        turn = MaintenanceTurn(name, *common, opts, secrets=args.secrets)
        opts = self._configures(turn)
        self.config = MachineConfig(name, *common, identity, args.pki, opts, secrets=args.secrets, serials=args.serials)
        self.healthy = NodeHealthy(name, *common, turn, self._formerly(f"{name}-settled", self.config))
        self.register_outputs({})

    def join(self, *, ask: Input[str], adopted: Input[bool], after: Sequence[Resource]) -> EtcdMember:
        """Done once this control plane has a vote in etcd.

        ask: the address of the member that is queried. adopted: whether etcd ran before this program.
        """
        args, opts = self._args, self._formerly(f"{self._prefix}-member", self.healthy, *after)
        return EtcdMember(
            self._prefix, args.machine, args.platform, self.config.node, ask, args.client, opts, adopted=adopted
        )

    def upgrade(self, after: Sequence[Resource]) -> TalosVersion:
        """Done once the machine runs the platform's Talos version."""
        args, opts = self._args, self._formerly(self._prefix, self.healthy, *after)
        return TalosVersion(self._prefix, args.machine, args.platform, self.config.node, args.client, opts)

    def _configures(self, turn: MaintenanceTurn) -> ResourceOptions:
        """Options of the config, which is the Talos plugin's resource in older states, beneath the cluster at first.

        A replacement forgets the record before it makes another, so that the provider knows of the config before.
        """
        opts = ResourceOptions(parent=self, depends_on=[turn], delete_before_replace=True)
        return formerly_plugins(opts, token=tokens.CONFIGURATION_APPLY, parents=[self, self._parent])

    def _formerly(self, name: str, *depends_on: Resource) -> ResourceOptions:
        """Options of a resource beneath this machine that is beneath the cluster in states of release 0.1.0."""
        opts = ResourceOptions(parent=self, depends_on=list(depends_on))
        return formerly(opts, name=name, parent=self._parent)
