"""How etcd does without one of its members: asked before that one goes, for minutes or for good."""

from collections.abc import Callable
from dataclasses import dataclass

from clients.talos import Client, NoAnswer, Slow

from .framework import UserError

# How often etcd is asked again where no answer came in time (5 s each).
PATIENCE = 12


@dataclass(frozen=True)
class Others:
    """The members of etcd but one, by the names of their machines."""

    well: tuple[str, ...]
    unwell: tuple[str, ...]
    """Without a vote, or not healthy, or not heard."""

    @property
    def votes(self) -> int:
        """How many members there are, with the one."""
        return len(self.well) + len(self.unwell) + 1

    @property
    def agree(self) -> bool:
        """Whether those that are well can change etcd while the one is dead: it counts until it is out."""
        return len(self.well) > self.votes // 2


def without(client: Client, ask: str, name: str) -> Others:
    """The others, as the member at an address knows them, and each asked by itself. Raises NoAnswer."""
    votes, peers = client.members(ask), client.peers(ask)
    others = {
        other: bool(votes[other] and other in peers and _well(client, peers[other]))
        for other in sorted(votes)
        if other != name
    }
    return Others(tuple(o for o, well in others.items() if well), tuple(o for o, well in others.items() if not well))


def whole(client: Client, ask: str, name: str, doing: str) -> None:
    """Returns where all others are well: this one leaves etcd for some minutes. Raises UserError with who is not."""
    try:
        others = _patiently(lambda: without(client, ask, name))
    except NoAnswer as error:
        raise UserError(
            f"{name} is not {doing}: etcd could not be asked for its members ({error}); see it well first: talosctl etcd status"
        ) from None
    if others.unwell:
        raise UserError(
            f"{name} is not {doing}: etcd is not well on {', '.join(others.unwell)}, and with this one away it may lose its quorum; "
            "bring it back first: talosctl etcd status"
        )


def _patiently(ask: Callable[[], Others]) -> Others:
    """A machine that has just started may be too busy to answer in time; one that refuses has answered. Raises NoAnswer."""
    for _ in range(PATIENCE):
        try:
            return ask()
        except Slow:
            continue
    return ask()


def _well(client: Client, address: str) -> bool:
    try:
        return "service etcd" not in client.unsettled(address)
    except NoAnswer:
        return False
