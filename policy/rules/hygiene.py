"""What a program that only describes things must not contain."""

from __future__ import annotations

from collections.abc import Iterator

from core.facts import tokens
from core.native.contracts import SECRET_INPUTS

from .rule import Resource, Rule

# The type tokens of resources that run commands or code.
RUNNERS = ("command:", "pulumi-nodejs:dynamic:", "pulumi-python:dynamic/", "pulumi-python:dynamic:")


def no_commands(resource: Resource) -> Iterator[str]:
    """A resource type that runs code."""
    if resource.type.startswith(RUNNERS):
        yield "it runs code whose effects no plan shows"


def credentials_marked(resource: Resource) -> Iterator[str]:
    """Each credential that is given and not marked secret: core says which inputs are credentials."""
    for name in resource.in_clear(*SECRET_INPUTS[resource.type]):
        yield f"{name} is not marked secret, so it is plain in plans and in state"


def not_to_files(resource: Resource) -> Iterator[str]:
    """A provider that writes manifests to files."""
    if resource.inputs["renderYamlToDirectory"].given:
        yield "renderYamlToDirectory writes every object, Secrets in plain text, to disk"


RULES = (
    Rule(
        name="plan-runs-no-commands",
        severity="high",
        kinds=frozenset(),
        check=no_commands,
        partial=True,
        inputless=True,
        why="A plan must show everything that will happen.",
        remedy="use a resource that says what it makes, or one of the platform's own provider",
    ),
    Rule(
        name="credentials-are-marked-secret",
        severity="critical",
        kinds=frozenset(SECRET_INPUTS),
        check=credentials_marked,
        why="Only what is marked secret is encrypted in state and hidden in plans.",
        remedy="wrap the value in pulumi.Output.secret",
    ),
    Rule(
        name="provider-writes-no-files",
        severity="high",
        kinds=frozenset({tokens.KUBERNETES_PROVIDER}),
        check=not_to_files,
        why="Secrets belong in the cluster and in encrypted state, nowhere else.",
        remedy="remove it",
    ),
)
