"""The stack's encrypted config: the credentials of the boot server, the BMCs and the registries.

A plan needs none of them: a credential that is missing is unknown there. An `up` refuses to start without them. Each
credential says to which hosts it may be sent, and a plan refuses addresses of the stack file that are not among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from core.credentials import hosts
from core.credentials.hosts import HOSTS
from core.model import Platform, stored
from core.model.faults import sentence
from core.printable import LINE_CHARACTERS, printable

from .encrypted import config_of, credential, mapping, secret_texts
from .login import LOGIN, login_of, unknown
from .metal import BmcCredentials, Credentials

_MTLS = ("ca", "certificate", "key")
KINDS = stored.KINDS
"""The secrets of a stack, by their keys after the project's name."""
# A shorter text may be in two places by chance.
_TELLING = 6


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The credentials of a stack."""

    matchbox: Credentials | None
    """None if the platform has no boot server."""
    bmc: Mapping[str, BmcCredentials]
    """Machine to its BMC's login."""
    registries: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """Registry host to `username` and `password`."""


def read(config: pulumi.Config, platform: Platform, file: Path | None, sealed_values: Mapping[str, str]) -> Secrets:
    """The credentials in the encrypted config, which a stack file contains.

    bedplate:matchbox: {ca, certificate, key, hosts}. bedplate:bmc: {username, password, hosts, machines: {NAME:
    {username, password, hosts}}}. bedplate:registries: {HOST: {username, password, hosts}}.
    file: None if the secrets are stand-ins, so that their hosts are not known. sealed_values: stand-in to secret of
    the platform.
    Raises RunError with every fault: a login that nothing uses, a host that a login is not for, and in an `up` a part
    that is missing.
    """
    stored_in = config_of(file) if file else {}
    reading = _Reading(config, platform, stand_ins=file is None)
    faults = [
        *reading.shape(stored_in),
        *reading.copied(sealed_values),
        *reading.matchbox_faults(),
        *reading.bmc_faults(),
        *reading.registry_faults(),
    ]
    if faults:
        raise pulumi.RunError("\n".join(printable(fault, LINE_CHARACTERS) for fault in faults))
    return Secrets(matchbox=reading.matchbox(), bmc=reading.bmc(), registries=reading.registries())


class _Reading:
    """The encrypted config of one run, beside the platform that uses it."""

    def __init__(self, config: pulumi.Config, platform: Platform, stand_ins: bool) -> None:
        self._config, self._platform, self._stand_ins = config, platform, stand_ins
        self._held = {kind: credential(config, kind) for kind in KINDS}
        self._matchbox, self._bmc, self._registries = (mapping(self._held[kind]) for kind in KINDS)
        self._own = mapping(self._bmc.get("machines"))
        self._urls = {name: machine.bmc.url for name, machine in platform.machines.items() if machine.bmc}
        self._logins = {name: {**self._bmc, **mapping(self._own.get(name))} for name in self._urls}

    # What is held, for the components.

    def matchbox(self) -> Credentials | None:
        if self._platform.boot is None:
            return None
        if not all(self._matchbox.get(part) for part in _MTLS):
            return Credentials(ca=unknown(), certificate=unknown(), key=unknown())
        ca, certificate, key = (pulumi.Output.secret(str(self._matchbox[part])) for part in _MTLS)
        return Credentials(ca=ca, certificate=certificate, key=key)

    def bmc(self) -> dict[str, BmcCredentials]:
        return {name: BmcCredentials(**login_of(login)) for name, login in self._logins.items()}

    def registries(self) -> dict[str, dict[str, pulumi.Output[str]]]:
        return {host: login_of(mapping(self._registries.get(host))) for host in self._platform.registries.auth}

    # Faults.

    def shape(self, stored_in: Mapping[str, Any]) -> Iterator[str]:
        """Parts in plain text, and credentials of another shape. stored_in: what the file has under `config:`."""
        stack, found = pulumi.get_stack(), {}
        for path, text in stored.faults(stored_in, self._config.name, stack):
            found[path] = text
        for kind, value in self._held.items():
            for path, text in stored.hidden_faults(kind, value, self._config.name, stack):
                if not any(known[0] == path[0] for known in found):
                    found[path] = text
        yield from (f"{'.'.join(path)}: {text}" for path, text in found.items())

    def copied(self, sealed_values: Mapping[str, str]) -> Iterator[str]:
        """A value of the platform that is the text of a credential."""
        known = {
            str(text) for value in self._held.values() for text in secret_texts(value) if len(str(text)) >= _TELLING
        }
        if any(secret in known for secret in sealed_values.values()):
            yield f"{self._config.name}:platform: " + sentence(
                "has an encrypted value with the text of a credential of the stack",
                "an encrypted text can be copied to another key by someone who can't read it",
                "use another password there, and encrypt it for its place",
            )

    def matchbox_faults(self) -> Iterator[str]:
        if self._platform.boot is None:
            return
        endpoint = self._platform.boot.matchbox.endpoint
        why = f"{endpoint} admits only clients with mTLS credentials"
        for part in _MTLS:
            if not self._matchbox.get(part):
                yield from self._missing(f"matchbox.{part}", "is missing", why, f"{part}.pem")
        if any(self._matchbox.get(part) for part in _MTLS):
            used = {"platform.boot.matchbox.endpoint": endpoint}
            yield from self._elsewhere("matchbox", self._matchbox.get(HOSTS), used)

    def bmc_faults(self) -> Iterator[str]:
        # A machine that leaves may keep its login until its entry is deleted.
        for name in sorted(set(self._own) - set(self._urls) - set(self._platform.leaving)):
            yield f"{self._config.name}:bmc.machines.{name}: " + sentence(
                "is not a machine with a bmc",
                "its own credentials would silently not be used",
                f"write one of {', '.join(self._urls) or 'none'}",
            )
        for part in LOGIN:
            if lacking := [name for name, login in self._logins.items() if not login.get(part)]:
                what, why = f"is missing for {', '.join(lacking)}", "a BMC refuses requests without it"
                yield from self._missing(f"bmc.{part}", what, why)
        for path, given, names in self._bmc_hosts():
            yield from self._elsewhere(
                path, given, {f"platform.machines.{name}.bmc.url": self._urls[name] for name in names}
            )

    def _bmc_hosts(self) -> Iterator[tuple[str, object, list[str]]]:
        """Each list of hosts: its path, the hosts, and the machines whose logins it limits."""
        held = [name for name, login in self._logins.items() if any(login.get(part) for part in LOGIN)]
        alone = [name for name in held if HOSTS in mapping(self._own.get(name))]
        if shared := [name for name in held if name not in alone]:
            yield "bmc", self._bmc.get(HOSTS), shared
        for name in alone:
            yield f"bmc.machines.{name}", self._logins[name][HOSTS], [name]

    def registry_faults(self) -> Iterator[str]:
        wanted = self._platform.registries.auth
        unused = sentence(
            "is a host that registries.auth does not name",
            "its password would silently not be used",
            "add the host to platform.registries.auth, or remove the secret",
        )
        for index, host in enumerate(sorted(self._registries)):
            if host not in wanted:
                yield f"{self._config.name}:registries[{index}]: {unused}"
        why = "the registry serves images only to users that log in"
        for index, host in enumerate(wanted):
            login = mapping(self._registries.get(host))
            for part in LOGIN:
                if not login.get(part):
                    yield from self._missing(f"registries.{host}.{part}", "is missing", why, at=_at(host, part))
            if any(login.get(part) for part in LOGIN):
                used = {f"platform.registries.auth.{index}": host}
                yield from self._elsewhere(f"registries.{host}", login.get(HOSTS), used, at=f'registries["{host}"]')

    def _elsewhere(self, path: str, given: object, used: Mapping[str, str], *, at: str = "") -> Iterator[str]:
        """Faults of a login's hosts, and of each address that is not one of them.

        path: the login's. used: the path of each address in the stack file to the address. at: as in _command.
        """
        if self._stand_ins:
            return
        where, setting = f"{self._config.name}:{path}.{HOSTS}", f"{at or path}.{HOSTS}"
        if not given:
            yield f"{where}: " + sentence(
                "is missing",
                "without it the credentials would be sent to any address that the stack file names",
                f"check these hosts, and run: {self._command(setting, hosts.suggestion(used.values()))}",
            )
            return
        try:
            allowed = hosts.parse(given)
        except hosts.HostsError as error:
            yield f"{where}{error.place}: {error}: {self._command(setting, hosts.suggestion(used.values()))}"
            return
        if hosts.is_other(given, (self._bmc, self._matchbox, *map(mapping, self._all()))):
            yield f"{where}: " + sentence(
                "has the text of another secret",
                "an encrypted text can be copied to another key by someone who can't read it",
                f"write the hosts again: {self._command(setting, 'HOSTS')}",
            )
        for place, address in used.items():
            host = hosts.host_of(address)
            if host not in allowed:
                yield f"{place}: " + sentence(
                    f"{host} is not among the hosts of the secret {where}",
                    "the credentials would be sent to a host that they are not for",
                    f"correct the address, or set all hosts again: {self._command(setting, f'HOSTS, {host}')}",
                )

    def _all(self) -> Iterator[object]:
        yield from (*self._own.values(), *self._registries.values())

    def _missing(self, where: str, what: str, why: str, file: str = "", *, at: str = "") -> Iterator[str]:
        """In an `up`, the fault of a missing part, with the command that sets it."""
        if not pulumi.runtime.is_dry_run():
            command = self._command(at or where) + (f" < {file}" if file else "")
            yield f"{self._config.name}:{where}: {sentence(what, why, command)}"

    def _command(self, path: str, value: str = "") -> str:
        """The command that sets a secret; without a value, it reads the value from stdin."""
        shown = f" '{value}'" if value else ""
        return (
            f"./bedplate pulumi config set --secret --path '{self._config.name}:{path}'{shown} "
            f"--stack {pulumi.get_stack()}"
        )


def _at(host: str, part: str) -> str:
    return f'registries["{host}"].{part}'
