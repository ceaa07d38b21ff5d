"""KubeVirt's and CDI's own code as a process (toolchain/parts/vm-judge), started once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.judge import Judge


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """The judge. Its start takes seconds, because it reads the schemas of all of KubeVirt's objects."""
    binary = shutil.which("vm-judge")
    assert binary
    with Judge(Path(binary)) as made:
        yield made
