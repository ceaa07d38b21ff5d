"""Talos machines joined into one Kubernetes control plane."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import ComponentResource, Input, InvokeOutputOptions, Output, Resource, ResourceOptions
from pulumiverse_talos import cluster, machine

from components.platform import Platform

from .documents import credentials, patches
from .expiry import expiry
from .guard import Guard
from .identity import Identity
from .material import as_input
from .member import EtcdMember
from .release import Release
from .snapshot import Snapshot
from .talosconfig import talosconfig


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
        material: Any = Output.secret(secrets.machine_secrets).apply(as_input)

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
            return Output.secret(Output.all(base=made.machine_configuration, registries=args.registries).apply(_with_credentials))

        base = {role: generated(role) for role in sorted({m.role for m in want.machines.values()})}

        guard = Guard(f"{name}-guard", want, ResourceOptions(parent=self))
        # Kubernetes moves with configs, the first control plane's first; the OS with releases. Both wait for it.
        saved = Snapshot(f"{name}-snapshot", want, client, ResourceOptions(parent=self, depends_on=[guard]))

        # No timeouts: the bridge loses that property on the way back, and every create fails ("map vs object
        # confusion"). The plugin's own deadline is ten minutes.
        def apply(node: str, after: Resource | None) -> machine.ConfigurationApply:
            # Side by side, and first of all: which machines are the wrong ones shows before any is configured.
            known = Identity(f"{name}-{node}", node, want, args.booted[node], client, ResourceOptions(parent=self, depends_on=[guard]))
            return machine.ConfigurationApply(
                f"{name}-{node}",
                node=args.booted[node],
                client_configuration=client,
                machine_configuration_input=base[want.machines[node].role],
                config_patches=patches(want, node),
                # Maintenance mode refuses every other mode that its provider knows, but reboot.
                apply_mode="auto",
                opts=ResourceOptions(
                    parent=self,
                    depends_on=[known, after] if after else [known],
                    # Its provider sees no difference between a machine and another one at a new address, nor one
                    # that was installed again and has no config any more.
                    replace_on_changes=["node"],
                    replacement_trigger=want.machines[node].install.generation,
                    delete_before_replace=True,
                    additional_secret_outputs=["machineConfiguration"],
                ),
            )

        applied = {want.first: apply(want.first, saved)}
        etcd = machine.Bootstrap(
            f"{name}-etcd",
            node=applied[want.first].node,
            client_configuration=client,
            opts=ResourceOptions(
                parent=self,
                protect=True,
                retain_on_delete=True,
                # Updating it only rewrites the state, and bootstrapping twice is refused for ten minutes.
                ignore_changes=["node", "endpoint"],
            ),
        )
        # One control plane at a time: applying returns before it has joined, and etcd must never change by more
        # than one member. Workers side by side.
        before: Resource = etcd
        for node in (want.first, *(plane for plane in want.controlplanes if plane != want.first)):
            if node != want.first:
                applied[node] = apply(node, before)
            if len(want.controlplanes) > 1:
                after = ResourceOptions(parent=self, depends_on=[applied[node], before])
                before = EtcdMember(f"{name}-{node}-member", node, want, applied[node].node, etcd.node, client, after)
        for node in want.workers:
            applied[node] = apply(node, etcd)

        # The OS, one machine after the other: control planes first, the one that others wait for last among them.
        turn: Resource = before
        for node in (*(p for p in want.controlplanes if p != want.first), want.first, *want.workers):
            after = ResourceOptions(parent=self, depends_on=[applied[node], turn, saved])
            turn = Release(f"{name}-{node}", node, want, applied[node].node, client, after)

        access = cluster.Kubeconfig(
            f"{name}-kubeconfig",
            node=etcd.node,
            client_configuration=client,
            opts=ResourceOptions(parent=self, additional_secret_outputs=["kubeconfigRaw", "kubernetesClientConfiguration"]),
        )
        self.kubeconfig = Output.secret(access.kubeconfig_raw)
        dates = Output.all(client, access.kubernetes_client_configuration, Output.secret(secrets.machine_secrets))
        self.expires = Output.unsecret(dates.apply(lambda made: expiry(*made)))
        self.talosconfig = Output.secret(client).apply(lambda made: talosconfig(want, made))
        self.configurations = {node: Output.secret(applied[node].machine_configuration) for node in sorted(applied)}
        self.register_outputs({"kubeconfig": self.kubeconfig, "talosconfig": self.talosconfig})


def _with_credentials(made: Mapping[str, Any]) -> str:
    """A generated config and who its machine is at registries, as one config of several documents."""
    return "\n---\n".join([made["base"].rstrip("\n"), *map(json.dumps, credentials(made["registries"]))]) + "\n"
