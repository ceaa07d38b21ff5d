"""What a program that only describes things must not contain."""

from __future__ import annotations

from collections.abc import Iterator

from .rule import Resource, Rule

RUNNERS = ("command:", "pulumi-nodejs:dynamic:", "pulumi-python:dynamic/", "pulumi-python:dynamic:")
CREDENTIALS = {
    "talos:machine/configurationApply:ConfigurationApply": ("clientConfiguration", "machineConfigurationInput"),
    "talos:machine/bootstrap:Bootstrap": ("clientConfiguration",),
    "bedplate-native:talos:Bootstrap": ("clientConfiguration",),
    "talos:cluster/kubeconfig:Kubeconfig": ("clientConfiguration",),
    "bedplate-native:kubernetes:ApiReady": ("kubeconfig",),
    "pulumi:providers:kubernetes": ("kubeconfig",),
    "pulumi:providers:matchbox": ("clientKey",),
}


def no_commands(resource: Resource) -> Iterator[str]:
    if resource.type.startswith(RUNNERS):
        yield "it runs code whose effects no plan shows"


def credentials_marked(resource: Resource) -> Iterator[str]:
    for name in resource.in_clear(*CREDENTIALS[resource.type]):
        yield f"{name} is not marked secret, so it is plain in plans and in state"


def not_to_files(resource: Resource) -> Iterator[str]:
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
        kinds=frozenset(CREDENTIALS),
        check=credentials_marked,
        why="Only what is marked secret is encrypted in state and hidden in plans.",
        remedy="wrap the value in pulumi.Output.secret",
    ),
    Rule(
        name="provider-writes-no-files",
        severity="high",
        kinds=frozenset({"pulumi:providers:kubernetes"}),
        check=not_to_files,
        why="Secrets belong in the cluster and in encrypted state, nowhere else.",
        remedy="remove it",
    ),
)
