"""Talos' own code reads sizes of disks and keys of labels as the model does."""

from collections.abc import Iterator
from typing import Any

import pytest
from refusing import accepted, refused

from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge("config-judge-v112")
    yield judge
    judge.end()


def faults(judge: Judge, platform: Any) -> list[str]:
    return judge.faults(platform, "wk-1")


@pytest.mark.parametrize(
    "size", [">= 200GB", ">= 1.92TB", "<=3.84TB", "> 0.5 TiB", "1920GB", "== 960 GB", "< 894.25GiB", ">=  1.0TiB"]
)
def test_talos_reads_every_size_that_the_model_accepts(judge, size):
    assert faults(judge, accepted({"machines.wk-1.install.disk": {"model": "MZ7L3*", "size": size}})) == []


@pytest.mark.parametrize("prefix", ["a..b", ".a", "a_b", "-a", "a.", "A.b"])
def test_talos_refuses_each_prefix_that_the_model_refuses(judge, prefix):
    label = {f"{prefix}/c": "x"}
    assert refused({"machines.wk-1.labels": label})
    patches = [{"machine": {"nodeLabels": label}}]
    (fault,) = faults(judge, _patched(patches))
    assert "is invalid" in fault


def _patched(patches: list[dict[str, Any]]) -> Any:
    """A valid platform with patches that no check of the model has seen."""
    platform = accepted({})
    talos = platform.talos.model_copy(update={"patches": tuple(patches)})
    return platform.model_copy(update={"talos": talos})


@pytest.mark.parametrize("key", ["a.b/c", "a-b.c1/D_e.f", "1a/x", "node-role.kubernetes.io/gpu"])
def test_talos_accepts_each_label_that_the_model_accepts(judge, key):
    assert faults(judge, accepted({"machines.wk-1.labels": {key: "x"}})) == []
