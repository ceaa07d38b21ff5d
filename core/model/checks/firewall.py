"""Openings of the machines' firewall."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.firewall import OpeningSpec, ends
from core.model.platform import Platform
from core.model.ports import own_ports

from .networks import networks
from .registry import check


@check("talos")
def openings_have_a_firewall(p: Platform) -> Iterator[Fault]:
    """A firewall that is off has no openings."""
    firewall = p.talos.firewall
    for key in ("admins", "allow"):
        if not firewall.enabled and getattr(firewall, key):
            yield fault(
                ("talos", "firewall", key),
                "is set, but the firewall is off",
                "without the firewall, all ports are open to everyone",
                f"write enabled: true, or remove {key}",
            )


@check("talos", "network", "cilium")
def admins_are_not_pods(p: Platform) -> Iterator[Fault]:
    """The networks of administrators contain neither pods nor services."""
    firewall = p.talos.firewall
    for index, admins in enumerate(firewall.admins if firewall.enabled else ()):
        for key, network in networks(p):
            if key != "nodes" and admins.overlaps(network):
                yield fault(
                    ("talos", "firewall", "admins", str(index)),
                    f"{admins} overlaps network.{key}",
                    "every pod could connect to the API that controls the machines",
                    "write only the networks from which people connect",
                )


@check("talos", "network", "cilium")
def openings_leave_own_ports_alone(p: Platform) -> Iterator[Fault]:
    """No opening contains a port of the platform's own."""
    if not p.talos.firewall.enabled:
        return
    # A port may be listed for several kinds of caller; report only the first.
    own = {(port.ports, port.protocol): port for port in reversed([*own_ports(p)])}
    for name, opening in p.talos.firewall.allow.items():
        for port in own.values():
            if opening.protocol == port.protocol and _contains(opening, ends(port.ports)):
                yield fault(
                    ("talos", "firewall", "allow", name, "ports"),
                    f"{port.ports}/{port.protocol} is a port of {port.owner}",
                    "it is already open to those who need it, and this would open it to others",
                    "write those networks in talos.firewall.admins" if port.admins else "remove it",
                )


@check("talos")
def ports_are_listed_once(p: Platform) -> Iterator[Fault]:
    """The ports of an opening do not overlap each other."""
    for name, opening in p.talos.firewall.allow.items() if p.talos.firewall.enabled else ():
        spans = [ends(ports) for ports in opening.ports]
        if any(a[0] <= b[1] and b[0] <= a[1] for index, a in enumerate(spans) for b in spans[:index]):
            yield fault(
                ("talos", "firewall", "allow", name, "ports"),
                "overlap each other",
                "Talos refuses a rule that contains a port twice",
                "write each port once",
            )


def _contains(opening: OpeningSpec, span: tuple[int, int]) -> bool:
    return any(first <= span[1] and span[0] <= last for first, last in map(ends, opening.ports))
