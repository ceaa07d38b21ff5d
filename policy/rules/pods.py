"""Where each kind of workload has its pod, and what rules read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .field import Field
from .rule import Resource, RuleGroup

TEMPLATES = {
    "core:Pod": ("spec",),
    "core:PodTemplate": ("template", "spec"),
    "core:ReplicationController": ("spec", "template", "spec"),
    "apps:Deployment": ("spec", "template", "spec"),
    "apps:DaemonSet": ("spec", "template", "spec"),
    "apps:StatefulSet": ("spec", "template", "spec"),
    "apps:ReplicaSet": ("spec", "template", "spec"),
    "batch:Job": ("spec", "template", "spec"),
    "batch:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
WORKLOADS = frozenset(TEMPLATES)
# Rules also judge patches, unless they require a field.
PODS = RuleGroup(WORKLOADS, partial=True)
TAG = re.compile(r"[^:@]+:(?!latest$)\w[\w.-]{0,127}")
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


def pinned(image: str) -> bool:
    """Whether an image has a digest, or a tag other than latest. A port is not a tag: it precedes the last slash."""
    return bool(DIGEST.fullmatch(image) or TAG.fullmatch(image.rpartition("/")[2]))


def pod(resource: Resource) -> Field:
    """The pod's spec, wherever its kind of workload has it."""
    return resource.inputs.at(*TEMPLATES[resource.kind])


def containers(resource: Resource) -> Iterator[Field]:
    """Each container of the pod: init, regular and ephemeral."""
    spec = pod(resource)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec[group].items()


def security_contexts(resource: Resource) -> Iterator[Field]:
    """The security context of each container."""
    yield from (container["securityContext"] for container in containers(resource))
