"""What a machine's BMC is asked: who the machine is, to boot from the network once, to be on."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sushy
from sushy import connector, exceptions

from provider.framework import UserError

from .access import Access
from .channel import Channel, Deadline, Unanswered

# How often a BMC is asked whether it is done, and how often we say that we still wait.
POLL_SECONDS = 2.0
SAY_SECONDS = 15.0
# Boot options are taken over late by some.
SETTLE_SECONDS = 20.0

# It tells the log in its own words what is told here in ours.
logging.getLogger("sushy").addHandler(logging.NullHandler())
logging.getLogger("sushy").propagate = False

Say = Callable[[str], None]
_MODES = {"uefi": sushy.BOOT_SOURCE_MODE_UEFI, "legacy": sushy.BOOT_SOURCE_MODE_BIOS}
# AMI takes boot options for the state to come alone, at an address of its own, from who has seen its ETag.
_FUTURE_STATE = "OperationSupportedInFutureStateURI"


@dataclass(frozen=True)
class Identity:
    """Which machine this is, as its BMC tells it."""

    uuid: str
    serial: str
    macs: tuple[str, ...]


class _Connector(connector.Connector):  # type: ignore[misc]
    """sushy's, over a channel that paces, trusts and ends."""

    def __init__(self, url: str, channel: Channel) -> None:
        # One try: the channel repeats what may be repeated, and a zero means ten of sushy's own.
        super().__init__(url, server_side_retries=1, server_side_retries_delay=0)
        own: Any = self._session
        channel.headers.update(own.headers)
        own.close()
        self._session: Any = channel


class System:
    """One system behind a BMC, connected. Every method raises Failed, in one line."""

    def __init__(self, access: Access, seconds: float, say: Say) -> None:
        self._access, self._say = access, say
        self._url = access.url.rstrip("/")
        self._deadline = Deadline.after(seconds)
        self._connector = _Connector(self._url, Channel(access, self._deadline, say))
        with self._told("be read"):
            # Basic and no session: BMCs keep few, and one of a run that was killed is never given back.
            self._root = sushy.Sushy(
                self._url, connector=self._connector, auth=sushy.auth.BasicAuth(access.username, access.password)
            )
            self._system = self._find()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """sushy's errors in one line each. Their own text may hold a whole answer."""
        try:
            yield
        except exceptions.AccessError as error:
            if error.status_code == 401:
                raise UserError(
                    f"{self._url} refuses these credentials (HTTP 401); the machine can be neither identified nor "
                    "switched; set the right ones with: ./bedplate pulumi config set --secret --path "
                    "'bedplate:bmc.password' --stack STACK"
                ) from None
            raise UserError(
                f"{self._url} lets this user in, but {self._access.system} can't {what} by it (HTTP {error.status_code}); "
                "its role is too low; give it the role Operator"
            ) from None
        except exceptions.HTTPError as error:
            raise UserError(
                f"{self._url} answers HTTP {error.status_code}, and {self._access.system} can't {what} "
                f"({self._shown(error.detail)}); it is asked as Redfish has it; look at the BMC's own log, and for a newer firmware"
            ) from None
        except exceptions.InvalidParameterValueError as error:
            raise UserError(
                f"{self._access.system} of {self._url} can't {what}: it does not offer that ({self._shown(str(error))}); "
                "nothing else would do; look for a newer firmware, or do it by hand"
            ) from None
        except (exceptions.SushyError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise UserError(
                f"{self._url} does not speak Redfish as it should, and {self._access.system} can't {what} "
                f"({type(error).__name__}); the address may be another device's; check bmc.url with: curl -k {self._url}/redfish/v1/"
            ) from None

    def _find(self) -> Any:
        """The system by its id or its path. Ids are what the BMC's maker thought of: 1, Self, System.Embedded.1."""
        paths = self._root.get_system_collection().members_identities
        wanted = self._access.system.rstrip("/")
        for path in paths:
            if wanted in (path.rstrip("/"), path.rstrip("/").rsplit("/", 1)[-1]):
                return self._root.get_system(path)
        there = ", ".join(sorted(p.rstrip("/").rsplit("/", 1)[-1] for p in paths)) or "none"
        raise UserError(
            f"{self._url} has no system {wanted}; the machine can be neither identified nor switched; "
            f"write one of those there are as bmc.system: {there}"
        )

    def identity(self) -> Identity:
        with self._told("be read"):
            told = self._system
            serial = (told.json.get("SerialNumber") or "").strip()
            return Identity(str(told.uuid or "").lower(), serial, self._macs())

    def _macs(self) -> tuple[str, ...]:
        """Those that it lists. Many know none before the machine was on for the first time."""
        try:
            links = self._system.ethernet_interfaces.get_members()
        except (exceptions.ResourceNotFoundError, exceptions.MissingAttributeError):
            return ()
        return tuple(sorted({link.mac_address.lower() for link in links if link.mac_address}))

    def power(self) -> str:
        """On, Off, or what else it says."""
        with self._told("be read"):
            # Not by sushy's refresh: it asks for every link again as well.
            return str(self._connector.get(self._system.path).json()["PowerState"])

    def pxe_once(self, mode: str) -> None:
        """The next boot, and that one alone, is from the network."""
        with self._told("be told to boot from the network"):
            where, with_mode = self._override(mode)
            end = Deadline.after(min(SETTLE_SECONDS, self._deadline.left))
            while not _took(seen := self._boot(where)):
                if not end.left:
                    raise UserError(
                        f"{self._access.system} of {self._url} took the order to boot from the network once, and reads "
                        f"back {seen.get('BootSourceOverrideTarget')}, {seen.get('BootSourceOverrideEnabled')}; it would "
                        "boot something else, or install again at every boot; look for a newer firmware, or boot it by hand"
                    )
                time.sleep(min(POLL_SECONDS, end.left))
            now = seen.get("BootSourceOverrideMode")
            if not with_mode and now and now != _MODES[mode].value:
                raise UserError(
                    f"{self._access.system} of {self._url} boots in mode {now} and refuses to be told {mode}; it would "
                    f"load what can't start; write boot_mode: {'legacy' if mode == 'uefi' else 'uefi'}, or set {mode} in its firmware"
                )

    def _override(self, mode: str) -> tuple[str, bool]:
        """Where the order was taken, and whether with the mode: some refuse to hear of it."""
        for with_mode in (True, False):
            try:
                self._system.set_system_boot_options(
                    target=sushy.BOOT_SOURCE_TARGET_PXE,
                    enabled=sushy.BOOT_SOURCE_ENABLED_ONCE,
                    mode=_MODES[mode] if with_mode else None,
                )
                return self._system.path, with_mode
            except exceptions.HTTPError as error:
                if _FUTURE_STATE in str(error.body):
                    return self._future(mode), True
                if not with_mode or error.status_code not in (400, 405, 409, 422, 500, 501):
                    raise
                self._say(f"{self._url} does not take the boot mode (HTTP {error.status_code}); it is asked without")
        raise AssertionError

    def _future(self, mode: str) -> str:
        path = f"{self._system.path.rstrip('/')}/SD"
        seen = self._connector.get(path)
        boot = {
            "BootSourceOverrideTarget": "Pxe",
            "BootSourceOverrideEnabled": "Once",
            "BootSourceOverrideMode": _MODES[mode].value,
        }
        self._connector.patch(path, data={"Boot": boot}, headers={"If-Match": seen.headers.get("ETag") or "*"})
        return path

    def _boot(self, path: str) -> dict[str, Any]:
        boot = self._connector.get(path).json().get("Boot")
        return boot if isinstance(boot, dict) else {}

    def ordered(self) -> bool:
        """Whether the next boot is from the network, and that one alone."""
        with self._told("be read"):
            if _took(self._boot(self._system.path)):
                return True
            try:
                # Where AMI keeps what is to come.
                return _took(self._boot(f"{self._system.path.rstrip('/')}/SD"))
            except exceptions.HTTPError as error:
                if error.status_code in (404, 405):
                    return False
                raise

    def off(self) -> None:
        """Off: what runs is cut off. Waits until it is."""
        if self.power() != "Off":
            self._reset(sushy.RESET_FORCE_OFF, "Off", "be switched off")

    def on(self) -> None:
        """On. Waits until it is."""
        self._reset(sushy.RESET_ON, "On", "be switched on")

    def wait_on(self) -> None:
        """Returns once it is on, whoever switched it on."""
        self._wait("On", "be switched on")

    def _reset(self, kind: Any, state: str, what: str) -> None:
        with self._told(what):
            try:
                self._system.reset_system(kind)
            except Unanswered as unanswered:
                self._say(f"{self._url} may {what} or not ({unanswered}); its power is read")
            except exceptions.HTTPError:
                # Already there: some call that a conflict.
                if self.power() != state:
                    raise
        self._wait(state, what)

    def _wait(self, state: str, what: str) -> None:
        start = said = time.monotonic()
        now = "nothing yet"
        while self._deadline.left:
            try:
                now = self.power()
            except UserError:
                # The time may end while it is asked: that it was asked in vain is then not the point.
                if self._deadline.left:
                    raise
            if now == state:
                return
            if time.monotonic() - said >= SAY_SECONDS:
                said = time.monotonic()
                self._say(f"waiting for {self._access.system} to {what}, {said - start:.0f} s (it is {now})")
            time.sleep(min(POLL_SECONDS, self._deadline.left))
        raise UserError(
            f"{self._access.system} of {self._url} could not {what} within {self._deadline.seconds:.0f} s (its BMC says: "
            f"{now}); nothing after it can be made; look at its console and its power supply, and run up again"
        )

    def _shown(self, text: str | None) -> str:
        """What a BMC says: a stranger's text, so without what it may have repeated of ours, and cut."""
        line = " ".join((text or "no reason given").split())
        for secret in (self._access.password, self._access.username):
            line = line.replace(secret, "***") if secret else line
        return line if len(line) <= 120 else line[:119] + "…"

    def close(self) -> None:
        self._connector.close()


def _took(boot: dict[str, Any]) -> bool:
    return (boot.get("BootSourceOverrideTarget"), boot.get("BootSourceOverrideEnabled")) == ("Pxe", "Once")
