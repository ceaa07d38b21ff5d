"""Fixtures of the provider's tests: what makes waits short, and machines that leave."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provider import draining, nodes, quorum, waiting
from provider.resources import boot_journal, boot_permit, decommission
from tests.provider.leaving import World


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits ask often."""
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "SAY_SECONDS", 0.05)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evictions and requests are repeated soon."""
    monkeypatch.setattr(draining, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(nodes, "ASK_SECONDS", 1.0)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is silent for a moment is silent."""
    monkeypatch.setattr(decommission, "SILENT_SECONDS", 0.03)


@pytest.fixture
def quick_bmc(monkeypatch: pytest.MonkeyPatch) -> None:
    """BMCs are asked often, and this process has neither given nor used a permit."""
    # Named as text, because sushy takes long to load.
    monkeypatch.setattr("provider.redfish.channel.GAP_SECONDS", 0.0)
    monkeypatch.setattr("provider.redfish.channel.BACKOFF_SECONDS", (0.05,))
    monkeypatch.setattr("provider.redfish.system.POLL_SECONDS", 0.02)
    monkeypatch.setattr("provider.redfish.system.SETTLE_SECONDS", 0.2)
    monkeypatch.setattr("provider.redfish.boot.POST_SECONDS", 0.05)
    monkeypatch.setattr("provider.resources.power.POLL_SECONDS", 0.02)
    monkeypatch.setattr("provider.resources.power.COMING_SECONDS", 0.2)
    boot_permit.HERE.clear()
    boot_journal.USED.clear()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Makes worlds, and ends them."""
    made: list[World] = []

    def start(leaves: str, **how: Any) -> World:
        one = World(tmp_path, leaves, **how)
        made.append(one)
        monkeypatch.setattr(
            quorum,
            "_is_healthy",
            lambda client, address: {f"10.0.0.{n}": name for name, n in one.members.items()}[address] in one.well,
        )
        return one

    yield start
    for one in made:
        one.end()
