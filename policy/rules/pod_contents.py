"""Rules for what a pod runs and mounts: images, Secrets, accounts, memory."""

from __future__ import annotations

from collections.abc import Iterator

from .pods import DIGEST, PODS, containers, pinned, pod
from .rule import Resource


def no_secret_env(resource: Resource) -> Iterator[str]:
    """Yields environment variables that are read from a Secret."""
    for container in containers(resource):
        for variable in container["env"].items():
            if variable.at("valueFrom", "secretKeyRef").given:
                yield f"{variable.path} reads a secret into the environment"
        for source in container["envFrom"].items():
            if source["secretRef"].given:
                yield f"{source.path} reads a secret into the environment"


def token_on_purpose(resource: Resource) -> Iterator[str]:
    """Yields a pod that mounts the default service account's token."""
    spec = pod(resource)
    account = spec["serviceAccountName"].text() or spec["serviceAccount"].text() or "default"
    if account == "default" and spec["automountServiceAccountToken"].flag() is not False:
        yield f"{spec.path} mounts the token of the default service account"


def image_pinned(resource: Resource) -> Iterator[str]:
    """Yields images without a fixed tag or digest."""
    for container in containers(resource):
        if not pinned(container["image"].text() or ""):
            yield f"{container.path}.image has no tag, or the moving tag latest"


def image_by_digest(resource: Resource) -> Iterator[str]:
    """Yields images without a digest."""
    for container in containers(resource):
        if not DIGEST.fullmatch(container["image"].text() or ""):
            yield f"{container.path}.image is not named by its digest"


def memory_limited(resource: Resource) -> Iterator[str]:
    """Yields containers without a memory limit."""
    for container in pod(resource)["containers"].items():
        if not container.at("resources", "limits", "memory").given:
            yield f"{container.path}.resources.limits.memory is not set"


RULES = (
    PODS.rule(
        "pod-reads-secrets-from-files",
        "medium",
        no_secret_env,
        "Environment variables leak through logs, crash dumps and child processes, and keep a Secret's old value.",
        "mount the secret as a volume",
        "CIS 5.4.1",
    ),
    PODS.rule(
        "pod-chooses-its-account",
        "medium",
        token_on_purpose,
        "Rights of the default account apply to every pod of the namespace.",
        "set automountServiceAccountToken: false, or serviceAccountName to an account of its own",
        "CIS 5.1.5",
        "CIS 5.1.6",
        partial=False,
    ),
    PODS.rule(
        "pod-image-is-pinned",
        "high",
        image_pinned,
        "The image that runs must be the one that was reviewed.",
        "give a version, preferably with its digest",
        "CIS 5.5.1",
        partial=False,
    ),
    PODS.rule(
        "pod-image-has-digest",
        "low",
        image_by_digest,
        "A tag can be moved; a digest can't.",
        "append @sha256:... to the image",
        "CIS 5.5.1",
        level="opt-in",
        partial=False,
    ),
    PODS.rule(
        "pod-memory-is-limited",
        "low",
        memory_limited,
        "Talos' out-of-memory handler kills pods without a limit first.",
        "set a limit with some headroom",
        level="opt-in",
        partial=False,
    ),
)
