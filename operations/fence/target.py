"""The machine to fence: how its BMC and its APIs are reached, as the last `up` left them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clients.talos import Client, NoAnswer
from core.model import Platform
from core.native.metal import POWER
from core.state import resource_name, unwrap_secret

from ..drift.machines import NoMachines, declared
from ..drift.nodes import Nodes
from .cluster import Cluster


class Refused(Exception):
    """The machine is not fenced, or not returned: one line that says why, and what to do instead."""


@dataclass(frozen=True)
class Target:
    """One machine of the stack."""

    name: str
    address: str
    control_planes: tuple[str, ...]
    """All control planes, if it is one of them; else none."""
    cluster: Cluster
    client: Client
    power: Mapping[str, Any] | None = field(repr=False)
    """The outputs of its Power, with its BMC's credentials; None for a machine without a BMC."""

    def answers(self) -> bool:
        """Whether its Talos API answers."""
        try:
            self.client.version(self.address)
        except NoAnswer:
            return False
        return True


def target(platform: Platform, resources: list[dict[str, Any]], name: str) -> Target:
    """The machine of that name. resources: an export with plain secrets. Raises Refused."""
    if name not in platform.declared:
        raise Refused(f"the stack file has no machine {name}; there are: {', '.join(platform.declared)}")
    try:
        machines, client = declared(resources)
    except NoMachines as error:
        raise Refused(f"{error}; create the platform first with ./bedplate up") from None
    address = next((each.address for each in machines if each.name == name), None)
    access = Nodes.of(resources).access
    if address is None or access is None:
        missing = "no config of it" if address is None else "no kubeconfig that can be used"
        raise Refused(f"the stack's state has {missing}; run ./bedplate up first")
    planes = platform.controlplanes if platform.declared[name].role == "controlplane" else ()
    return Target(name, address, planes, Cluster(access), client, _power(resources, name))


def _power(resources: list[dict[str, Any]], name: str) -> Mapping[str, Any] | None:
    for resource in resources:
        if resource["type"] == POWER.token and resource_name(resource).partition("-")[2] == name:
            outputs: Mapping[str, Any] = unwrap_secret(resource.get("outputs") or {})
            return outputs
    return None
