"""Every resource type of ours, by token."""

from .api_ready import ApiReady
from .bootstrap import Bootstrap
from .by_hand import ByHand
from .decommission import Decommission
from .etcd_member import EtcdMember
from .guard import Guard
from .identity import Identity
from .node_ready import NodeReady
from .permit import Permit
from .power import Power
from .release import Release
from .settled import Settled
from .snapshot import Snapshot
from .turn import Turn

_KINDS = (
    ApiReady,
    Bootstrap,
    ByHand,
    Decommission,
    EtcdMember,
    Guard,
    Identity,
    NodeReady,
    Permit,
    Power,
    Release,
    Settled,
    Snapshot,
    Turn,
)
RESOURCES = {kind.token: kind() for kind in _KINDS}
