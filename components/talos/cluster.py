"""Talos machines joined into one Kubernetes control plane."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import ComponentResource, Input, InvokeOutputOptions, Output, Resource, ResourceOptions
from pulumiverse_talos import cluster, machine

from core.credentials.expiry import expiry
from core.credentials.talosconfig import talosconfig
from core.machineconfig.documents import credentials, patches
from core.model import Platform

from .bootstrap import Bootstrap
from .change_guard import ChangeGuard
from .decommission import Decommission
from .identity import Identity
from .maintenance import MaintenanceTurn, NodeHealthy
from .material import as_input, authority, old_key, with_old_key
from .member import EtcdMember
from .snapshot import Snapshot
from .talos_version import TalosVersion


@dataclass(frozen=True, kw_only=True)
class TalosArgs:
    platform: Platform
    booted: Mapping[str, Input[str]]
    """Machine to the address at which its Talos API answers."""
    registries: Mapping[str, Mapping[str, Input[str]]] = field(default_factory=dict)
    """Registry to the user and the password that machines have there."""


class Talos(ComponentResource):
    """Configures every machine and bootstraps etcd once; yields the credentials of both APIs."""

    kubeconfig: Output[str]
    talosconfig: Output[str]
    """What talosctl reads."""
    expires: Output[dict[str, str]]
    """When each certificate ends."""
    configurations: Mapping[str, Output[str]]
    """Machine to the config that it gets, PKI and all."""

    def __init__(self, name: str, args: TalosArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:talos:Talos", name, None, opts)
        want = args.platform

        # Losing these loses the cluster, and lowering talos_version would replace them (its provider, PlanModify).
        secrets = machine.Secrets(
            f"{name}-secrets",
            talos_version=want.talos.contract,
            opts=ResourceOptions(
                parent=self,
                protect=True,
                retain_on_delete=True,
                ignore_changes=["talosVersion"],
                additional_secret_outputs=["clientConfiguration", "machineSecrets"],
            ),
        )
        # Any: the SDK types outputs apart from inputs. secret: its provider marks only some leaves.
        client: Any = Output.secret(secrets.client_configuration)
        held: Any = Output.secret(secrets.machine_secrets)
        material: Any = held.apply(as_input)

        def generated(role: str) -> Output[str]:
            made = machine.get_configuration_output(
                cluster_name=want.name,
                cluster_endpoint=want.api,
                machine_type=role,
                machine_secrets=material,
                talos_version=want.talos.contract,
                kubernetes_version=want.talos.kubernetes,
                docs=False,
                examples=False,
                opts=InvokeOutputOptions(parent=self),
            )
            # Beside the PKI and never in a patch: patches are plain in plans.
            key = held.apply(old_key) if role == "controlplane" else ""
            return Output.secret(
                Output.all(base=made.machine_configuration, key=key, registries=args.registries).apply(
                    _with_credentials
                )
            )

        base = {role: generated(role) for role in sorted({m.role for m in want.machines.values()})}

        guard = ChangeGuard(f"{name}-guard", want, client, ResourceOptions(parent=self))
        # Kubernetes moves with configs, the first control plane's first; the OS with releases. Both wait for it.
        saved = Snapshot(f"{name}-snapshot", want, client, ResourceOptions(parent=self, depends_on=[guard]))

        # No timeouts: the bridge loses that property on the way back, and every create fails ("map vs object
        # confusion"). The plugin's own deadline is ten minutes.
        def apply(node: str, after: Resource | None) -> machine.ConfigurationApply:
            # Side by side, and first of all: which machines are the wrong ones shows before any is configured.
            known = Identity(
                f"{name}-{node}",
                node,
                want,
                args.booted[node],
                client,
                ResourceOptions(parent=self, depends_on=[guard]),
            )
            # A dead machine takes no turn, and a control plane none before those before it are well.
            ready = ResourceOptions(parent=self, depends_on=[known, after] if after else [known])
            turn = MaintenanceTurn(f"{name}-{node}-turn", node, want, args.booted[node], client, ready)
            made = machine.ConfigurationApply(
                f"{name}-{node}",
                node=args.booted[node],
                client_configuration=client,
                machine_configuration_input=base[want.machines[node].role],
                config_patches=patches(want, node),
                # Maintenance mode refuses every other mode that its provider knows, but reboot.
                apply_mode="auto",
                opts=ResourceOptions(
                    parent=self,
                    depends_on=[turn],
                    # Its provider sees no difference between a machine and another one at a new address, nor one
                    # that was installed again and has no config any more.
                    replace_on_changes=["node"],
                    replacement_trigger=want.machines[node].install.generation,
                    delete_before_replace=True,
                    additional_secret_outputs=["machineConfiguration"],
                ),
            )
            done = ResourceOptions(parent=self, depends_on=[made])
            settled[node] = NodeHealthy(f"{name}-{node}-settled", node, want, args.booted[node], client, turn, done)
            return made

        settled: dict[str, NodeHealthy] = {}
        applied = {want.first: apply(want.first, saved)}
        first = applied[want.first].node
        # A record from then on: nothing of it is ever a change (its provider, `ignored_in_diff`).
        kept = ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        etcd = Bootstrap(f"{name}-etcd", want, first, client, kept)
        access = cluster.Kubeconfig(
            f"{name}-kubeconfig",
            # Where it is now: it is asked again in the certificate's last month.
            node=first,
            client_configuration=client,
            opts=ResourceOptions(
                parent=self,
                depends_on=[etcd],
                # Of other secrets, its provider would keep the kubeconfig of the old ones until its last month.
                replacement_trigger=Output.unsecret(held.apply(authority)),
                additional_secret_outputs=["kubeconfigRaw", "kubernetesClientConfiguration"],
            ),
        )
        self.kubeconfig = Output.secret(access.kubeconfig_raw)

        def leave(node: str, after: Resource) -> Decommission:
            opts = ResourceOptions(parent=self, depends_on=[guard, access, after])
            return Decommission(f"{name}-{node}-decommission", node, want, client, self.kubeconfig, opts)

        def leaving(role: str, *how: str) -> list[str]:
            return [node for node, spec in want.leaving.items() if spec.role == role and spec.decommission in how]

        # One control plane at a time: applying returns before it has joined, and etcd must never change by more
        # than one member. Workers side by side, but for what takes a turn. A dead one leaves before the others
        # change, and one that is well when they are done.
        before: Resource = etcd
        for node in leaving("controlplane", "lost"):
            before = leave(node, before)
        for node in (want.first, *(plane for plane in want.controlplanes if plane != want.first)):
            if node != want.first:
                applied[node] = apply(node, before)
            if len(want.controlplanes) > 1:
                after = ResourceOptions(parent=self, depends_on=[settled[node], before])
                before = EtcdMember(
                    f"{name}-{node}-member", node, want, applied[node].node, first, client, after, adopted=etcd.adopted
                )
        for node in leaving("controlplane", "wipe"):
            before = leave(node, before)
        for node in want.workers:
            applied[node] = apply(node, etcd)
        # What they ran moves to the others: from one at a time.
        emptied: Resource = etcd
        for node in leaving("worker", "lost", "wipe"):
            emptied = leave(node, emptied)

        # The OS, one machine after the other: control planes first, the one that others wait for last among them.
        turn: Resource = before
        for node in (*(p for p in want.controlplanes if p != want.first), want.first, *want.workers):
            after = ResourceOptions(parent=self, depends_on=[settled[node], turn, saved])
            turn = TalosVersion(f"{name}-{node}", node, want, applied[node].node, client, after)

        dates = Output.all(client, access.kubernetes_client_configuration, held)
        self.expires = Output.unsecret(dates.apply(lambda made: expiry(*made)))
        self.talosconfig = Output.secret(client).apply(lambda made: talosconfig(want, made))
        self.configurations = {node: Output.secret(applied[node].machine_configuration) for node in sorted(applied)}
        self.register_outputs({"kubeconfig": self.kubeconfig, "talosconfig": self.talosconfig})


def _with_credentials(made: Mapping[str, Any]) -> str:
    """A generated config, with the key that its generator leaves out, and who its machine is at registries."""
    base = with_old_key(made["base"], made["key"])
    return "\n---\n".join([base.rstrip("\n"), *map(json.dumps, credentials(made["registries"]))]) + "\n"
