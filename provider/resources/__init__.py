"""Every resource type of ours, by token."""

from .api_ready import ApiReady
from .by_hand import ByHand
from .etcd_member import EtcdMember
from .guard import Guard
from .identity import Identity
from .node_ready import NodeReady
from .permit import Permit
from .power import Power
from .release import Release
from .snapshot import Snapshot

_KINDS = (ApiReady, ByHand, EtcdMember, Guard, Identity, NodeReady, Permit, Power, Release, Snapshot)
RESOURCES = {kind.token: kind() for kind in _KINDS}
