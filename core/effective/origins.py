"""Where each value of a merged config comes from: the last document whose merge changed it."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from core.machineconfig.merge import Documents, Key, states
from core.machineconfig.sources import Source

from .section import at


class Origins:
    """The origins of one machine's config, each computed when it is first read."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)

    @cached_property
    def _merged(self) -> tuple[tuple[Documents, str], ...]:
        return tuple(states(source.document for source in self.sources))

    @property
    def states(self) -> tuple[Documents, ...]:
        """The documents after each source."""
        return tuple(documents for documents, _ in self._merged)

    @property
    def refused(self) -> dict[int, str]:
        """The position of each source that Talos refuses to merge, and why."""
        return {number: problem for number, (_, problem) in enumerate(self._merged) if problem}

    @property
    def documents(self) -> Documents:
        """The documents of the merged config."""
        return self._merged[-1][0] if self._merged else {}

    def of(self, key: Key, path: tuple[str, ...]) -> str:
        """What changed the value at a path last, as a report names it; empty where nothing ever set it."""
        source = self.source(key, path)
        return source.origin if source else ""

    def source(self, key: Key, path: tuple[str, ...]) -> Source | None:
        """What changed the value at a path last."""
        last, before = None, None
        for source, (state, _) in zip(self.sources, self._merged, strict=True):
            now: Any = at(state.get(key), *path)
            if now != before:
                last, before = source, now
        return last
