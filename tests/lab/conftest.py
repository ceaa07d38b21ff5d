"""The rehearsal's own fixtures, and the rehearsals that run beside the other tests.

Tests that wait for a rehearsal come last in a session, so that the other tests run meanwhile.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import preflight
from lab.prepare import CHECKOUT
from lab.spec import Host
from lab.testing.background import Rehearsals
from lab.testing.fixtures import kubernetes_api, lab_host, talos_lab, talos_node
from runner.testing import NETWORK_PARTS, VM_PARTS
from toolchain import absent

__all__ = ["kubernetes_api", "lab_host", "rehearsals", "talos_lab", "talos_node"]

HERE = Path(__file__).parent
# They share the lab `dev`, so they come in this order: two wait for a rehearsal, and the third starts its own.
LAST = ("test_rehearsal.py", "test_steps.py", "test_stop.py")
# A rehearsal runs virtual machines wherever what they need is built. Kills at steps of the machines' layers need none.
WITHOUT_VMS = () if not absent(VM_PARTS) else ("--without-vms",)
# The same holds for Cilium.
WITHOUT_CILIUM = () if not absent(NETWORK_PARTS) else ("--without-cilium",)
COMMANDS = {
    "test_rehearsal.py": ("whole", (*WITHOUT_VMS, *WITHOUT_CILIUM)),
    "test_steps.py": ("steps", ("--steps", "--without-vms", "--without-cilium")),
}
# A rehearsal beside a test that measures speed would be measured too.
MEASURED = CHECKOUT / "tests" / "bench"


class Beside:
    """Starts the rehearsals with the first test that measures no speed, and ends them with the session."""

    def __init__(self, rehearsals: Rehearsals) -> None:
        self.rehearsals = rehearsals

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin before this test, if it may have a rehearsal beside it."""
        if not item.path.is_relative_to(MEASURED):
            self.rehearsals.start()

    def pytest_sessionfinish(self) -> None:
        """End the rehearsals that still run, because a session that was cut short does not wait for them."""
        self.rehearsals.stop()


def _needs_a_lab(item: pytest.Item) -> bool:
    return item.path.parent == HERE and item.path.name in LAST and item.get_closest_marker("lab") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that wait for a rehearsal at the end."""
    last = sorted(filter(_needs_a_lab, items), key=lambda item: LAST.index(item.path.name))
    items[:] = [item for item in items if not _needs_a_lab(item)] + last


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the rehearsals that tests of this session wait for, beside the other tests."""
    chosen = {item.path.name for item in session.items if _needs_a_lab(item)}
    commands = dict(command for file, command in COMMANDS.items() if file in chosen)
    able = all(finding.ok for finding in preflight.examine() if finding.fatal)
    if commands and able and not session.config.option.collectonly:
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]  # no fixture here
        rehearsals = Rehearsals(factory.mktemp("rehearsals"), CHECKOUT, "dev", commands)
        session.config.pluginmanager.register(Beside(rehearsals), "rehearsals")


@pytest.fixture(scope="session")
def rehearsals(lab_host: Host, pytestconfig: pytest.Config) -> Iterator[Rehearsals]:
    """The rehearsals that run beside the tests."""
    beside = pytestconfig.pluginmanager.get_plugin("rehearsals")
    assert isinstance(beside, Beside)
    yield beside.rehearsals
