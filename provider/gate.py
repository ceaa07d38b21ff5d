"""What all gates share: they are made when something answers, and from then on they are only remembered."""

from .framework import Progress, Values


class Gate:
    """A resource whose making is a wait. It reads nothing afterwards: an `up` must work while things are down."""

    replaces: frozenset[str] = frozenset()
    ignored_in_diff: frozenset[str] = frozenset()

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return dict(inputs)

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        return None

    async def read(self, identity: str, state: Values) -> Values | None:
        return state

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        # Other credentials or another deadline: what was waited for is long there.
        return dict(inputs)

    async def delete(self, identity: str, state: Values, say: Progress | None = None) -> None:
        return None
