"""Every resource type of ours, by token."""

from .api_ready import ApiReady
from .etcd_member import EtcdMember
from .guard import Guard
from .identity import Identity
from .node_ready import NodeReady
from .power import Power
from .release import Release

RESOURCES = {resource.token: resource for resource in (ApiReady(), EtcdMember(), Guard(), Identity(), NodeReady(), Power(), Release())}
