"""Multus, which connects pods of VMs to networks of the site, and the CNI plugins that it calls."""

# Source: gopkg.in/k8snetworkplumbingwg/multus-cni.v4, the newest release of its Go module.
VERSION = "v4.3.0"
"""The release of Multus."""
# Source: the same release, images/Dockerfile.thick; releases have the suffix -thick for it.
IMAGE = f"ghcr.io/k8snetworkplumbingwg/multus-cni:{VERSION}-thick"
"""Its image."""
# Source: core/manifests/multus.py, which makes it.
NAMESPACE = "multus"
"""The namespace of its pods."""
# Source: multus-cni#1346 and siderolabs/talos#12463: after a restart of a machine with many pods, 50Mi and 150Mi are
# exceeded, and no pod of the machine starts.
MEMORY = "512Mi"
"""The memory that its pod on each machine may use."""
# Source: siderolabs/talos v1.12.0 and v1.14.1, Dockerfile: Talos has this plugin, and nft, by which the plugin drops
# packets with a MAC that is not the VM's.
PLUGIN = "bridge"
"""The CNI plugin that connects a pod to a bridge."""
# Source: cilium/cilium, plugins/cilium-cni: Cilium's own configuration has it, and Multus' may not be older or newer.
CNI_VERSION = "0.3.1"
"""The version of the configuration of Multus and of networks."""
