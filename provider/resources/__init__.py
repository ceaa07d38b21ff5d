"""Every resource type of our own, by token."""

from provider.resource import Resource

from .api_ready import ApiReady
from .boot_journal import BootJournal
from .boot_permit import BootPermit
from .bootstrap import Bootstrap
from .change_guard import ChangeGuard
from .chart import Chart
from .decommission import Decommission
from .etcd_member import EtcdMember
from .golden_image import GoldenImage
from .identity import Identity
from .kubeconfig import Kubeconfig
from .machine_config import MachineConfig
from .maintenance_turn import MaintenanceTurn
from .manual_boot import ManualBoot
from .node_healthy import NodeHealthy
from .node_ready import NodeReady
from .node_settings import NodeSettings
from .power import Power
from .snapshot import Snapshot
from .talos_version import TalosVersion
from .vm_disk import VmDisk

_TYPES: tuple[type[Resource], ...] = (
    ApiReady,
    BootJournal,
    BootPermit,
    Bootstrap,
    ChangeGuard,
    Chart,
    Decommission,
    EtcdMember,
    GoldenImage,
    Identity,
    Kubeconfig,
    MachineConfig,
    MaintenanceTurn,
    ManualBoot,
    NodeHealthy,
    NodeReady,
    NodeSettings,
    Power,
    Snapshot,
    TalosVersion,
    VmDisk,
)
RESOURCES = {kind.contract.token: kind() for kind in _TYPES}
