"""What a stack says, read once. The only place that reads Pulumi's config."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pulumi

from core.facts.versions import out_of_support
from core.model import Platform, StackFileError, included, parse
from core.model.faults import sentence

from . import engine
from .metal import BmcCredentials, Credentials

# The parts of bedplate:matchbox, the stack's secret for the boot server.
_MATCHBOX = ("ca", "certificate", "key")
# And those of bedplate:bmc, for the machines' BMCs.
_BMC = ("username", "password")
# And those of bedplate:registries, one pair for each host.
_REGISTRY = ("username", "password")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A platform and the credentials to act on it."""

    platform: Platform
    matchbox: Credentials | None
    bmc: Mapping[str, BmcCredentials]
    """Machine to who we are at its BMC."""
    registries: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """Registry to the user and the password that machines have there."""


def load(config: pulumi.Config) -> Stack:
    """What the stack file describes. Raises RunError, which Pulumi shows with no traceback, with every fault."""
    engine.prepare()
    try:
        raw = config.get_object("platform")
    except pulumi.ConfigTypeError:
        raw = config.get("platform")
    if raw is None:
        raise pulumi.RunError(
            "platform: "
            + sentence(
                "is missing",
                f"the stack file describes the whole platform under config: {config.name}:platform",
                f"start from Pulumi.dev.yaml for Pulumi.{pulumi.get_stack()}.yaml",
            )
        )
    try:
        platform = parse(included(raw, Path.cwd()), date.today())
    except StackFileError as refused:
        count = len(refused.faults)
        raise pulumi.RunError(f"the stack file has {count} fault{'s' if count > 1 else ''}\n{refused}") from None
    if since := out_of_support(platform.talos.version, date.today()):
        pulumi.log.warn(f"platform.talos.version: {since}; nobody mends its holes; plan the next minor")
    return Stack(
        platform=platform,
        matchbox=_matchbox(config, platform),
        bmc=_bmc(config, platform),
        registries=_registries(config, platform),
    )


def _matchbox(config: pulumi.Config, platform: Platform) -> Credentials | None:
    if platform.boot is None:
        return None
    given = config.get_secret_object("matchbox")
    held = config.get_object("matchbox") or {}
    missing = [part for part in _MATCHBOX if not isinstance(held, dict) or not held.get(part)]
    if missing and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(
            "\n".join(
                f"{config.name}:matchbox.{part}: "
                + sentence(
                    "is missing",
                    f"{platform.boot.matchbox.endpoint} lets in nobody without mTLS credentials",
                    f"./bedplate pulumi config set --secret --path '{config.name}:matchbox.{part}' "
                    f"--stack {pulumi.get_stack()} < {part}.pem",
                )
                for part in missing
            )
        )
    if given is None or missing:
        # A plan needs no credentials: what uses them shows, and is known when they are.
        unknown = _unknown()
        return Credentials(ca=unknown, certificate=unknown, key=unknown)
    return Credentials(ca=given["ca"], certificate=given["certificate"], key=given["key"])


def _bmc(config: pulumi.Config, platform: Platform) -> dict[str, BmcCredentials]:
    """The stack's secret bedplate:bmc: {username, password, machines: {NAME: {username, password}}}."""
    found = config.get_object("bmc")
    held = _mapping(found)
    own = _mapping(held.get("machines"))
    wanted = [name for name, machine in platform.machines.items() if machine.bmc]
    faults: list[str] = []
    made: dict[str, BmcCredentials] = {}
    lacking: dict[str, list[str]] = {part: [] for part in _BMC}
    # One that leaves needs none any more, and may keep them until its entry is deleted.
    for name in sorted(set(own) - set(wanted) - set(platform.leaving)):
        why = (
            "is not a machine with a bmc",
            "its own credentials would silently not be used",
            f"write one of {', '.join(wanted) or 'none'}",
        )
        faults.append(f"{config.name}:bmc.machines.{name}: {sentence(*why)}")
    for name in wanted:
        given = {**held, **_mapping(own.get(name))}
        parts = {part: given.get(part) for part in _BMC}
        for part, value in parts.items():
            if not value:
                lacking[part].append(name)
        # A plan asks no BMC: what is not there yet is known when it is. Digits alone were read as a number.
        known = {part: pulumi.Output.secret(str(value)) if value else _unknown() for part, value in parts.items()}
        made[name] = BmcCredentials(**known)
    if not pulumi.runtime.is_dry_run():
        faults += [_lacking(config, part, names) for part, names in lacking.items() if names]
    if faults:
        raise pulumi.RunError("\n".join(faults))
    return made


def _registries(config: pulumi.Config, platform: Platform) -> dict[str, dict[str, pulumi.Output[str]]]:
    """The stack's secret bedplate:registries: {HOST: {username, password}}."""
    held = _mapping(config.get_object("registries"))
    wanted = platform.registries.auth
    faults = [
        f"{config.name}:registries[{index}]: {sentence('is a host that registries.auth does not name', 'its password would silently not be used', 'add the host to platform.registries.auth, or take the secret away')}"
        for index, host in enumerate(sorted(held))
        if host not in wanted
    ]
    made: dict[str, dict[str, pulumi.Output[str]]] = {}
    for host in wanted:
        parts = {part: _mapping(held.get(host)).get(part) for part in _REGISTRY}
        made[host] = {part: pulumi.Output.secret(str(value)) if value else _unknown() for part, value in parts.items()}
        lacking = [part for part, value in parts.items() if not value]
        if lacking and not pulumi.runtime.is_dry_run():
            faults += [
                f"{config.name}:registries.{host}.{part}: "
                + sentence(
                    "is missing",
                    "the registry gives images to nobody without",
                    f"./bedplate pulumi config set --secret --path '{config.name}:registries[\"{host}\"].{part}' --stack {pulumi.get_stack()}",
                )
                for part in lacking
            ]
    if faults:
        raise pulumi.RunError("\n".join(faults))
    return made


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _lacking(config: pulumi.Config, part: str, machines: list[str]) -> str:
    return f"{config.name}:bmc.{part}: " + sentence(
        f"is missing for {', '.join(machines)}",
        "a BMC lets in nobody without",
        f"./bedplate pulumi config set --secret --path '{config.name}:bmc.{part}' --stack {pulumi.get_stack()}",
    )


def _unknown() -> pulumi.Output[str]:
    """A secret that nobody knows yet."""

    async def later(value: Any) -> Any:
        return value

    return pulumi.Output(set(), later(""), later(False), later(True))
