"""A chart of the checkout is complete and leads nowhere else: Helm follows links and reads whatever it finds."""

import hashlib
import os
from datetime import date
from pathlib import Path

import pytest

from core.loading import chartfile, stackfile
from core.model import StackFileError

HELM = "Helm would follow it, and the chart could put any file of this computer into the cluster; replace it with what "


@pytest.fixture
def chart(tmp_path):
    folder = tmp_path / "charts" / "cilium"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: cilium\nversion: 1.19.6\n")
    (folder / "templates" / "a.yaml").write_text("{}")
    return folder


def refusal(dev, root: Path, **cilium: str) -> str:
    raw = {**dev, "cilium": {**dev["cilium"], "chart": "./charts/cilium", "repository": None, **cilium}}
    try:
        stackfile.assemble(raw, root=root, today=date(2026, 11, 1))
    except StackFileError as refused:
        return str(refused)
    return ""


def test_a_folder_with_a_chart_is_one(dev, chart, tmp_path):
    assert refusal(dev, tmp_path) == ""


@pytest.mark.parametrize("folder", [".toolchain/access/prod", ".toolchain/state", "charts/.hidden", ".git/hooks"])
def test_a_folder_with_credentials_is_no_chart_though_a_commit_puts_a_chart_there(dev, tmp_path, folder):
    """`.Files.Get "kubeconfig"` of a template would put the file into the cluster."""
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "Chart.yaml").write_text("apiVersion: v2\nname: cilium\nversion: 1.19.6\n")
    (tmp_path / folder / "kubeconfig").write_text("secret")
    said = refusal(dev, tmp_path, chart=f"./{folder}")
    assert f"'./{folder}' is not a chart whose contents are pinned; " in said


def test_the_chart_of_a_rehearsal_is_one(dev, chart, tmp_path):
    (tmp_path / ".toolchain" / "lab" / "dev").mkdir(parents=True)
    chart.rename(tmp_path / ".toolchain" / "lab" / "dev" / "chart")
    assert refusal(dev, tmp_path, chart="./.toolchain/lab/dev/chart") == ""


def test_a_link_within_the_chart_is_refused(dev, chart, tmp_path):
    (chart / "templates" / "passwd").symlink_to("/etc/passwd")
    assert (
        refusal(dev, tmp_path) == f"platform.cilium.chart: charts/cilium/templates/passwd is a link; {HELM}it leads to"
    )


def test_a_link_to_a_folder_within_the_chart_is_refused_and_not_followed(dev, chart, tmp_path):
    (chart / "files").symlink_to(tmp_path)
    assert refusal(dev, tmp_path) == f"platform.cilium.chart: charts/cilium/files is a link; {HELM}it leads to"


@pytest.mark.parametrize("link", ["charts", "charts/cilium"])
def test_a_link_on_the_way_to_the_chart_is_refused(dev, chart, tmp_path, link):
    outside = tmp_path / "outside"
    (tmp_path / link).rename(outside)
    (tmp_path / link).symlink_to(outside)
    assert refusal(dev, tmp_path) == f"platform.cilium.chart: {link} is a link; {HELM}it leads to"


def test_a_folder_without_a_chart_is_refused(dev, chart, tmp_path):
    (chart / "Chart.yaml").unlink()
    assert refusal(dev, tmp_path) == (
        "platform.cilium.chart: charts/cilium has no Chart.yaml; Helm takes no other folder for a chart; "
        "write the folder in which Chart.yaml is"
    )


@pytest.mark.parametrize("name", ["./charts/none", "./charts/cilium/Chart.yaml"])
def test_what_is_not_there_is_refused(dev, chart, tmp_path, name):
    assert refusal(dev, tmp_path, chart=name) == (
        f"platform.cilium.chart: {name} is neither a folder of the checkout nor a .tgz file; there is no chart for "
        "Helm to install; write a path from the checkout on, e.g. ./charts/cilium"
    )


def test_a_pipe_in_the_chart_is_refused(dev, chart, tmp_path):
    os.mkfifo(chart / "templates" / "b.yaml")
    assert refusal(dev, tmp_path) == (
        "platform.cilium.chart: charts/cilium/templates/b.yaml is no regular file; Helm would wait for it, or read "
        "without end; remove it"
    )


def test_a_folder_of_countless_files_is_refused(dev, chart, tmp_path, monkeypatch):
    monkeypatch.setattr(chartfile, "_MOST_ENTRIES", 2)
    assert refusal(dev, tmp_path) == (
        "platform.cilium.chart: charts/cilium has more than 2 files; Helm reads every one of them into memory; "
        "write the chart's own folder"
    )


def test_a_packed_chart_is_compared_with_its_digest(dev, chart, tmp_path):
    (tmp_path / "charts" / "cilium-1.19.6.tgz").write_bytes(b"reviewed")
    right, wrong = (hashlib.sha256(content).hexdigest() for content in (b"reviewed", b"other"))
    packed = {"chart": "./charts/cilium-1.19.6.tgz"}
    assert refusal(dev, tmp_path, **packed) == ""
    assert refusal(dev, tmp_path, **packed, digest=f"sha256:{right}") == ""
    assert refusal(dev, tmp_path, **packed, digest=f"sha256:{wrong}") == (
        f"platform.cilium.digest: is not that of cilium-1.19.6.tgz, which has sha256:{right}; another chart than the "
        "reviewed one would run with all rights in the cluster; restore the file, or review it and write its digest"
    )


def test_a_packed_chart_without_end_is_not_read(dev, chart, tmp_path):
    packed = tmp_path / "charts" / "cilium.tgz"
    packed.touch()
    os.truncate(packed, chartfile.MOST_BYTES + 1)
    assert refusal(dev, tmp_path, chart="./charts/cilium.tgz") == (
        "platform.cilium.chart: is a file of more than 100 MiB; Helm refuses such a chart; write the path of a packed "
        "chart"
    )
