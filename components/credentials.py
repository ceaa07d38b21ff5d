"""The stack's encrypted config: the credentials of the boot server, the BMCs and the registries.

A plan needs none of them: a credential that is missing is unknown there. An `up` refuses to start without them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from core.model import Platform
from core.model.faults import sentence

from .metal import BmcCredentials, Credentials

_LOGIN = ("username", "password")


def matchbox(config: pulumi.Config, platform: Platform) -> Credentials | None:
    """The stack's secret bedplate:matchbox, {ca, certificate, key}; None if the platform has no boot server.

    Raises RunError in an `up` if a part is missing.
    """
    if platform.boot is None:
        return None
    given, plain = config.get_secret_object("matchbox"), _mapping(config.get_object("matchbox"))
    missing = [part for part in ("ca", "certificate", "key") if not plain.get(part)]
    why = f"{platform.boot.matchbox.endpoint} admits only clients with mTLS credentials"
    _refuse_update(_missing(config, f"matchbox.{part}", "is missing", why, f"{part}.pem") for part in missing)
    if given is None or missing:
        return Credentials(ca=_unknown(), certificate=_unknown(), key=_unknown())
    return Credentials(ca=given["ca"], certificate=given["certificate"], key=given["key"])


def bmc(config: pulumi.Config, platform: Platform) -> dict[str, BmcCredentials]:
    """Logins keyed by machine, from bedplate:bmc: {username, password, machines: {NAME: {username, password}}}.

    Raises RunError for logins of machines that have no BMC, and in an `up` if a login is missing.
    """
    held = _mapping(config.get_object("bmc"))
    own = _mapping(held.get("machines"))
    wanted = [name for name, machine in platform.machines.items() if machine.bmc]
    _refuse(_unused_logins(config, own, wanted, platform))
    logins = {name: {**held, **_mapping(own.get(name))} for name in wanted}
    for part in _LOGIN:
        lacking = [name for name in wanted if not logins[name].get(part)]
        what, why = f"is missing for {', '.join(lacking)}", "a BMC refuses requests without it"
        _refuse_update([_missing(config, f"bmc.{part}", what, why)] if lacking else [])
    return {name: BmcCredentials(**_login(logins[name])) for name in wanted}


def registries(config: pulumi.Config, platform: Platform) -> dict[str, dict[str, pulumi.Output[str]]]:
    """Logins keyed by registry host, from bedplate:registries: {HOST: {username, password}}.

    Raises RunError for hosts that the platform doesn't name, and in an `up` if a login is missing.
    """
    held = _mapping(config.get_object("registries"))
    wanted = platform.registries.auth
    unused = sentence(
        "is a host that registries.auth does not name",
        "its password would silently not be used",
        "add the host to platform.registries.auth, or remove the secret",
    )
    _refuse(
        f"{config.name}:registries[{index}]: {unused}" for index, host in enumerate(sorted(held)) if host not in wanted
    )
    why = "the registry serves images only to users that log in"
    _refuse_update(
        _missing(config, f"registries.{host}.{part}", "is missing", why, at=f'registries["{host}"].{part}')
        for host in wanted
        for part in _LOGIN
        if not _mapping(held.get(host)).get(part)
    )
    return {host: _login(_mapping(held.get(host))) for host in wanted}


def _unused_logins(
    config: pulumi.Config, own: Mapping[str, Any], wanted: list[str], platform: Platform
) -> Iterable[str]:
    """Faults of logins that no machine uses. A machine that leaves may keep its login until its entry is deleted."""
    for name in sorted(set(own) - set(wanted) - set(platform.leaving)):
        yield f"{config.name}:bmc.machines.{name}: " + sentence(
            "is not a machine with a bmc",
            "its own credentials would silently not be used",
            f"write one of {', '.join(wanted) or 'none'}",
        )


def _missing(config: pulumi.Config, where: str, what: str, why: str, file: str = "", *, at: str = "") -> str:
    """One fault, with the command that sets the secret. at: the path in the command, if it isn't `where`."""
    command = (
        f"./bedplate pulumi config set --secret --path '{config.name}:{at or where}' --stack {pulumi.get_stack()}"
        + (f" < {file}" if file else "")
    )
    return f"{config.name}:{where}: {sentence(what, why, command)}"


def _refuse(faults: Iterable[str]) -> None:
    if lines := list(faults):
        raise pulumi.RunError("\n".join(lines))


def _refuse_update(faults: Iterable[str]) -> None:
    if not pulumi.runtime.is_dry_run():
        _refuse(faults)


def _login(given: Mapping[str, Any]) -> dict[str, pulumi.Output[str]]:
    # Converted to text, because YAML reads a password of digits as a number.
    return {part: pulumi.Output.secret(str(given[part])) if given.get(part) else _unknown() for part in _LOGIN}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _unknown() -> pulumi.Output[str]:
    """A secret that is not known in a plan."""

    async def later(value: Any) -> Any:
        return value

    return pulumi.Output(set(), later(""), later(False), later(True))
