"""Rules for every Helm release: where the chart comes from, and that the plan shows what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.facts.addresses import is_plain
from core.facts.charts import is_pinned

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


def chart_chosen_here(resource: Resource) -> Iterator[str]:
    """Yields a chart whose contents somebody else chooses, or that can reach files outside of itself."""
    if not is_pinned(resource.inputs["chart"].text() or ""):
        yield "chart is neither a path of the checkout nor an oci:// address with its digest"
    repository = resource.inputs.at("repositoryOpts", "repo")
    if repository.given and not is_plain(repository.text() or ""):
        yield f"{repository.path} is not a plain address"


def nothing_run(resource: Resource) -> Iterator[str]:
    """Yields commands that Helm runs on this computer, and charts that it downloads besides."""
    # In an `up`, unlike in a plan, the Kubernetes plugin has completed the inputs: an empty text is its default.
    if resource.inputs["postrender"].given and resource.inputs["postrender"].value != "":
        yield "postrender is a command that Helm runs where the plan is made"
    if resource.inputs["dependencyUpdate"].flag():
        yield "dependencyUpdate downloads other charts, whose contents no plan shows"


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
        "chart-has-its-digest",
        "critical",
        chart_chosen_here,
        "A chart runs with all rights, and Helm compares no digest of what a repository serves.",
        "use a path that starts with ./ and stays in the checkout, or oci://…@sha256:…",
    ),
    CHARTS.rule(
        "chart-runs-no-commands",
        "critical",
        nothing_run,
        "A plan must show everything that will happen.",
        "remove it, and keep the chart's dependencies in the chart",
    ),
    CHARTS.rule(
        "chart-values-are-in-the-plan",
        "high",
        values_shown,
        "What the plan does not show can't be reviewed, and no rule checks it.",
        "set the values in the values input",
    ),
)
