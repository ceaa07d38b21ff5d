"""A stack's platform and credentials. The only place that reads Pulumi's config."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pulumi

from core.facts.versions import out_of_support
from core.model import Platform, StackFileError, stackfile
from core.model.faults import sentence

from . import failures
from .metal import BmcCredentials, Credentials

# The keys of the stack's secret bedplate:matchbox, for the boot server.
_MATCHBOX = ("ca", "certificate", "key")
# The keys of the stack's secrets bedplate:bmc and, for each host, bedplate:registries.
_USER_AND_PASSWORD = ("username", "password")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A platform and the credentials to act on it."""

    platform: Platform
    matchbox: Credentials | None
    bmc: Mapping[str, BmcCredentials]
    """Machine to the credentials for its BMC."""
    registries: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """Host of a registry to username and password."""


def load(config: pulumi.Config) -> Stack:
    """What the stack file describes, with the credentials from the stack's secrets.

    Raises RunError, which Pulumi shows without a traceback, with every fault.
    """
    failures.tell_plainly()
    try:
        platform = stackfile.assemble(_platform(config), root=Path.cwd(), today=date.today())
    except StackFileError as error:
        raise pulumi.RunError(error.report) from None
    if since := out_of_support(platform.talos.version, date.today()):
        pulumi.log.warn(
            f"platform.talos.version: {since}, so it gets no security fixes; plan the upgrade to the next minor"
        )
    return Stack(
        platform=platform,
        matchbox=_matchbox(config, platform),
        bmc=_bmc(config, platform),
        registries=_registries(config, platform),
    )


def _platform(config: pulumi.Config) -> Any:
    try:
        return config.get_object("platform")
    except pulumi.ConfigTypeError:
        # Text that is not JSON: the model says what a platform must be.
        return config.get("platform")


def _matchbox(config: pulumi.Config, platform: Platform) -> Credentials | None:
    """The boot server's credentials; in a plan, those that are not set yet are unknown."""
    if platform.boot is None:
        return None
    secret = config.get_secret_object("matchbox")
    plain = _mapping(config.get_object("matchbox"))
    missing = [key for key in _MATCHBOX if not plain.get(key)]
    if missing and not pulumi.runtime.is_dry_run():
        why = f"{platform.boot.matchbox.endpoint} accepts no client without mTLS credentials"
        raise pulumi.RunError(
            "\n".join(_missing(config, f"matchbox.{key}", why, source=f" < {key}.pem") for key in missing)
        )
    if secret is None or missing:
        unknown = _unknown()
        return Credentials(ca=unknown, certificate=unknown, key=unknown)
    return Credentials(ca=secret["ca"], certificate=secret["certificate"], key=secret["key"])


def _bmc(config: pulumi.Config, platform: Platform) -> dict[str, BmcCredentials]:
    """Machine to its BMC's credentials, from bedplate:bmc: {username, password, machines: {NAME: {…}}}."""
    shared = _mapping(config.get_object("bmc"))
    own = _mapping(shared.get("machines"))
    machines = [name for name, machine in platform.machines.items() if machine.bmc]
    faults = []
    # A machine that is being decommissioned needs none any more, and may keep them until its entry is deleted.
    for name in sorted(set(own) - set(machines) - set(platform.leaving)):
        text = sentence(
            "is not a machine with a bmc",
            "its credentials would silently have no effect",
            f"write one of {', '.join(machines) or 'the machines with a bmc'}",
        )
        faults.append(f"{config.name}:bmc.machines.{name}: {text}")
    values = {
        name: {key: {**shared, **_mapping(own.get(name))}.get(key) for key in _USER_AND_PASSWORD} for name in machines
    }
    for key in _USER_AND_PASSWORD if not pulumi.runtime.is_dry_run() else ():
        if lacking := [name for name in machines if not values[name][key]]:
            why = "a BMC accepts no request without it"
            faults.append(_missing(config, f"bmc.{key}", why, what=f"is missing for {', '.join(lacking)}"))
    if faults:
        raise pulumi.RunError("\n".join(faults))
    return {name: BmcCredentials(**{key: _secret(value) for key, value in values[name].items()}) for name in machines}


def _registries(config: pulumi.Config, platform: Platform) -> dict[str, dict[str, pulumi.Output[str]]]:
    """Host of a registry to username and password, from bedplate:registries: {HOST: {username, password}}."""
    plain = _mapping(config.get_object("registries"))
    hosts = platform.registries.auth
    text = sentence(
        "is a host that registries.auth does not list",
        "its password would silently have no effect",
        "add the host to platform.registries.auth, or remove the secret",
    )
    # By number: what was pasted as a host may be a password.
    faults = [f"{config.name}:registries[{i}]: {text}" for i, host in enumerate(sorted(plain)) if host not in hosts]
    values = {host: {key: _mapping(plain.get(host)).get(key) for key in _USER_AND_PASSWORD} for host in hosts}
    if not pulumi.runtime.is_dry_run():
        why = "the registry serves no image without it"
        faults += [
            _missing(config, f"registries.{host}.{key}", why, path=f'registries["{host}"].{key}')
            for host, credentials in values.items()
            for key, value in credentials.items()
            if not value
        ]
    if faults:
        raise pulumi.RunError("\n".join(faults))
    return {host: {key: _secret(value) for key, value in values[host].items()} for host in hosts}


def _missing(
    config: pulumi.Config, key: str, why: str, *, what: str = "is missing", path: str = "", source: str = ""
) -> str:
    """The message for a secret that is not set, with the command that sets it.

    path: the key as that command writes it. source: where it reads the value from.
    """
    command = f"./bedplate pulumi config set --secret --path '{config.name}:{path or key}'"
    return f"{config.name}:{key}: {sentence(what, why, f'{command} --stack {pulumi.get_stack()}{source}')}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _secret(value: Any) -> pulumi.Output[str]:
    """A secret's value; one that is not set is unknown, since a plan does not use it. Digits alone come as a number."""
    return pulumi.Output.secret(str(value)) if value else _unknown()


def _unknown() -> pulumi.Output[str]:
    """A secret whose value is not known yet."""

    async def later(value: Any) -> Any:
        return value

    return pulumi.Output(set(), later(""), later(False), later(True))
