"""What CDI knows of storage drivers: the modes in which it makes disks where nothing else names them.

CDI looks a StorageClass up by its driver, and for some drivers by its parameters. Of a driver that is not here it knows
nothing: a disk then needs its modes from a StorageProfile or from itself.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Mode(NamedTuple):
    """One way in which a volume can be used."""

    access: str
    """ReadWriteOnce, ReadWriteMany or ReadOnlyMany."""
    volume: str
    """Block or Filesystem."""

    def __str__(self) -> str:
        return f"{SHORT[self.access]} {self.volume}"


# Source: Kubernetes documentation, "Persistent Volumes", access modes.
SHORT: Mapping[str, str] = MappingProxyType(
    {
        "ReadWriteOnce": "RWO",
        "ReadWriteMany": "RWX",
        "ReadOnlyMany": "ROX",
    }
)
"""Access mode to its short name, as kubectl prints it."""
_LONG = {short: access for access, short in SHORT.items()}


def mode(text: str) -> Mode:
    """The mode that is written as RWX Block. Raises KeyError for another access mode, ValueError for another form."""
    short, volume = text.split(" ")
    return Mode(_LONG[short], volume)


def _modes(*texts: str) -> tuple[Mode, ...]:
    return tuple(mode(text) for text in texts)


_RWO_FILE = _modes("RWO Filesystem")
_RWO_BLOCK = _modes("RWO Block")
_RWO = _modes("RWO Block", "RWO Filesystem")
_RWX_FILE = _modes("RWX Filesystem")
_FILE = _modes("RWX Filesystem", "RWO Filesystem")
_EACH_FILE = _modes("RWX Filesystem", "RWO Filesystem", "ROX Filesystem")
_SHARED_BLOCK = _modes("RWX Block", "RWO Block", "RWO Filesystem")
_EACH_BLOCK = (*_SHARED_BLOCK, *_modes("ROX Block"))
_NO_SHARED_FILE = (*_EACH_BLOCK, *_modes("ROX Filesystem"))
_ANY = _modes("RWX Block", "RWX Filesystem", "RWO Block", "RWO Filesystem")

# Source: kubevirt/containerized-data-importer v1.65.0, pkg/storagecapabilities/storagecapabilities.go,
# CapabilitiesByProvisionerKey. The first mode is the one that CDI takes.
CAPABILITIES: Mapping[str, tuple[Mode, ...]] = MappingProxyType(
    {
        "kubevirt.io.hostpath-provisioner": _RWO_FILE,
        "kubevirt.io.hostpath-provisioner/overlay": _RWX_FILE,
        "kubevirt.io/hostpath-provisioner": _RWO_FILE,
        "k8s.io/minikube-hostpath": _RWO_FILE,
        "nfs.csi.k8s.io": _RWX_FILE,
        "k8s-sigs.io/nfs-subdir-external-provisioner": _RWX_FILE,
        "kubernetes.io/rbd": _SHARED_BLOCK,
        "rbd.csi.ceph.com": _SHARED_BLOCK,
        "rook-ceph.rbd.csi.ceph.com": _SHARED_BLOCK,
        "openshift-storage.rbd.csi.ceph.com": _SHARED_BLOCK,
        "cephfs.csi.ceph.com": _FILE,
        "rook-ceph.cephfs.csi.ceph.com": _FILE,
        "openshift-storage.cephfs.csi.ceph.com": _FILE,
        "linstor.csi.linbit.com": _NO_SHARED_FILE,
        "csi-unity.dellemc.com": _NO_SHARED_FILE,
        "csi-unity.dellemc.com/nfs": _EACH_FILE,
        "csi-vxflexos.dellemc.com": _NO_SHARED_FILE,
        "csi-vxflexos.dellemc.com/nfs": _EACH_FILE,
        "csi-isilon.dellemc.com": _EACH_FILE,
        "csi-powermax.dellemc.com": _EACH_BLOCK,
        "csi-powermax.dellemc.com/nfs": _EACH_FILE,
        "csi-powerstore.dellemc.com": _EACH_BLOCK,
        "csi-powerstore.dellemc.com/nfs": _EACH_FILE,
        "kubernetes.io/storageos": _RWO_FILE,
        "storageos": _RWO_FILE,
        "kubernetes.io/aws-ebs": _RWO_BLOCK,
        "ebs.csi.aws.com": _RWO_BLOCK,
        "ebs.csi.aws.com/io1": _RWO_BLOCK,
        "ebs.csi.aws.com/io2": _SHARED_BLOCK,
        "ebs.csi.aws.com/gp": _RWO_BLOCK,
        "efs.csi.aws.com": _FILE,
        "kubernetes.io/azure-disk": _RWO_BLOCK,
        "disk.csi.azure.com": _RWO_BLOCK,
        "kubernetes.io/azure-file": _RWX_FILE,
        "file.csi.azure.com": _RWX_FILE,
        "kubernetes.io/gce-pd": _RWO,
        "pd.csi.storage.gke.io": _RWO,
        "pd.csi.storage.gke.io/hyperdisk": _SHARED_BLOCK,
        "hspc.csi.hitachi.com": _SHARED_BLOCK,
        "csi.hpe.com": _SHARED_BLOCK,
        "spectrumscale.csi.ibm.com": _FILE,
        "block.csi.ibm.com": _SHARED_BLOCK,
        "vpc.block.csi.ibm.io": _RWO,
        "kubernetes.io/portworx-volume/nfs": _FILE,
        "kubernetes.io/portworx-volume": _ANY,
        "pxd.portworx.com/nfs": _FILE,
        "pxd.portworx.com": _ANY,
        "pxd.portworx.com/pure_block": _SHARED_BLOCK,
        "pxd.portworx.com/pure_fa_file": _FILE,
        "csi.trident.netapp.io/ontap-nas": _FILE,
        "csi.trident.netapp.io/ontap-san": _modes("RWX Block"),
        "csi.trident.netapp.io/gcnv-flex": _FILE,
        "topolvm.cybozu.com": _RWO,
        "topolvm.io": _RWO,
        "cinder.csi.openstack.org": _RWO,
        "manila.csi.openstack.org": _RWX_FILE,
        "csi.ovirt.org": _RWO,
        "infinibox-csi-driver/iscsiorfibrechannel": _SHARED_BLOCK,
        "infinibox-csi-driver/nvme": _SHARED_BLOCK,
        "infinibox-csi-driver/nfs": _FILE,
        "csi.vsphere.vmware.com": _RWO,
        "csi.vsphere.vmware.com/nfs": (*_RWX_FILE, *_RWO),
        "csi.huawei.com": _NO_SHARED_FILE,
        "csi.huawei.com/nfs": _EACH_FILE,
        "kubesan.gitlab.io": _modes("RWX Block", "ROX Block", "RWO Block", "RWO Filesystem"),
        "driver.longhorn.io": _RWO_BLOCK,
        "driver.longhorn.io/migratable": _modes("RWX Block", "RWO Block"),
        "driver.longhorn.io/nfs": _FILE,
        "driver.longhorn.io/fs": _RWO_FILE,
        "blockvolume.csi.oraclecloud.com": _SHARED_BLOCK,
        "csi.san.synology.com/iscsi": _SHARED_BLOCK,
        "csi.san.synology.com/nfs": _FILE,
        "csi.san.synology.com/smb": _FILE,
    }
)
"""What CDI looks a class up by to its modes, the default first."""

# Source: the same.
LONGHORN = "driver.longhorn.io"
"""Longhorn's driver."""
# Source: the same file, UnsupportedProvisioners: object storage, and drivers that make no volumes by themselves.
UNSUPPORTED = frozenset(
    {
        "openshift-storage.noobaa.io/obc",
        "openshift-storage.ceph.rook.io/bucket",
        "rook-ceph.ceph.rook.io/bucket",
        "stork-snapshot",
        "kubernetes.io/no-provisioner",
    }
)
"""Drivers in whose classes CDI makes no disks."""

Parameters = Mapping[str, str]
_NONE: Parameters = MappingProxyType({})


def _by(name: str, kinds: Mapping[str, str], other: str | None = "", lower: bool = False) -> Callable[..., str | None]:
    """What a class is looked up by, if one parameter decides: its value to what follows the driver's name.

    other: for any other value; None if CDI then knows nothing.
    """

    def suffix(parameters: Parameters) -> str | None:
        value = parameters.get(name, "")
        return kinds.get(value.lower() if lower else value, other)

    return suffix


def _portworx(parameters: Parameters) -> str:
    options = parameters.get("sharedv4_mount_options", "").split(",")
    return "/nfs" if "vers=3.0" in options and "nolock" in options else ""


def _portworx_csi(parameters: Parameters) -> str:
    backend = parameters.get("backend")
    if backend is None:
        return _portworx(parameters)
    return f"/{backend}" if backend in ("pure_block", "pure_fa_file") else ""


def _trident(parameters: Parameters) -> str | None:
    backend = parameters.get("backendType", "")
    for kind in ("ontap-nas", "ontap-san"):
        if backend.startswith(kind):
            return f"/{kind}"
    flexible = "performance=flex" in re.split(r"\s*[;,]\s*", parameters.get("selector", ""))
    return "/gcnv-flex" if backend == "google-cloud-netapp-volumes" and flexible else None


def _longhorn(parameters: Parameters) -> str:
    if parameters.get("migratable") == "true":
        return "/migratable"
    if parameters.get("nfsOptions"):
        return "/nfs"
    return "/fs" if parameters.get("fsType") else ""


_NFS_FILE_SYSTEM = _by("csi.storage.k8s.io/fstype", {"nfs": "/nfs"}, lower=True)
_DELL_NFS = ("csi-powerstore.dellemc.com", "csi-vxflexos.dellemc.com", "csi-powermax.dellemc.com")
# Source: the same file, storageClassToProvisionerKeyMapper.
_SUFFIXES: Mapping[str, Callable[[Parameters], str | None]] = {
    "kubevirt.io.hostpath-provisioner": lambda parameters: "/overlay" if "overlayCSI" in parameters else "",
    "kubernetes.io/portworx-volume": _portworx,
    "pxd.portworx.com": _portworx_csi,
    "csi.trident.netapp.io": _trident,
    "infinibox-csi-driver": _by(
        "storage_protocol",
        {
            **dict.fromkeys(("iscsi", "fc"), "/iscsiorfibrechannel"),
            "nvme": "/nvme",
            **dict.fromkeys(("nfs", "nfs_treeq"), "/nfs"),
        },
        other=None,
    ),
    "csi.vsphere.vmware.com": lambda parameters: (
        "/nfs" if "nfs" in parameters.get("csi.storage.k8s.io/fstype", "").lower() else ""
    ),
    "csi-unity.dellemc.com": _by("protocol", {"nfs": "/nfs"}, lower=True),
    **dict.fromkeys(_DELL_NFS, _NFS_FILE_SYSTEM),
    "csi.huawei.com": _by("protocol", {"nfs": "/nfs"}),
    "driver.longhorn.io": _longhorn,
    "ebs.csi.aws.com": _by("type", {"io1": "/io1", "io2": "/io2", "gp2": "/gp", "gp3": "/gp"}),
    "pd.csi.storage.gke.io": _by(
        "type", dict.fromkeys(("hyperdisk-balanced", "hyperdisk-balanced-high-availability"), "/hyperdisk")
    ),
    "csi.san.synology.com": _by(
        "protocol",
        {**dict.fromkeys(("iscsi", ""), "/iscsi"), "smb": "/smb", **dict.fromkeys(("nfs", "nfs_treeq"), "/nfs")},
        other=None,
    ),
}


def capabilities(provisioner: str, parameters: Parameters = _NONE) -> tuple[Mode, ...]:
    """The modes that CDI knows of a class with this driver and these parameters, the default first; empty if none."""
    suffix = _SUFFIXES[provisioner](parameters) if provisioner in _SUFFIXES else ""
    return () if suffix is None else CAPABILITIES.get(f"{provisioner}{suffix}", ())


def depends_on_parameters(provisioner: str) -> bool:
    """Whether CDI looks at the parameters of this driver's classes, and not at the driver alone."""
    return provisioner in _SUFFIXES
