"""Reads the stack: its file, and its encrypted config. The only place that reads Pulumi's config."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pulumi

from core.facts.versions import out_of_support
from core.model import Platform, StackFileError, sealed, setting, stackfile
from core.model.faults import sentence
from core.model.stackfile import KEY

from . import credentials, engine
from .credentials import Secrets

REVIEW = "BEDPLATE_REVIEW"
"""The environment variable of a plan whose secrets are stand-ins: the hosts of a credential are not known there."""

_NOT_IN_THE_FILE = sentence(
    "has an encrypted value that is not in the stack file of this folder",
    "only the file says which values are secret, and this one could leave in plain text",
    "run in the folder of the stack file, without --config-file",
)


@dataclass(frozen=True, kw_only=True)
class Stack(Secrets):
    """A platform and the credentials to act on it."""

    platform: Platform
    """With stand-ins for what the stack file has encrypted."""
    sealed: Mapping[str, str]
    """Stand-in to secret."""


def load(config: pulumi.Config) -> Stack:
    """What the stack file and the encrypted config describe.

    Raises RunError, which Pulumi shows without a traceback, with every fault of the stack file, or of the credentials.
    """
    engine.prepare()
    platform, sealed_values = _platform(config)
    if since := out_of_support(platform.talos.version, date.today()):
        why = "its security holes are no longer fixed"
        pulumi.log.warn(f"platform.talos.version: {sentence(since, why, 'plan the next minor release')}")
    secrets = credentials.read(config, platform, _file_of_secrets(), sealed_values)
    return Stack(
        platform=platform,
        sealed=sealed_values,
        matchbox=secrets.matchbox,
        bmc=secrets.bmc,
        registries=secrets.registries,
    )


def _file_of_secrets() -> Path | None:
    """The stack file, by the engine's own name for it; None in a review, whose plan knows no secret and sends none."""
    if pulumi.runtime.is_dry_run() and os.environ.get(REVIEW):
        return None
    return _file()


def _platform(config: pulumi.Config) -> tuple[Platform, Mapping[str, str]]:
    """The platform with stand-ins, and stand-in to secret."""
    try:
        raw = config.get_object("platform")
    except pulumi.ConfigTypeError:
        # Text that is not JSON: the loader reports that it is not a mapping.
        raw = config.get("platform")
    try:
        found = sealed.sealed(raw, credentials.config_of(_file()), KEY)
        if not found.secrets and pulumi.runtime.is_config_secret(KEY):
            raise pulumi.RunError(f"{KEY}: {_NOT_IN_THE_FILE}")
        return stackfile.assemble(found.platform, root=Path.cwd(), today=date.today()), found.secrets
    except StackFileError as error:
        raise pulumi.RunError(setting.named(error.report, pulumi.get_stack())) from None


def _file() -> Path:
    """The stack file, by the engine's own name for it. Of a review, too, the folder has it as it is."""
    return Path.cwd() / f"Pulumi.{pulumi.get_stack()}.yaml"
