"""Bare metal -> Talos -> Kubernetes -> Cilium -> KubeVirt -> VMs, as one graph.

Read it from top to bottom: each layer is built from what the layers above it made.
"""

import pulumi

from components import (
    Cilium,
    CiliumArgs,
    KubeletCertificates,
    KubeletCertificatesArgs,
    Kubernetes,
    KubernetesArgs,
    KubeVirt,
    KubeVirtArgs,
    Metal,
    MetalArgs,
    Namespace,
    NamespaceArgs,
    Snapshots,
    SnapshotsArgs,
    Talos,
    TalosArgs,
    Vm,
    VmArgs,
    Workload,
    WorkloadArgs,
    load,
)

stack = load(pulumi.Config())
platform = stack.platform

# Bare metal: machines that find Talos when they boot.
metal = Metal("metal", MetalArgs(platform=platform, matchbox=stack.matchbox, bmc=stack.bmc))

# Talos: those machines configured and joined, etcd bootstrapped once.
talos = Talos("talos", TalosArgs(platform=platform, booted=metal.booted, registries=stack.registries))

# Kubernetes: the API, once it answers.
kubernetes = Kubernetes("kubernetes", KubernetesArgs(platform=platform, kubeconfig=talos.kubeconfig))

# Cilium: nodes become Ready, pods can speak.
cilium = Cilium(
    "cilium",
    CiliumArgs(platform=platform, kubernetes=kubernetes.provider, kubeconfig=kubernetes.kubeconfig),
)

# Kubelets that prove who they are: the cluster signs their certificates, and something in it approves that.
if platform.talos.extras.serving_certificates == "cluster":
    KubeletCertificates(
        "kubelet-certificates",
        KubeletCertificatesArgs(platform=platform, kubernetes=kubernetes.provider, network=cilium.ready),
    )

# Namespaces, closed by a policy that Cilium enforces.
namespaces = {
    name: Namespace(name, NamespaceArgs(profile=profile, kubernetes=kubernetes.provider, network=cilium.ready))
    for name, profile in platform.namespaces.items()
}

# Snapshots of etcd, by the cluster itself.
if platform.talos.snapshots.schedule:
    Snapshots("snapshots", SnapshotsArgs(platform=platform, kubernetes=kubernetes.provider, network=cilium.ready))

# Container applications.
workloads = {
    name: Workload(
        name,
        WorkloadArgs(workload=want, kubernetes=kubernetes.provider, namespace=namespaces[want.namespace].closed),
    )
    for name, want in platform.workloads.items()
}

# KubeVirt: the cluster learns what a virtual machine is. Then the machines themselves.
if platform.kubevirt:
    kubevirt = KubeVirt(
        "kubevirt", KubeVirtArgs(platform=platform, kubernetes=kubernetes.provider, network=cilium.ready)
    )
    vms = {
        name: Vm(
            name,
            VmArgs(
                vm=vm,
                migratable=platform.migratable,
                kubernetes=kubernetes.provider,
                namespace=namespaces[vm.namespace].closed,
                hypervisor=kubevirt.installed,
            ),
        )
        for name, vm in platform.vms.items()
    }

pulumi.export("api", platform.api)
pulumi.export("machines", metal.booted)
if metal.dnsmasq:
    pulumi.export("dnsmasq", metal.dnsmasq)
pulumi.export("schematic", platform.schematic_text)
pulumi.export("kubeconfig", talos.kubeconfig)
pulumi.export("talosconfig", talos.talosconfig)
pulumi.export("expires", talos.expires)
