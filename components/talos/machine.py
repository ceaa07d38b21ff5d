"""One machine of a platform, as the plan shows it: everything that happens to it beneath its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions
from pulumiverse_talos import machine

from components.aliases import formerly
from core.facts import tokens
from core.facts.secrets import SECRET_OUTPUTS
from core.machineconfig.documents import patches
from core.model import Platform

from .identity import Identity
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
    config: Output[str]
    """The generated config of its role (secret)."""
    guard: Resource
    """What refuses a plan that can't be undone."""
    after: Sequence[Resource] = ()
    """What must be done before its turn to change comes."""


class Machine(ComponentResource):
    """One machine: its identity, its turn, its config, its health, its Talos version, its membership of etcd.

    The last two depend on other machines: `upgrade` and `join` register them once those are known.
    """

    config: machine.ConfigurationApply
    healthy: NodeHealthy
    """Done once the machine is healthy under its config: the next one may change."""

    def __init__(self, name: str, args: MachineArgs, *, parent: Resource) -> None:
        super().__init__("bedplate:talos:Machine", name, None, ResourceOptions(parent=parent))
        self._prefix, self._args, self._parent = name, args, parent
        common = (args.machine, args.platform, args.address, args.client)
        # Identities are checked side by side and before anything else, so that a plan's wrong machines show before
        # any machine is configured.
        identity = Identity(name, *common, self._formerly(name, args.guard))
        turn = MaintenanceTurn(name, *common, self._formerly(f"{name}-turn", identity, *args.after))
        self.config = self._apply(turn)
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

    def _apply(self, turn: MaintenanceTurn) -> machine.ConfigurationApply:
        """The machine's config.

        Without timeouts: the provider's bridge loses that property when it reads the result, and every create fails
        ("map vs object confusion"). The plugin's own deadline is ten minutes.
        """
        args = self._args
        return machine.ConfigurationApply(
            self._prefix,
            node=args.address,
            client_configuration=args.client,
            machine_configuration_input=args.config,
            config_patches=patches(args.platform, args.machine),
            # Maintenance mode refuses every other mode that the provider knows, except reboot.
            apply_mode="auto",
            opts=ResourceOptions.merge(
                self._formerly(self._prefix, turn),
                ResourceOptions(
                    # The provider sees no difference between a machine and another one at a new address, nor between
                    # a machine and the same one installed again, which has lost its config.
                    replace_on_changes=["node"],
                    replacement_trigger=args.platform.machines[args.machine].install.generation,
                    delete_before_replace=True,
                    additional_secret_outputs=list(SECRET_OUTPUTS[tokens.CONFIGURATION_APPLY]),
                ),
            ),
        )

    def _formerly(self, name: str, *depends_on: Resource) -> ResourceOptions:
        """Options of a resource beneath this machine that is beneath the cluster in states of release 0.1.0."""
        opts = ResourceOptions(parent=self, depends_on=list(depends_on))
        return formerly(opts, name=name, parent=self._parent)
