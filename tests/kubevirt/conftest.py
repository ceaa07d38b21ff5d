"""KubeVirt's and CDI's own code as a process (toolchain/parts/vm-judge), started once."""

from collections.abc import Iterator

import pytest

from tests.machineconfig.judge import Judge


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """The judge. Its start takes seconds, because it reads the schemas of all of KubeVirt's objects."""
    made = Judge("vm-judge")
    yield made
    made.end()
