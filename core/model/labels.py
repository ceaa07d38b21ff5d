"""Labels and taints of nodes, in the forms that Kubernetes accepts."""

from typing import Annotated

from .pattern import Pattern
from .types import ByName

_UNLABELLED = "Kubernetes would refuse to register the node"
_LabelKey = Annotated[
    str,
    Pattern(
        r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
        "a valid label key",
        _UNLABELLED,
        "write e.g. topology.kubernetes.io/zone",
    ),
]
_LabelValue = Annotated[
    str,
    Pattern(
        r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?",
        "a valid label value",
        _UNLABELLED,
        "use at most 63 of A-Z a-z 0-9 _ . -",
    ),
]
_TaintValue = Annotated[
    str,
    Pattern(
        r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?:)?(NoSchedule|PreferNoSchedule|NoExecute)",
        "a valid taint",
        _UNLABELLED,
        "write value:effect or effect, e.g. vms:NoSchedule",
    ),
]

Labels = ByName[_LabelKey, _LabelValue]
Taints = ByName[_LabelKey, _TaintValue]
