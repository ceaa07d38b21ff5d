"""Reads the stack: its file, and its encrypted config. The only place that reads Pulumi's config."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pulumi

from clients import judge
from core.effective.judged import UNASKED
from core.loading import stackfile
from core.model import Platform, StackFileError
from core.model.advice import advice

from . import credentials, engine
from .credentials import Secrets

REVIEW = "BEDPLATE_REVIEW"
"""The environment variable of a plan whose secrets are stand-ins: the hosts of a credential are not known there."""


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
    found = _platform(config)
    platform = found.platform
    _put_before_talos(found)
    for warning in advice(platform, date.today()):
        pulumi.log.warn(str(warning))
    secrets = credentials.read(config, platform, _file_of_secrets(), found.secrets)
    return Stack(
        platform=platform,
        sealed=found.secrets,
        matchbox=secrets.matchbox,
        bmc=secrets.bmc,
        registries=secrets.registries,
    )


def _file_of_secrets() -> Path | None:
    """The stack file, by the engine's own name for it; None in a review, whose plan knows no secret and sends none."""
    if pulumi.runtime.is_dry_run() and os.environ.get(REVIEW):
        return None
    return _file()


def _platform(config: pulumi.Config) -> stackfile.Handed:
    try:
        raw = config.get_object("platform")
    except pulumi.ConfigTypeError:
        # Text that is not JSON: the loader reports that it is not a mapping.
        raw = config.get("platform")
    try:
        encrypted = pulumi.runtime.is_config_secret(f"{config.name}:platform")
        return stackfile.handed(raw, _keys(), _file(), root=Path.cwd(), today=date.today(), encrypted=encrypted)
    except StackFileError as error:
        raise pulumi.RunError(error.report) from None


def _file() -> Path:
    """The stack file, by the engine's own name for it. Of a review, too, the folder has it as it is."""
    return Path.cwd() / f"Pulumi.{pulumi.get_stack()}.yaml"


def _keys() -> set[str]:
    """All keys of the program's config, such as bedplate:platform."""
    return {*pulumi.runtime.config.CONFIG.get(), *pulumi.runtime.config.get_config_env()}


def _put_before_talos(found: stackfile.Handed) -> None:
    """Ask Talos' own validation of every machine. Raises RunError with every fault, or where it can't be asked."""
    try:
        refused = judge.refusals(found.platform, os.environ)
    except judge.JudgeError as error:
        why = f"Talos' validation of the machines could not be asked: {error}; {judge.REMEDY}"
        raise pulumi.RunError(why) from None
    if refused is None:
        pulumi.log.info(UNASKED)
    elif refused:
        at = stackfile.placed(refused, _file(), root=Path.cwd()) if found.from_file else refused
        raise pulumi.RunError(StackFileError(at).report)
