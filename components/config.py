"""Reads the stack: its file, and its encrypted config. The only place that reads Pulumi's config."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pulumi

from core.facts.versions import out_of_support
from core.model import Platform, StackFileError, included, parse
from core.model.faults import sentence

from . import credentials, engine
from .metal import BmcCredentials, Credentials


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A platform and the credentials to act on it."""

    platform: Platform
    matchbox: Credentials | None
    """None if the platform has no boot server."""
    bmc: Mapping[str, BmcCredentials]
    """Machine to its BMC's login."""
    registries: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """Registry host to `username` and `password`."""


def load(config: pulumi.Config) -> Stack:
    """What the stack file and the encrypted config describe.

    Raises RunError, which Pulumi shows without a traceback, with every fault of the stack file.
    """
    engine.prepare()
    platform = _platform(config)
    if since := out_of_support(platform.talos.version, date.today()):
        why = "its security holes are no longer fixed"
        pulumi.log.warn(f"platform.talos.version: {sentence(since, why, 'plan the next minor release')}")
    return Stack(
        platform=platform,
        matchbox=credentials.matchbox(config, platform),
        bmc=credentials.bmc(config, platform),
        registries=credentials.registries(config, platform),
    )


def _platform(config: pulumi.Config) -> Platform:
    try:
        raw = config.get_object("platform")
    except pulumi.ConfigTypeError:
        raw = config.get("platform")
    if raw is None:
        missing = sentence(
            "is missing",
            f"the stack file describes the whole platform under config: {config.name}:platform",
            f"start from Pulumi.dev.yaml for Pulumi.{pulumi.get_stack()}.yaml",
        )
        raise pulumi.RunError(f"platform: {missing}")
    try:
        return parse(included(raw, Path.cwd()), date.today())
    except StackFileError as refused:
        count = len(refused.faults)
        raise pulumi.RunError(f"the stack file has {count} fault{'s' if count > 1 else ''}\n{refused}") from None
