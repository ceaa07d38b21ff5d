"""How VMs differ: its UUID, and the MACs of its links."""

from collections.abc import Iterator

from core.model.claims import guest_macs, guest_uuid
from core.model.faults import Fault, fault
from core.model.platform import Platform
from core.model.vmnetworks import POD_NETWORK

from .registry import check


@check()
def guests_have_identities_of_their_own(p: Platform) -> Iterator[Fault]:
    """No two VMs have one UUID, and no two links of VMs and of machines have one MAC."""
    owners: dict[str, str] = {}
    macs = _macs_of_machines(p)
    for name, vm in p.vms.items():
        if vm.disk is None:
            continue
        value = guest_uuid(p, name)
        if owners.setdefault(value, f"VM {name}") != f"VM {name}":
            yield _same(("vms", name, "uuid"), value, owners[value])
        for network, mac in guest_macs(p, name).items():
            key = ("mac",) if network == POD_NETWORK else ("nics", network, "mac")
            owner = f"VM {name}" if network == POD_NETWORK else f"VM {name} in {network}"
            if macs.setdefault(mac, owner) != owner:
                yield _same(("vms", name, *key), mac, macs[mac])


def _macs_of_machines(p: Platform) -> dict[str, str]:
    """The MACs of machines' links: address (key) to the machine, for messages."""
    found = {machine.mac: f"machine {name}" for name, machine in p.declared.items() if machine.mac}
    for name, machine in p.declared.items():
        found |= {link.mac: f"machine {name}" for link in machine.nics.links.values() if link.mac}
    return found


def _same(path: tuple[str, ...], value: str, owner: str) -> Fault:
    return fault(
        path,
        f"{value} is already that of {owner}",
        "in one network, or for one licence, both would be the same machine",
        f"write a different {path[-1]} for each",
    )
