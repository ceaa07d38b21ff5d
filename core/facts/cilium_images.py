"""The images that Cilium's charts name, with their digests, for the charts that this release knows."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Source: cilium/charts (what https://helm.cilium.io serves): values.yaml in the packed chart of each version.
_FILE = Path(__file__).with_name("shapes") / "cilium-images.json"
# Source: cilium/charts, values.yaml in the packed chart of each version.
REPOSITORY = "quay.io/cilium"
# Source: cilium/charts, values.yaml in the packed chart of each version.
OWN: Mapping[str, str] = {"agent": "cilium", "operator": "operator-generic", "relay": "hubble-relay"}
"""Images that have the version of the chart: name to their repository."""


@cache
def cilium_images() -> Mapping[str, Mapping[str, str]]:
    """Version of the chart to its images: agent, operator, envoy, relay, ui, ui-backend and certgen."""
    known: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return known
