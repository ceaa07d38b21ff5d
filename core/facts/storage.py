"""Bedplate's own storage on the machines' disks: its driver, its classes, its images and its folder."""

from .storage_capabilities import Mode

# Source: rancher/local-path-provisioner v0.0.30, main.go, DefaultProvisionerName.
DRIVER = "rancher.io/local-path"
"""The name under which local-path-provisioner makes volumes."""
# Source: github.com/rancher/local-path-provisioner, the newest release of its Go module.
VERSION = "v0.0.30"
"""The release of local-path-provisioner."""
# Source: the same release, deploy/local-path-storage.yaml.
IMAGE = f"docker.io/rancher/local-path-provisioner:{VERSION}"
"""Its image."""
# Source: the same manifest names busybox without a tag; it makes and removes one folder, with mkdir and rm.
HELPER_IMAGE = "docker.io/library/busybox:1.37.0"
"""The image of the pods that it starts on a machine for each volume."""

# Source: the same manifest.
NAMESPACE = "local-path-storage"
"""The namespace of the driver and its pods."""
# Source: core/manifests/local_path.py, which makes both classes.
CLASS = "local"
"""The class of disks, whose volumes stay when their claims are deleted."""
# Source: the same.
SCRATCH_CLASS = "local-scratch"
"""The class of CDI's scratch space, whose volumes go with their claims."""
# Source: rancher/local-path-provisioner v0.0.30, provisioner.go, provisionFor.
MODES = (Mode("ReadWriteOnce", "Filesystem"),)
"""The modes of its volumes: folders of one machine."""

# Source: siderolabs/talos v1.14.1, internal/app/machined/pkg/system/services/kubelet.go: the kubelet sees what is below
# this folder, and can't make anything in it.
VOLUMES = "/var/mnt"
"""Where Talos mounts the volumes of a machine."""
