"""Reads where a BMC keeps a system's boot order, and says in words what is there."""

from collections.abc import Iterable
from typing import Any

from sushy import exceptions

from .access import Access
from .errors import shown
from .places import Place, does, settings

# Characters of a BMC's text in a message; a path may have a UUID and more.
LONGEST = 120


class BootPlaces:
    """The places at which one BMC may keep the boot order of one system. Every method raises the errors of sushy."""

    def __init__(self, access: Access, connector: Any, path: str) -> None:
        self._access, self._connector = access, connector
        self.system = path
        """The path of the system itself."""
        self.future = f"{path.rstrip('/')}/SD"
        """The path of the future state at AMI's BMCs, which some do not name."""

    def read(self, path: str) -> Place:
        """What is at a path."""
        answer = self._connector.get(path)
        boot = answer.json().get("Boot")
        return Place(path, boot if isinstance(boot, dict) else {}, answer.headers.get("ETag"))

    def named(self) -> list[Place]:
        """The system, and then the settings object that it names, if there is one.

        Source: DMTF DSP0266 (Redfish), section on settings resources.
        """
        answer = self._connector.get(self.system)
        document = answer.json()
        boot = document.get("Boot")
        places = [Place(self.system, boot if isinstance(boot, dict) else {}, answer.headers.get("ETag"))]
        if path := settings(document):
            places += self.if_there(path)
        return places

    def everywhere(self) -> list[Place]:
        """Every place that may have an order: also the one that AMI's BMCs may not name."""
        places = self.named()
        if len(places) == 1 and not places[0].is_network_once:
            places += self.if_there(self.future)
        return places

    def if_there(self, path: str) -> list[Place]:
        """The place at a path; empty if the BMC has none there."""
        try:
            return [self.read(path)]
        except exceptions.HTTPError as error:
            if error.status_code in (404, 405, 501):
                return []
            raise

    def words(self, places: Iterable[Place]) -> str:
        """What the BMC is armed to do at these places; empty if there are none."""
        return "; ".join(
            does(*(self.shown(part) for part in (place.target, place.enabled, place.mode, place.path)))
            for place in places
        )

    def shown(self, text: object) -> str:
        """A BMC's text for a message."""
        return shown(self._access, text, LONGEST)
