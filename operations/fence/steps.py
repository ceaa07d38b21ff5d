"""What `fence` does, in its order: nothing while the machine may be alive, then off for certain, then the taint."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from provider.redfish.fencing import NotOff, read, switch_off

from .cluster import TAINT, Object, Unanswered, ready, tainted
from .guests import Guest, guests
from .target import Refused, Target

# A kubelet renews its lease every 10 s, and its Node is no longer Ready 40 to 50 s after the last one. Source:
# kubernetes/kubernetes, node-monitor-grace-period (50 s; 40 s until 1.31) and nodeLeaseDurationSeconds (40 s).
LEASE = timedelta(seconds=40)

Say = Callable[[str], None]


def fence(machine: Target, act: bool, say: Say) -> None:
    """Switch a dead machine off, and have what ran there start elsewhere. Every step may be repeated.

    act: whether to do it, and not only to check and show it. Raises Refused, which says whether anything was done.
    """
    name = machine.name
    nodes = _read(machine)
    node = nodes.pop(name)
    _require_dead(machine, node)
    _require_quorum(machine, nodes)
    if machine.power is None:
        raise Refused(
            f"{name} has no bmc, or had none at the last up, so it can't be switched off for certain; switch it off by "
            "hand, and follow docs/runbooks/dead-machine.md from there"
        )
    found = _guests(machine, nodes)
    if not act:
        say(f"{name} would be switched off by its BMC, which reports {_power(machine, say)}")
        say(f"{name} would then get the taint {TAINT}")
        _show(found, name, say)
        say("Nothing was changed. Do it: run the same command with --yes")
        return
    _switch_off(machine, say)
    say(f"{name} is off: its BMC reported it twice")
    _require_silent(machine)
    _change(machine, machine.cluster.taint, "off, and has no taint yet")
    say(f"{name} {'still has' if tainted(node) else 'has got'} the taint {TAINT}")
    _show(found, name, say)
    for line in _watch(name):
        say(line)


def release(machine: Target, act: bool, say: Say) -> None:
    """Remove the taint of a machine that is back. act: as for fence. Raises Refused."""
    name = machine.name
    node = _read(machine)[name]
    if not tainted(node):
        say(f"{name} has no taint {TAINT}; there is nothing to remove")
        return
    if not ready(node):
        raise Refused(
            f"the Node {name} is not Ready, so the taint stays; repair the machine, switch it on by its BMC, and run "
            f"this again once kubectl get node {name} shows Ready"
        )
    if not act:
        say(f"{name} is Ready, and would lose the taint {TAINT}")
        say("Nothing was changed. Do it: run the same command with --yes")
        return
    _change(machine, machine.cluster.untaint, "Ready, and still has its taint")
    say(f"{name} is Ready, and has lost the taint {TAINT}; pods and virtual machines may start there again")


def _read(machine: Target) -> dict[str, Object]:
    """The Nodes by name, the machine's own among them."""
    try:
        nodes = machine.cluster.nodes()
    except Unanswered as error:
        raise Refused(f"{error}; nothing was changed; docs/runbooks/lost-control-plane.md if no API answers") from None
    if machine.name not in nodes:
        raise Refused(f"{machine.name} has no Node in Kubernetes, so nothing runs there that could start elsewhere")
    return nodes


def _require_dead(machine: Target, node: Object) -> None:
    name = machine.name
    if ready(node):
        raise Refused(f"{name} is alive, because its Node is Ready; to empty it: {_drain(name)}{_untaint(name, node)}")
    if (age := _silence(machine)) is not None and age < LEASE:
        raise Refused(
            f"{name} may be alive, because its kubelet renewed its lease {_ago(age)}; run this again when it has been "
            f"silent for {LEASE.seconds} s, or empty it: {_drain(name)}"
        )
    if machine.answers():
        raise Refused(
            f"{name} is alive, because its Talos API answers at {machine.address}; restart it with talosctl -n "
            f"{machine.address} reboot, or empty it first: {_drain(name)}"
        )


def _drain(name: str) -> str:
    return f"kubectl drain {name} --ignore-daemonsets --delete-emptydir-data"


def _untaint(name: str, node: Object) -> str:
    return f"; it is back, and has the taint still: ./bedplate fence STACK {name} --return" if tainted(node) else ""


def _ago(age: timedelta) -> str:
    seconds = age.total_seconds()
    return f"{seconds:.0f} s ago" if seconds >= 0 else f"{-seconds:.0f} s in the future of this computer's clock"


def _silence(machine: Target) -> timedelta | None:
    """How long ago its kubelet renewed its lease; None if there is no lease."""
    try:
        renewed = machine.cluster.renewed(machine.name)
    except Unanswered as error:
        raise Refused(f"{error}; whether the machine is alive is not known; nothing was changed") from None
    return None if renewed is None else datetime.now(UTC) - renewed


def _require_quorum(machine: Target, others: dict[str, Object]) -> None:
    """A control plane is switched off only if the others have etcd's quorum without it."""
    planes = machine.control_planes
    left = [name for name in planes if name in others and ready(others[name])]
    needed = len(planes) // 2 + 1
    if planes and len(left) < needed:
        raise Refused(
            f"{machine.name} is a control plane, and without it {len(left)} of {len(planes)} are Ready, where etcd "
            f"needs {needed}; the whole cluster would stop; follow docs/runbooks/lost-control-plane.md"
        )


def _guests(machine: Target, others: dict[str, Object]) -> list[Guest]:
    cluster = machine.cluster
    try:
        instances = cluster.instances(machine.name)
        return guests(instances, cluster.virtual_machines(), cluster.volumes(), others) if instances else []
    except Unanswered as error:
        raise Refused(f"{error}; which virtual machines run there is not known; nothing was changed") from None


def _power(machine: Target, say: Say) -> str:
    try:
        return read(machine.power or {}, say)
    except NotOff as error:
        raise Refused(f"{machine.name} could not be switched off, because {error}; {_BY_HAND}") from None


_BY_HAND = (
    "look at the BMC, and run this again; if it does not answer, cut the machine's power by hand and follow "
    "docs/runbooks/dead-machine.md"
)


def _switch_off(machine: Target, say: Say) -> None:
    try:
        switch_off(machine.power or {}, say)
    except NotOff as error:
        raise Refused(
            f"{machine.name} is not known to be off, because {error}; it may still write to its disks, so it gets no "
            f"taint, and its virtual machines stay; {_BY_HAND}"
        ) from None


def _require_silent(machine: Target) -> None:
    """What was switched off is this machine: its kubelet has renewed no lease since. Raises Refused."""
    age = _silence(machine)
    if age is not None and age < LEASE:
        raise Refused(
            f"what its BMC has switched off is another machine, because the kubelet of {machine.name} renewed its "
            f"lease {_ago(age)}; it gets no taint; correct bmc.url and bmc.system, and switch the other machine on"
        )


def _change(machine: Target, change: Callable[[str], None], left: str) -> None:
    try:
        change(machine.name)
    except Unanswered as error:
        raise Refused(f"{error}; {machine.name} is {left}; run this again") from None


def _show(found: list[Guest], name: str, say: Say) -> None:
    if not found:
        say(f"no virtual machine is on {name}")
    for guest in found:
        what = f"does not start elsewhere: {guest.stays}" if guest.stays else "starts on another machine that has room"
        say(f"VM {guest.name} {what}")


def _watch(name: str) -> Iterator[str]:
    yield "Watch the virtual machines start, the volumes move, and the pods leave:"
    yield "  kubectl get vmis -A -o wide --watch"
    yield f"  kubectl get volumeattachments | grep {name}"
    yield f"  kubectl get pods -A --field-selector spec.nodeName={name}"
    yield f"Leave {name} off until it is repaired. When its Node is Ready again: ./bedplate fence STACK {name} --return"
