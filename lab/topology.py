"""What a lab is made of: pure data, taken from a platform or written by a test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, Literal

Role = Literal["controlplane", "worker"]

# The id to which a node's user namespace maps its root, and the number of ids. Talos gives the scheduler's files to
# user 65536, so 65,536 ids are one too few.
FIRST_ID, IDS = 100_000, 200_000
# The link of a machine whose stack file names none.
LINK = "eth0"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One node: a Talos machine in container mode."""

    name: str
    role: Role
    address: str
    mac: str = ""
    interface: str = LINK


@dataclass(frozen=True, kw_only=True)
class Topology:
    """One lab: its nodes on one bridge, whose own address is the platform's gateway."""

    name: str
    mark: str = "00000000"
    """The checkout's digest (Layout.mark): what is seen outside the lab carries it."""
    network: str = "10.5.0.0/24"
    gateway: str = ""
    # More addresses of the lab's own end of the bridge: resolvers, time servers, other networks' gateways.
    aliases: tuple[str, ...] = ()
    machines: tuple[Machine, ...] = ()
    registry_port: int = 5000
    # If the computer lacks what Talos needs, nodes get a user namespace of their own.
    user_namespace: bool = True
    # More entries for the nodes' /etc/hosts: address to name.
    hosts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        net = IPv4Network(self.network)
        if not self.gateway:
            object.__setattr__(self, "gateway", str(net[1]))
        names = [machine.name for machine in self.machines]
        if len(set(names)) != len(names):
            raise ValueError(f"lab {self.name}: two machines have the same name")
        for machine in self.machines:
            if IPv4Address(machine.address) not in net:
                raise ValueError(f"lab {self.name}: {machine.name} at {machine.address} is not in {self.network}")
            if machine.address == self.gateway:
                raise ValueError(f"lab {self.name}: {machine.name} has the gateway's address {self.gateway}")

    @property
    def identity(self) -> str:
        """What the lab is called where the whole computer sees it, as Layout.identity."""
        return f"{self.name}-{self.mark}"

    @property
    def bridge_address(self) -> str:
        """The lab's own address on the bridge, with the prefix length."""
        return str(IPv4Interface(f"{self.gateway}/{IPv4Network(self.network).prefixlen}"))

    @property
    def prefix(self) -> int:
        """The prefix length of the nodes' network, in bits."""
        return IPv4Network(self.network).prefixlen

    @property
    def registry(self) -> str:
        """Where nodes find the lab's registry."""
        return f"https://{self.gateway}:{self.registry_port}"

    def machine(self, name: str) -> Machine:
        """The machine of this name. Raises KeyError with the names that there are."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(f"lab {self.name} has no machine {name}; it has {', '.join(m.name for m in self.machines)}")

    def as_json(self) -> dict[str, Any]:
        """Plain data for the lab's own file: field to value."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Topology":
        """The inverse of `as_json`."""
        machines = tuple(Machine(**machine) for machine in data["machines"])
        return cls(**{**data, "machines": machines, "aliases": tuple(data["aliases"])})


def of_platform(name: str, platform: Mapping[str, Any], *, user_namespace: bool, mark: str = "00000000") -> Topology:
    """The lab of a platform: the same names, roles, addresses and MACs."""
    net = platform["network"]
    machines = tuple(
        Machine(
            name=machine,
            role=spec["role"],
            address=spec["address"],
            mac=spec.get("mac") or "",
            interface=spec.get("link") or LINK,
        )
        for machine, spec in platform["machines"].items()
    )
    taken = {machine.address for machine in machines} | {net["endpoint"]}
    gateway = net.get("gateway") or next(str(a) for a in IPv4Network(net["nodes"]).hosts() if str(a) not in taken)
    aliases = tuple(a for a in net.get("resolvers") or () if a != gateway and a not in taken)
    return Topology(
        name=name,
        mark=mark,
        network=net["nodes"],
        gateway=gateway,
        aliases=aliases,
        machines=machines,
        user_namespace=user_namespace,
    )
