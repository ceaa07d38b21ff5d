"""Bare metal -> Talos -> Kubernetes -> Cilium -> KubeVirt -> VMs, as one graph.

Read it from top to bottom: each layer is built from what the layers above it made.
"""

import pulumi

import components as bedplate

stack = bedplate.load(pulumi.Config())
platform = stack.platform

# Bare metal: machines that boot Talos.
metal = bedplate.Metal("metal", bedplate.MetalArgs(platform=platform, matchbox=stack.matchbox, bmc=stack.bmc))

# Talos: those machines configured and joined, etcd bootstrapped once.
on_metal = bedplate.TalosArgs(
    platform=platform, booted=metal.booted, serials=metal.serials, registries=stack.registries, secrets=stack.sealed
)
talos = bedplate.Talos("talos", on_metal)

# Kubernetes: the API, once it answers. Cilium: nodes become Ready, pods reach each other.
kubernetes = bedplate.Kubernetes("kubernetes", bedplate.KubernetesArgs(platform=platform, kubeconfig=talos.kubeconfig))
api, access = kubernetes.provider, kubernetes.kubeconfig
network = bedplate.CiliumArgs(platform=platform, kubernetes=api, kubeconfig=access, secrets=stack.sealed)
cilium = bedplate.Cilium("cilium", network)
cluster = bedplate.Cluster(platform=platform, api=kubernetes, network=cilium.ready)

# Nodes: labels, taints and annotations, read back from the API, and set there where a kubelet may not.
bedplate.Nodes("nodes", bedplate.NodesArgs(platform=platform, kubeconfig=kubernetes.kubeconfig, after=talos.configured))

# Kubelets' serving certificates, signed by the cluster. Snapshots of etcd, taken by the cluster.
if platform.talos.hardening.serving_certificates == "cluster":
    bedplate.KubeletCertificates("kubelet-certificates", cluster)
if platform.talos.snapshots.schedule:
    bedplate.Snapshots("snapshots", cluster)

# Namespaces, closed by a policy that Cilium enforces. Container applications in them.
# Those of virtual machines stay in the cluster, because Kubernetes deletes claims and their data with a namespace.
closed = {}
of_guests = {vm.namespace for vm in platform.vms.values()}
for name, profile in platform.namespaces.items():
    how = bedplate.NamespaceArgs(cluster=cluster, profile=profile, kept=name in of_guests)
    closed[name] = bedplate.Namespace(name, how).closed
for name, want in platform.workloads.items():
    bedplate.Workload(name, bedplate.WorkloadArgs(cluster=cluster, workload=want, namespace=closed[want.namespace]))

# Storage: classes of volumes, and CDI, which fills disks. KubeVirt, networks of the site, and the virtual machines.
volumes = bedplate.volumes(cluster)
if platform.kubevirt:
    hypervisor = bedplate.KubeVirt("kubevirt", cluster).installed
    beneath = bedplate.beneath(cluster, hypervisor, volumes, closed)
    for name, vm in platform.vms.items():
        space = closed[vm.namespace]
        on = bedplate.VmArgs(cluster=cluster, vm=vm, namespace=space, beneath=beneath, secrets=stack.sealed)
        bedplate.Vm(name, on)

pulumi.export("api", platform.api)
pulumi.export("machines", metal.booted)
if metal.dnsmasq:
    pulumi.export("dnsmasq", metal.dnsmasq)
credentials = {output: getattr(talos, output) for output in ("kubeconfig", "talosconfig", "expires")}
for output, value in {**platform.uploads, **credentials}.items():
    pulumi.export(output, value)
