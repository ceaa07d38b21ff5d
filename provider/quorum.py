"""Whether etcd keeps its quorum without one of its members: checked before that member restarts or leaves."""

from collections.abc import Callable
from dataclasses import dataclass

from clients.talos import Client, NoAnswer, Slow

from .framework import UserError

# How often etcd is queried again if no answer came in time (5 s each).
PATIENCE = 12


@dataclass(frozen=True)
class Others:
    """The members of etcd except the member that restarts or leaves, by the names of their machines."""

    healthy: tuple[str, ...]
    unhealthy: tuple[str, ...]
    """The members without a vote, with an unhealthy etcd, or without an answer."""

    @property
    def votes(self) -> int:
        """The number of members, including the member that restarts or leaves."""
        return len(self.healthy) + len(self.unhealthy) + 1

    @property
    def agree(self) -> bool:
        """Whether the healthy members are a quorum: a dead member counts until it is removed."""
        return len(self.healthy) > self.votes // 2


def without(client: Client, ask: str, name: str) -> Others:
    """The members except `name`, as the member at address `ask` lists them; each is queried for its own health.

    Raises NoAnswer if that member does not list them.
    """
    votes, peers = client.members(ask), client.peers(ask)
    others = {
        other: bool(votes[other] and other in peers and _is_healthy(client, peers[other]))
        for other in sorted(votes)
        if other != name
    }
    return Others(
        tuple(other for other, healthy in others.items() if healthy),
        tuple(other for other, healthy in others.items() if not healthy),
    )


def require_healthy_others(client: Client, ask: str, name: str, doing: str) -> None:
    """Return if every other member is healthy, because `name` leaves etcd for some minutes.

    Raises UserError with the members that are not.
    """
    try:
        others = _patiently(lambda: without(client, ask, name))
    except NoAnswer as error:
        raise UserError(
            f"{name} is not {doing}: its etcd did not list the members ({error}), so its quorum is not known; "
            "check it with: talosctl etcd status, and run up again"
        ) from None
    if others.unhealthy:
        raise UserError(
            f"{name} is not {doing}: etcd is not healthy on {', '.join(others.unhealthy)}, and without {name} it could "
            "lose its quorum; repair it first (talosctl etcd status), and run up again"
        )


def _patiently(ask: Callable[[], Others]) -> Others:
    """Ask again while the answer is only late: a machine that has just started may be busy. Raises NoAnswer."""
    for _ in range(PATIENCE):
        try:
            return ask()
        except Slow:
            continue
    return ask()


def _is_healthy(client: Client, address: str) -> bool:
    try:
        return "service etcd" not in client.unsettled(address)
    except NoAnswer:
        return False
