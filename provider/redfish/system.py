"""The operations of a BMC: identify the machine, have it boot from the network once, switch it on and off."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sushy
from sushy import connector, exceptions

from provider.framework import UserError

from .access import Access
from .channel import Channel
from .deadline import Deadline
from .errors import Unanswered, in_one_line, shown, value

# Seconds between two queries of the power state, and between two reports of the wait.
POLL_SECONDS = 2.0
SAY_SECONDS = 15.0
# Some BMCs apply boot options late.
SETTLE_SECONDS = 20.0
# How many of a BMC's ids a message names, and the length of each.
IDS, ID_CHARACTERS = 40, 60
# Network interfaces that are read, each with a request; a server with virtual functions lists some dozens.
INTERFACES = 256

# The errors raised here report what sushy logs as well; without this it would be shown twice.
logging.getLogger("sushy").addHandler(logging.NullHandler())
logging.getLogger("sushy").propagate = False

Say = Callable[[str], None]
_MODES = {"uefi": sushy.BOOT_SOURCE_MODE_UEFI, "legacy": sushy.BOOT_SOURCE_MODE_BIOS}
# AMI's BMCs refuse boot options at the system's own path. They accept them as a future state, at the path SYSTEM/SD, in
# a request with that state's ETag; their refusal contains this name.
_FUTURE_STATE = "OperationSupportedInFutureStateURI"


@dataclass(frozen=True)
class Identity:
    """The identity of a machine, as its BMC reports it."""

    uuid: str
    serial: str
    macs: tuple[str, ...]


class _Connector(connector.Connector):  # type: ignore[misc]
    """sushy's connector, over a channel that paces requests, verifies TLS and has a deadline."""

    def __init__(self, url: str, channel: Channel) -> None:
        # One try: the channel repeats requests, and a zero would mean ten tries of sushy's own.
        super().__init__(url, server_side_retries=1, server_side_retries_delay=0)
        own: Any = self._session
        channel.headers.update(own.headers)
        own.close()
        self._session: Any = channel


class System:
    """One system behind a BMC, connected. Every method raises UserError, in one line."""

    def __init__(self, access: Access, seconds: float, say: Say) -> None:
        self._access, self._say = access, say
        self._url = access.url.rstrip("/")
        self._deadline = Deadline.after(seconds)
        self._connector = _Connector(self._url, Channel(access, self._deadline, say))
        with self._errors("be read"):
            # Basic authentication instead of a session: BMCs allow few sessions, and a killed run would leave its own
            # open.
            self._root = sushy.Sushy(
                self._url, connector=self._connector, auth=sushy.auth.BasicAuth(access.username, access.password)
            )
            self._system = self._find()

    def _shown(self, text: object) -> str:
        return shown(self._access, text, ID_CHARACTERS)

    def _value(self, text: object) -> str:
        return value(self._access, text)

    def _errors(self, what: str) -> AbstractContextManager[None]:
        return in_one_line(self._access, what)

    def _find(self) -> Any:
        """The system by its id or its path. Ids differ by vendor: 1, Self, System.Embedded.1."""
        paths = self._root.get_system_collection().members_identities
        wanted = self._access.system.rstrip("/")
        for path in paths:
            if wanted in (path.rstrip("/"), path.rstrip("/").rsplit("/", 1)[-1]):
                return self._root.get_system(path)
        there = ", ".join(sorted(self._shown(path.rstrip("/").rsplit("/", 1)[-1]) for path in paths)[:IDS]) or "none"
        raise UserError(
            f"{self._url} has no system {wanted}; the machine can be neither identified nor switched; "
            f"write one of its systems as bmc.system: {there}"
        )

    def identity(self) -> Identity:
        """The machine's identity. Raises UserError."""
        with self._errors("be read"):
            serial = str(self._system.json.get("SerialNumber") or "").strip()
            return Identity(self._value(self._system.uuid or "").lower(), self._value(serial), self._macs())

    def _macs(self) -> tuple[str, ...]:
        """The MAC addresses that the BMC lists; many list none before the machine was first switched on."""
        try:
            listed = self._system.ethernet_interfaces
        except (exceptions.ResourceNotFoundError, exceptions.MissingAttributeError):
            return ()
        if (count := len(listed.members_identities)) > INTERFACES:
            raise UserError(
                f"{self._url} lists {count} network interfaces of {self._access.system}, and at most {INTERFACES} are "
                "read; no server has as many; the address may be another device's; look at the BMC's inventory"
            )
        macs = (self._mac(listed, path) for path in listed.members_identities)
        return tuple(sorted({mac for mac in macs if mac}))

    def _mac(self, listed: Any, path: str) -> str:
        """The MAC address of one interface; empty if there is none. Only one interface is in memory at a time."""
        try:
            return self._value(listed.get_member(path).mac_address or "").lower()
        except exceptions.ResourceNotFoundError:
            return ""

    def power(self) -> str:
        """The power state: On, Off, or another that the BMC reports. Raises UserError."""
        with self._errors("be read"):
            # sushy's refresh would request every network interface again as well.
            return self._value(self._connector.get(self._system.path).json()["PowerState"])

    def pxe_once(self, mode: str) -> None:
        """Have only the next boot be from the network, in a mode (uefi or legacy). Raises UserError."""
        with self._errors("be set to boot from the network"):
            path, with_mode = self._override(mode)
            end = Deadline.after(min(SETTLE_SECONDS, self._deadline.left))
            while not _is_set(seen := self._boot(path)):
                if not end.left:
                    raise UserError(
                        f"{self._access.system} of {self._url} accepted a single boot from the network, but reports "
                        f"{self._shown(seen.get('BootSourceOverrideTarget'))}, "
                        f"{self._shown(seen.get('BootSourceOverrideEnabled'))}; it "
                        "would boot something else, or install again at every boot; look for newer firmware, or boot "
                        "it by hand"
                    )
                time.sleep(min(POLL_SECONDS, end.left))
            now = seen.get("BootSourceOverrideMode")
            if not with_mode and now and now != _MODES[mode].value:
                raise UserError(
                    f"{self._access.system} of {self._url} boots in mode {self._shown(now)} and refuses mode {mode}; "
                    f"it would load what can't start; write boot_mode: {'legacy' if mode == 'uefi' else 'uefi'}, or "
                    f"set {mode} in its firmware"
                )

    def _override(self, mode: str) -> tuple[str, bool]:
        """Set the boot override: the path that accepted it, and whether with the mode, which some BMCs refuse."""
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
                self._say(f"{self._url} refuses the boot mode (HTTP {error.status_code}); retrying without a mode")
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
        """Whether the next boot, and only that one, is from the network. Raises UserError."""
        with self._errors("be read"):
            if _is_set(self._boot(self._system.path)):
                return True
            try:
                # The path of the future state at AMI's BMCs.
                return _is_set(self._boot(f"{self._system.path.rstrip('/')}/SD"))
            except exceptions.HTTPError as error:
                if error.status_code in (404, 405):
                    return False
                raise

    def off(self) -> None:
        """Switch the machine off without a shutdown, and wait until it is off. Raises UserError."""
        if self.power() != "Off":
            self._reset(sushy.RESET_FORCE_OFF, "Off", "be switched off")

    def on(self) -> None:
        """Switch the machine on, and wait until it is on. Raises UserError."""
        self._reset(sushy.RESET_ON, "On", "be switched on")

    def wait_on(self) -> None:
        """Wait until the machine is on. Raises UserError."""
        self._wait("On", "be switched on")

    def _reset(self, kind: Any, state: str, what: str) -> None:
        with self._errors(what):
            try:
                self._system.reset_system(kind)
            except Unanswered as unanswered:
                self._say(f"{self._url} did not confirm that the machine will {what} ({unanswered}); reading its power")
            except exceptions.HTTPError:
                # Some BMCs refuse a state that the machine is in already.
                if self.power() != state:
                    raise
        self._wait(state, what)

    def _wait(self, state: str, what: str) -> None:
        start = reported = time.monotonic()
        now = "not read yet"
        while self._deadline.left:
            try:
                now = self.power()
            except UserError:
                # At the deadline, the error below says more than that this request had no answer.
                if self._deadline.left:
                    raise
            if now == state:
                return
            if time.monotonic() - reported >= SAY_SECONDS:
                reported = time.monotonic()
                self._say(
                    f"waiting for {self._access.system} to {what}, {reported - start:.0f} of "
                    f"{self._deadline.seconds:.0f} s (it is {now})"
                )
            time.sleep(min(POLL_SECONDS, self._deadline.left))
        raise UserError(
            f"{self._access.system} of {self._url} could not {what} within {self._deadline.seconds:.0f} s (its BMC "
            f"reports: {now}); resources that depend on it are not created; check its console and its power "
            "supply, and run up again"
        )

    def close(self) -> None:
        """Close the connections."""
        self._connector.close()


def _is_set(boot: dict[str, Any]) -> bool:
    return (boot.get("BootSourceOverrideTarget"), boot.get("BootSourceOverrideEnabled")) == ("Pxe", "Once")
