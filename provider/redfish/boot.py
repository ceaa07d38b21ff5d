"""The boot order of one system: written where its BMC keeps it, read back there, and withdrawn when a permit fails."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sushy import exceptions

from provider.framework import UserError

from .access import WITHDRAWN, Access
from .bootplaces import BootPlaces
from .deadline import Deadline
from .errors import in_one_line
from .places import ENABLED, MODE, MODES, NETWORK, TARGET, Place, Writes, has_mode, order, tries, undone

# The HTTP statuses of a BMC that does not accept an order here, or not in this form.
_REFUSED = (400, 404, 405, 409, 412, 422, 500, 501)
# AMI's BMCs refuse boot options at the system's own path. They accept them as a future state, at the path SYSTEM/SD, in
# a request with that state's ETag; their refusal contains this name. Source: DMTF/Redfish-Tacklebox issue 111.
_FUTURE_STATE = "OperationSupportedInFutureStateURI"
# HPE's BMCs refuse another boot order while the firmware tests the machine. Source: ironcore-dev/metal-operator issue
# 997.
_IN_POST = "DuringSystemPOST"
# Between two requests to a BMC whose firmware starts the machine.
POST_SECONDS = 10.0


@dataclass(frozen=True)
class Patience:
    """How long a BMC may take until it reports what it accepted, and the pause between two queries, in seconds."""

    settle: float
    poll: float


class BootOrder:
    """The boot order of one system. Every method raises UserError, in one line, and the errors of sushy."""

    def __init__(self, access: Access, connector: Any, path: str, say: Callable[[str], None]) -> None:
        self._access, self._connector, self._say = access, connector, say
        self._places = BootPlaces(access, connector, path)
        self._url = access.url.rstrip("/")
        self._before: dict[str, Place] = {}
        self._sent: dict[str, dict[str, str]] = {}
        """Path to what was sent there; a BMC may have carried it out without an answer."""

    def arm(self, mode: str, patience: Patience, deadline: Deadline) -> None:
        """Have only the next boot be from the network, in a mode (uefi or legacy)."""
        places = self._places.named()
        self._found(places)
        self._require_offered(places)
        writes = self._write(places, order(mode), deadline)
        self._read_back(writes, mode, patience, deadline)

    def ordered(self, mode: str) -> bool:
        """Whether the next boot, and only that one, is from the network. Raises UserError if it is in another mode."""
        for place in self._places.everywhere():
            if place.is_network_once:
                if place.mode and place.mode != MODES[mode]:
                    raise self._other_mode(place.mode, mode, refused=False)
                return True
        return False

    def armed(self) -> str:
        """What the BMC is armed to boot from the network, in words; empty if nothing."""
        return self._places.words(_network(self._places.everywhere()))

    def put_back(self, poll: float, deadline: Deadline) -> str:
        """Undo what was sent: what to add to the message of the failure; empty if the BMC is as it was before."""
        if not self._sent:
            return ""
        try:
            with in_one_line(self._access, "be put back"):
                why = self._restore(poll, deadline)
                left = [place for place in self._places.everywhere() if self._is_left(place)]
        except UserError as error:
            return self._not_withdrawn(str(error).partition("; ")[0], f"may be armed: {self._sent_words()}")
        if not left:
            return "" if why is None else WITHDRAWN
        armed = self._places.words([place for place in left if place.armed])
        return self._not_withdrawn(why or "", f"is armed: {armed}" if armed else f"has {self._modes(left)}")

    def clear(self, poll: float, deadline: Deadline) -> str:
        """Withdraw an order to boot from the network once that an earlier run left; empty if there is none."""
        for place in self._places.everywhere():
            if place.is_network_once:
                self._before[place.path] = place
                self._sent[place.path] = order("uefi") | ({MODE: place.mode} if place.mode else {})
        said = self.put_back(poll, deadline)
        # An order for every boot may be the user's own.
        others = [place for place in _network(self._places.everywhere()) if not place.is_network_once]
        return f"{said}; its BMC is armed: {self._places.words(others)}" if others else said

    def _not_withdrawn(self, why: str, state: str) -> str:
        return (
            f"; the order to boot from the network could not be withdrawn ({why}), and its BMC {state}; withdraw it at "
            "the BMC before anybody starts the machine, or run up again"
        )

    def _found(self, places: Iterable[Place]) -> None:
        """Remember what was there before the order, and report an order that was there already."""
        new = [place for place in places if place.path not in self._before]
        self._before.update({place.path: place for place in new})
        if armed := self._places.words(_network(new)):
            self._say(f"found its BMC armed by an earlier run or by somebody else: {armed}; the order is set again")

    def _require_offered(self, places: Iterable[Place]) -> None:
        allowed = [place.boot.get(f"{TARGET}@Redfish.AllowableValues") for place in places]
        lists = [values for values in allowed if isinstance(values, list) and values]
        if lists and not any("Pxe" in values for values in lists):
            raise exceptions.InvalidParameterValueError(parameter="target", value="Pxe", valid_values=lists[0])

    def _write(self, places: list[Place], wanted: dict[str, str], deadline: Deadline) -> Writes:
        """Send the order to the first place that accepts it, and without the mode to a BMC that refuses one."""
        left = tries(places, wanted)
        while True:
            writes = left.pop(0)
            try:
                for place, values in writes:
                    self._sent.setdefault(place.path, {}).update(values)
                    self._patch(place, values, deadline)
                return writes
            except exceptions.HTTPError as error:
                if _FUTURE_STATE in str(error.body) and self._places.future not in self._sent:
                    future = self._places.if_there(self._places.future)
                    self._found(future)
                    left = tries(future, wanted) if future else left
                elif error.status_code not in _REFUSED:
                    raise
                elif left:
                    self._say(self._next_try(error.status_code, writes, left[0]))
                if not left:
                    raise

    def _next_try(self, status: int, writes: Writes, following: Writes) -> str:
        if has_mode(writes) and not has_mode(following):
            return f"{self._url} refuses the boot mode (HTTP {status}); retrying without a mode"
        where = " and ".join(self._places.shown(place.path) for place, _ in following)
        return f"{self._url} refuses the boot order (HTTP {status}); retrying at {where}"

    def _patch(self, place: Place, values: Mapping[str, str], deadline: Deadline) -> None:
        # A BMC that wants an ETag gets the one of its last answer; AMI's may report none, and want one all the same.
        headers = {"If-Match": "*"} if not place.etag and place.path != self._places.system else None
        waited = False
        while True:
            try:
                self._connector.patch(place.path, data={"Boot": dict(values)}, etag=place.etag, headers=headers)
                return
            except exceptions.HTTPError as error:
                if _IN_POST not in str(error.body) or not deadline.left:
                    raise
            if not waited:
                self._say(f"{self._url} takes no boot order while the firmware starts the machine; waiting for it")
            waited = True
            time.sleep(min(POST_SECONDS, deadline.left))

    def _read_back(self, writes: Writes, mode: str, patience: Patience, deadline: Deadline) -> None:
        """Return once the BMC reports the order where it was written. Raises UserError."""
        end = Deadline.after(min(patience.settle, deadline.left))
        sent_mode = has_mode(writes)
        while True:
            seen = [self._places.read(place.path) for place, _ in writes]
            modes = [place.mode for place in seen if place.mode]
            if not modes and seen[-1].path != self._places.system:
                modes = [place.mode for place in [self._places.read(self._places.system)] if place.mode]
            other = next((each for each in modes if each != MODES[mode]), None)
            if seen[-1].is_network_once and (other is None or not sent_mode):
                break
            if not end.left:
                break
            time.sleep(min(patience.poll, end.left))
        if not seen[-1].is_network_once:
            boot = seen[-1].boot
            raise UserError(
                f"{self._access.system} of {self._url} accepted a single boot from the network, but reports "
                f"{self._places.shown(boot.get(TARGET))}, {self._places.shown(boot.get(ENABLED))}; it "
                "would boot something else, or install again at every boot; look for newer firmware, or boot "
                "it by hand"
            )
        if other:
            raise self._other_mode(other, mode, refused=not sent_mode)

    def _other_mode(self, now: str, mode: str, *, refused: bool) -> UserError:
        """The error about a BMC whose next boot is in another mode than the declared one."""
        return UserError(
            f"{self._access.system} of {self._url} boots in mode {self._places.shown(now)} and "
            f"{'refuses' if refused else 'ignores'} mode {mode}; "
            f"it would load what can't start; write boot_mode: {'legacy' if mode == 'uefi' else 'uefi'}, or "
            f"set {mode} in its firmware"
        )

    def _restore(self, poll: float, deadline: Deadline) -> str | None:
        """Send each place what it had before. Returns why that may have failed; None if there was nothing to undo."""
        left = [place for place in self._places.everywhere() if self._is_left(place)]
        refusals = {self._unset(place, deadline) for place in left} - {""}
        end = Deadline.after(min(5 * poll, deadline.left))
        while left and end.left and any(self._is_left(self._places.read(place.path)) for place in left):
            time.sleep(min(poll, end.left))
        return (", ".join(sorted(refusals)) or "its BMC accepts that, and does not do it") if left else None

    def _unset(self, place: Place, deadline: Deadline) -> str:
        """Send a place what it had before, in one form after another. Returns the last refusal, or an empty text."""
        refused = ""
        for values in undone(place, self._wanted(place), self._sent.get(place.path, {})):
            try:
                self._patch(place, values, deadline)
            except exceptions.HTTPError as error:
                if error.status_code not in _REFUSED:
                    raise
                refused = f"its BMC refuses that with HTTP {error.status_code}"
            # Each request may change the ETag, and a BMC may accept what it does not do.
            place = self._places.read(place.path)
            if not self._is_left(place):
                return ""
        return refused

    def _wanted(self, place: Place) -> Place:
        """What the place had before; an order of a run that was killed is not set again."""
        before = self._before.get(place.path) or Place(place.path, {}, None)
        return Place(place.path, {MODE: before.mode}, None) if before.is_network_once else before

    def _is_left(self, place: Place) -> bool:
        """Whether what was sent is still there."""
        before = self._before.get(place.path)
        mode_left = MODE in self._sent.get(place.path, {}) and before and before.mode and before.mode != place.mode
        return place.armed != self._wanted(place).armed or bool(mode_left)

    def _sent_words(self) -> str:
        """The same of what was sent, for a BMC that can't be read."""
        sent = [Place(path, values, None) for path, values in self._sent.items()]
        return self._places.words([place for place in sent if place.armed]) or self._places.words(sent)

    def _modes(self, places: Iterable[Place]) -> str:
        shown, before = self._places.shown, self._before
        return "; ".join(
            f"the boot mode {shown(place.mode)} instead of {shown(before[place.path].mode)} at {shown(place.path)}"
            for place in places
        )


def _network(places: Iterable[Place]) -> list[Place]:
    """The places that have an order to boot from the network."""
    return [place for place in places if place.armed and place.target in NETWORK]
