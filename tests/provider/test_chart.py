"""Helm reads the reviewed chart or nothing: a chart's file is compared, fetched and written before Helm's turn."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from clients import charts
from core.facts.charts import cached
from core.native import UNKNOWN
from provider.resources import RESOURCES, chart
from tests.provider.kubernetes_server import Api

CHART = RESOURCES["bedplate-native:kubernetes:Chart"]
CONTENT = b"a packed chart"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
URL = "https://charts.example.com/cilium-1.19.6.tgz"
FILE = cached("cilium", "1.19.6", DIGEST)
Fetch = Callable[[str, str], bytes]


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked for the chart; the checkout is a folder of the test's own."""
    asked: list[str] = []

    def fetch(url: str, sha256: str) -> bytes:
        asked.append(url)
        assert sha256 == DIGEST
        return CONTENT

    monkeypatch.setattr(chart, "_ROOT", tmp_path)
    monkeypatch.setattr(charts, "fetch", fetch)
    return asked


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> str:
    api = Api(tmp_path_factory.mktemp("api"), [200])
    return api.kubeconfig()


@pytest.fixture
def given(kubeconfig: str) -> dict[str, object]:
    """The resource's inputs, as the engine sends them once there is a cluster."""
    return {"url": URL, "sha256": DIGEST, "file": FILE, "kubeconfig": kubeconfig}


def test_a_plan_of_a_new_cluster_fetches_nothing(fetched: list[str], given: dict[str, object], tmp_path: Path) -> None:
    assert CHART.check({**given, "kubeconfig": UNKNOWN}) == []
    assert fetched == [] and list(tmp_path.iterdir()) == []
    assert CHART.plan({**given, "kubeconfig": UNKNOWN})["file"] == FILE


def test_the_chart_is_there_as_soon_as_helm_may_read_it(
    fetched: list[str], given: dict[str, object], tmp_path: Path
) -> None:
    assert CHART.check(given) == []
    assert fetched == [URL] and (tmp_path / FILE).read_bytes() == CONTENT
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / FILE).parent.iterdir()] == [Path(FILE).name]
    assert CHART.check(given) == [] and fetched == [URL]
    assert asyncio.run(CHART.create(given, print)) == (DIGEST, given)


@pytest.mark.parametrize("instead", [b"", b"another chart", CONTENT + b" "])
def test_a_file_that_changed_is_fetched_again(
    fetched: list[str], given: dict[str, object], tmp_path: Path, instead: bytes
) -> None:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(instead)
    assert CHART.check(given) == []
    assert (tmp_path / FILE).read_bytes() == CONTENT


def test_a_link_in_place_of_the_file_is_replaced_and_what_it_leads_to_is_left_alone(
    fetched: list[str], given: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / "outside").write_bytes(CONTENT)
    (tmp_path / FILE).symlink_to(tmp_path / "outside")
    assert CHART.check(given) == [] and fetched == [URL]
    assert not (tmp_path / FILE).is_symlink() and (tmp_path / "outside").read_bytes() == CONTENT


def test_a_repository_that_serves_another_chart_is_named_and_nothing_is_written(
    fetched: list[str], given: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, sha256: str) -> bytes:
        raise charts.Unusable("charts.example.com served another file, with the digest sha256:0123")

    monkeypatch.setattr(charts, "fetch", fetch)
    (error,) = CHART.check(given)
    assert (error.property, error.reason) == (
        "file",
        f"can't be made from {URL}: charts.example.com served another file, with the digest sha256:0123; Helm compares "
        "no digest itself, so it gets no other chart; check the repository and cilium.digest, or put the chart in the "
        "checkout and write its path as cilium.chart",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "http://charts.example.com/cilium-1.19.6.tgz"),
        ("url", "https://user:hunter2@charts.example.com/cilium-1.19.6.tgz"),
        ("sha256", ""),
        ("sha256", DIGEST.upper()),
        ("file", "./.toolchain/charts/../bin/pulumi.tgz"),
        ("file", "/etc/cron.d/x.tgz"),
        ("file", "./__main__.py"),
        ("file", f"{FILE}\n"),
    ],
)
def test_what_is_not_pinned_is_refused_and_not_fetched(
    fetched: list[str], given: dict[str, object], name: str, value: str
) -> None:
    (error,) = CHART.check({**given, name: value})
    assert error.property == name and error.reason.count("; ") == 2 and "hunter2" not in error.reason
    assert fetched == []
