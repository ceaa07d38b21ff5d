"""The operations of a BMC: identify the machine, have it boot from the network once, switch it on and off."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sushy
from sushy import connector, exceptions

from core.facts.hardware import Serials
from provider.framework import UserError

from .access import Access
from .boot import BootOrder, Patience
from .channel import Channel
from .deadline import Deadline
from .errors import Unanswered, in_one_line, shown, value

# Seconds between two queries of the power state, and between two reports of the wait.
POLL_SECONDS = 2.0
SAY_SECONDS = 15.0
# Some BMCs apply boot options late.
SETTLE_SECONDS = 20.0
# For withdrawing an order, or looking for one, after a failure: the deadline of the operation may have passed.
WITHDRAW_SECONDS = 30.0
# What a BMC reports that may be a machine's serial number, or says what its SKU is.
_IDENTITY = ("SerialNumber", "SKU", "Manufacturer", "Model", "PartNumber")
# How many of a BMC's ids a message names, and the length of each.
IDS, ID_CHARACTERS = 40, 60
# Network interfaces that are read, each with a request; a server with virtual functions lists some dozens.
INTERFACES = 256

# The errors raised here report what sushy logs as well; without this it would be shown twice.
logging.getLogger("sushy").addHandler(logging.NullHandler())
logging.getLogger("sushy").propagate = False

Say = Callable[[str], None]


@dataclass(frozen=True)
class Identity:
    """The identity of a machine, as its BMC reports it."""

    uuid: str
    serial: str
    """Its SerialNumber: the machine's, or on Dell's machines the board's."""
    macs: tuple[str, ...]
    sku: str = ""
    """Its SKU: on Dell's machines the service tag; empty where it identifies no single machine."""


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
        self._channel = Channel(access, self._deadline, say)
        self._connector = _Connector(self._url, self._channel)
        with self._errors("be read"):
            # Basic authentication instead of a session: BMCs allow few sessions, and a killed run would leave its own
            # open.
            self._root = sushy.Sushy(
                self._url, connector=self._connector, auth=sushy.auth.BasicAuth(access.username, access.password)
            )
            self._system = self._find()
            self._order = BootOrder(access, self._connector, self._system.path, say)

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
            reported = {name: str(self._system.json.get(name) or "") for name in _IDENTITY}
            sku = Serials.reported(
                reported["SerialNumber"],
                reported["SKU"],
                reported["Manufacturer"],
                (reported["Model"], reported["PartNumber"]),
            )
            serial = self._value(reported["SerialNumber"].strip())
            return Identity(self._value(self._system.uuid or "").lower(), serial, self._macs(), self._value(sku.sku))

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
            self._order.arm(mode, Patience(SETTLE_SECONDS, POLL_SECONDS), self._deadline)

    def ordered(self, mode: str) -> bool:
        """Whether the next boot, and only that one, is from the network. Raises UserError, also for another mode."""
        with self._errors("be read"):
            return self._order.ordered(mode)

    def armed(self) -> str:
        """What its BMC is armed to boot from the network, in words; empty if nothing. Raises UserError."""
        with self._errors("be read"):
            return self._order.armed()

    def withdraw(self) -> str:
        """Undo what `pxe_once` sent: what to add to the message of the failure. It has a deadline of its own."""
        self._extend()
        return self._order.put_back(POLL_SECONDS, self._deadline)

    def clear(self) -> str:
        """Withdraw an order of an earlier run: what came of it, to add to a message; empty if there is none."""
        with self._errors("be put back"):
            return self._order.clear(POLL_SECONDS, self._deadline)

    def left_armed(self) -> str:
        """The same without undoing anything: what its BMC is armed to do; empty if nothing."""
        self._extend()
        try:
            armed = self.armed()
        except UserError as error:
            return f"; whether its BMC is armed to boot it from the network is not known ({_first(error)})"
        return f"; its BMC is armed: {armed}" if armed else ""

    def _extend(self) -> None:
        self._deadline = self._channel.deadline = Deadline.after(WITHDRAW_SECONDS)

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


def _first(error: UserError) -> str:
    return str(error).partition("; ")[0]
