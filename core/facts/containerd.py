"""What may be set in the part of containerd's configuration that people add to Talos' own."""

# Source: containerd docs/cri/config.md (2.x); siderolabs/talos hack/cri-plugin.part, internal/pkg/cri. NRI and others
# open sockets, through which a pod with that socket changes every container.
PLUGIN = (
    r"io\.containerd\.(cri\.v1\.(images|runtime)|snapshotter\.v1\.[a-z0-9][a-z0-9-]*|gc\.v1\.scheduler"
    r"|transfer\.v1\.local)"
)
"""Plugins that a stack file may configure."""

# Source: core/machineconfig/documents: the fields that write these.
OWNED = {"registry": "registries", "device_ownership_from_security_context": "talos.block_volumes"}
"""Setting to the section of the stack file that sets it."""

# Source: containerd docs/cri/config.md.
LOOSE = {
    "disable_apparmor": "pods would run without their AppArmor profile",
    "enable_selinux": "Talos labels its files for the setting that it makes itself",
    "unset_seccomp_profile": "pods without a profile would run without the runtime's default one (CIS 5.6.2)",
    "disable_proc_mount": "it exposes parts of /proc to pods that Kubernetes keeps from them",
    "disable_cgroup": "pods would run without limits",
    "cni": "the paths of the pod network are Cilium's and Talos'",
}
"""Setting to the reason why no stack file may set it."""

# Source: siderolabs/talos pkg/machinery/constants, CRICustomizationConfigPart.
PART = "/etc/cri/conf.d/20-customization.part"
"""The one file in which Talos takes settings up to contract v1.13."""
