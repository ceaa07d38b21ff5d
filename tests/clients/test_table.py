"""The numbers in docs/clients.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clients import bounded, charts, helm, kubernetes
from clients.talos import applying, calls, client, limits
from core import boundedyaml
from provider.redfish import channel
from toolchain import download

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]


def row(beginning: str) -> list[str]:
    """The cells after the first one of the only row that begins so."""
    (found,) = [cells for cells in ROWS if cells[0].strip("`| ").startswith(beginning)]
    return found[1:]


@pytest.mark.parametrize(
    ("name", "seconds", "most_bytes"),
    [
        ("BMC (Redfish)", channel.REQUEST_SECONDS, channel.MOST_BYTES),
        ("Talos API, `clients", calls.CALL_SECONDS, limits.MOST_BYTES),
        ("etcd snapshot", client.SILENT_SECONDS, limits.MOST_SNAPSHOT_BYTES),
        ("Kubernetes API, `clients", kubernetes.REQUEST_SECONDS, kubernetes.MOST_BYTES),
        ("Chart repository", charts.LIMITS.seconds, charts.LIMITS.most_bytes),
        ("Download of a release", download.TOTAL_SECONDS, download.LIMIT_BYTES),
    ],
)
def test_each_client_has_its_numbers(name: str, seconds: float, most_bytes: int) -> None:
    _, deadline, size, *_ = row(name)
    assert re.match(rf"{seconds:g} s\b", deadline)
    assert size == f"{most_bytes / 2**20:g} MiB"


@pytest.mark.parametrize(
    "name", [name for module in (client, applying) for name in vars(module) if re.fullmatch("[A-Z]+_SECONDS", name)]
)
def test_each_call_with_a_deadline_of_its_own_has_it(name: str) -> None:
    if name not in ("CALL_SECONDS", "SILENT_SECONDS"):
        assert row(f"{name}`") == [f"{getattr(client, name, None) or getattr(applying, name):g} s"]


def test_the_boot_servers_plugin_has_its_number() -> None:
    source = (ROOT / "toolchain/parts/pulumi-resource-matchbox/lazy.go").read_text(encoding="utf-8")
    assert re.findall(r"callTimeout = (\d+) \* time\.Second", source) == ["60"]
    assert "then 60 s for each resource" in row("boot server (matchbox)")[1]


def test_what_is_inside_an_answer_has_its_numbers() -> None:
    assert row("headers of")[0] == f"{bounded.MOST_HEADER_BYTES >> 10} KiB"
    levels = f"{boundedyaml.MOST_LEVELS} levels"
    assert row("resources of") == [
        f"{limits.MOST_MESSAGES} messages, {limits.MOST_VALUES} values together, {levels}",
    ]
    yaml = f"{boundedyaml.MOST_BYTES >> 20} MiB, {boundedyaml.MOST_VALUES} values, {levels}"
    assert row("YAML from")[0].startswith(f"{yaml};")
    assert row("Helm's record")[0] == f"{helm.MOST_RELEASE_BYTES >> 20} MiB unpacked"
    assert row("a BMC's answer")[0] == f"{channel.MOST_BYTES >> 20} MiB unpacked"
    assert row("BMC (Redfish)")[3].startswith(f"{channel.MOST_REDIRECTS}, ")
