"""Rules for every Helm release: where the chart comes from, and that the plan shows its values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rule import Resource, RuleGroup

CHARTS = RuleGroup(frozenset({"helm.sh:Release"}))
EXACT = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[\w.]+)?(\+[\w.]+)?")
PACKED = re.compile(r".*-v?(\d+)\.(\d+)\.(\d+)[\w.+-]*\.tgz")


def chart_pinned(resource: Resource) -> Iterator[str]:
    """Yields a chart without an exact version."""
    chart = resource.inputs["chart"].text() or ""
    if PACKED.fullmatch(chart) and "://" not in chart:
        return
    if not EXACT.fullmatch(resource.inputs["version"].text() or ""):
        yield "version is not an exact version, and chart is not a packed chart with one"


def chart_by_tls(resource: Resource) -> Iterator[str]:
    """Yields a chart or a repository with a http address."""
    for place in (resource.inputs["chart"], resource.inputs.at("repositoryOpts", "repo")):
        if (place.text() or "").startswith("http://"):
            yield f"{place.path} is fetched without TLS"


def values_shown(resource: Resource) -> Iterator[str]:
    """Yields values that come from files, which the plan does not show."""
    if resource.inputs["valueYamlFiles"].given:
        yield "valueYamlFiles contains values that rules can't read"


RULES = (
    CHARTS.rule(
        "chart-is-pinned",
        "high",
        chart_pinned,
        "The chart that is installed must be the one that was reviewed.",
        "set an exact version",
    ),
    CHARTS.rule(
        "chart-comes-by-tls",
        "high",
        chart_by_tls,
        "Anyone who can intercept http chooses what the cluster runs.",
        "use https, oci or a packed chart on disk",
    ),
    CHARTS.rule(
        "chart-values-are-in-the-plan",
        "high",
        values_shown,
        "What the plan does not show can't be reviewed, and no rule checks it.",
        "set the values in the values input",
    ),
)
