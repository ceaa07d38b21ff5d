"""Where a BMC keeps a boot order, and the forms in which one BMC or another accepts and forgets it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TARGET, ENABLED, MODE = "BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode"
"""The properties of a boot order. Source: DMTF Redfish schema ComputerSystem, Boot."""
MODES = {"uefi": "UEFI", "legacy": "Legacy"}
"""Boot mode of the stack file to that of Redfish."""
NETWORK = ("Pxe", "UefiHttp")
"""The targets that boot from the network."""


@dataclass(frozen=True)
class Place:
    """Where a BMC keeps a boot order: the system itself, or the settings object that it names."""

    path: str
    boot: Mapping[str, Any]
    etag: str | None

    def _text(self, name: str) -> str:
        found = self.boot.get(name)
        return found if isinstance(found, str) else ""

    @property
    def target(self) -> str:
        """What is booted, such as Pxe; empty if nothing is set."""
        found = self._text(TARGET)
        return "" if found == "None" else found

    @property
    def enabled(self) -> str:
        """For how many boots: Once, Continuous or Disabled."""
        return self._text(ENABLED)

    @property
    def mode(self) -> str:
        """UEFI or Legacy; empty if the BMC does not report it."""
        return self._text(MODE)

    @property
    def armed(self) -> str:
        """What it is set to boot, such as `Pxe, Once`; empty if nothing."""
        return f"{self.target}, {self.enabled}" if self.target and self.enabled in ("Once", "Continuous") else ""

    @property
    def is_network_once(self) -> bool:
        """Whether the next boot, and only that one, is from the network."""
        return self.armed == "Pxe, Once"


Writes = list[tuple[Place, dict[str, str]]]
"""Each place with what is written there, the order itself last."""


def order(mode: str) -> dict[str, str]:
    """One boot from the network in a mode (uefi or legacy): each property of Redfish to its value."""
    return {TARGET: "Pxe", ENABLED: "Once", MODE: MODES[mode]}


def does(target: str, enabled: str, mode: str, path: str) -> str:
    """What an order does, in words."""
    which = "every boot" if enabled == "Continuous" else "the next boot, whoever starts it,"
    source = "the network" if target in NETWORK else target
    return f"{which} is from {source} ({', '.join(filter(None, (target, enabled, mode)))}, kept at {path})"


def settings(document: Mapping[str, Any]) -> str | None:
    """The path of the settings object that a document names."""
    named = document.get("@Redfish.Settings")
    link = named.get("SettingsObject") if isinstance(named, dict) else None
    path = link.get("@odata.id") if isinstance(link, dict) else None
    return path if isinstance(path, str) and path else None


def has_mode(writes: Writes) -> bool:
    """Whether the boot mode is sent too."""
    return any(MODE in values for _, values in writes)


def tries(places: list[Place], order: Mapping[str, str]) -> list[Writes]:
    """Where the order may be written, best first: as the BMC advertises it, else split or whole, then with no mode.

    Dell's iDRAC 10 accepts it in the settings object only, and its iDRAC 9 the mode alone there. Source:
    stmcginnis/gofish pull request 511, dsx-ai-factory/libredfish pull request 75.
    """
    system, settings = places[0], places[-1]
    found: list[Writes] = []
    for names in (tuple(order), (TARGET, ENABLED)):
        values = {name: order[name] for name in names}
        advertised = {name: settings if name in settings.boot else system for name in names}
        split = {name: settings if name == MODE else system for name in names}
        for placed in (advertised, split, dict.fromkeys(names, system), dict.fromkeys(names, settings)):
            writes = _grouped(placed, values)
            if writes not in found:
                found.append(writes)
    return found


def _grouped(placed: Mapping[str, Place], values: Mapping[str, str]) -> Writes:
    """One write for each place; the target is in the last one, so that a run killed in between has ordered nothing."""
    by_path: dict[str, tuple[Place, dict[str, str]]] = {}
    for name in sorted(values, key=lambda name: (placed[name].path == placed[TARGET].path, name)):
        by_path.setdefault(placed[name].path, (placed[name], {}))[1][name] = values[name]
    return list(by_path.values())


def undone(place: Place, before: Place, sent: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What to send to have a place be as before: forms that one BMC or another wants.

    Supermicro's BMCs want the mode each time, HPE's refuse it, and refuse to disable an order without a target. Source:
    ansible-collections/community.general pull request 11543, ironcore-dev/metal-operator pull request 998.
    """
    mode = {MODE: before.mode} if before.mode and (MODE in place.boot or MODE in sent) else {}
    if TARGET not in sent and not place.armed:
        yield mode
        return
    if before.armed:
        forms = [{TARGET: before.target, ENABLED: before.enabled}]
    else:
        forms = [{ENABLED: "Disabled", TARGET: "None"}, {ENABLED: "Disabled"}, {ENABLED: "Disabled", TARGET: "Pxe"}]
        forms.append({TARGET: "None"})
    for form in forms:
        if mode:
            yield {**form, **mode}
        yield form
