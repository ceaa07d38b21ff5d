"""Labels and taints of nodes, in the forms that Kubernetes accepts."""

import re
from typing import Annotated

from .pattern import Pattern
from .types import ByName

_UNLABELLED = "Kubernetes would refuse to register the node"
# Source: siderolabs/talos, pkg/machinery/labels, ValidateQualifiedName: the rules of Kubernetes itself.
_PREFIX = r"(?=[^/]{1,253}/)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/"


class _Key(Pattern):
    """A pattern of keys, whose fault says so where only the prefix is wrong."""

    def _detail(self, value: str) -> str | None:
        prefix, slash, _ = value.partition("/")
        if slash and len(prefix) <= 40 and not re.match(_PREFIX, value, re.ASCII):
            return f"{prefix!a} is not a DNS name"
        return super()._detail(value)


_LabelKey = Annotated[
    str,
    _Key(
        rf"({_PREFIX})?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?",
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
