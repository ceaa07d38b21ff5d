"""What BMCs of different vendors do with a boot order, for the emulator: where they keep it, and what they refuse.

A system's habit `vendor` is one of VENDORS. Sources: public reports of each, named beside it.
"""

from typing import Any

TARGET, ENABLED, MODE = "BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode"
FUTURE = "OperationSupportedInFutureStateURI"
VENDORS = {
    # The order is in the settings object, and Boot of the system is read-only: community.general#11297, gofish#511.
    "idrac10": "Settings",
    # The settings object takes BootOrder and the mode alone, the system the rest: libredfish#75.
    "idrac9": "Settings",
    # The same, and the settings object shows the properties that it refuses.
    "idrac9-shows-all": "Settings",
    # It wants the mode in each request, and falls back to Legacy without: Redfishtool#106, community.general#11543.
    "supermicro": "",
    # It refuses the mode, and a number of boots without a target: community.general#3509, metal-operator#998.
    "ilo": "",
    # The settings object is SD, and wants its ETag: Redfish-Tacklebox#111.
    "ami": "SD",
    # The same, not named by the system.
    "ami-unnamed": "SD",
    # It accepts everything, and of an order in UEFI mode keeps the target alone: bmclib#459.
    "ami-forgetful": "SD",
}


def settings(system: dict[str, Any]) -> str:
    """The last part of the path of the system's settings object; empty if it has none."""
    return VENDORS.get(_vendor(system), "SD" if system["habits"].get("future_state") else "")


def names_settings(system: dict[str, Any]) -> bool:
    """Whether the system's document has a link to its settings object."""
    return bool(settings(system)) and _vendor(system) not in ("", "ami-unnamed")


def wants_etag(system: dict[str, Any]) -> bool:
    return settings(system) == "SD"


def _vendor(system: dict[str, Any]) -> str:
    return str(system["habits"].get("vendor", ""))


def refusal(system: dict[str, Any], in_settings: bool, boot: dict[str, Any]) -> str | None:
    """Why a PATCH of Boot is refused there, with what a vendor says; None where it is accepted."""
    habits, vendor, sent = system["habits"], _vendor(system), set(boot)
    if habits.get("in_post", 0) > 0:
        habits["in_post"] -= 1
        return "iLO.2.37.UnableToModifyDuringSystemPOST"
    if MODE in sent and habits.get("refuses_mode"):
        return f"{MODE} is read-only"
    disables = boot.get(ENABLED) == "Disabled" or boot.get(TARGET) == "None"
    if disables and habits.get("refuses_withdrawal"):
        return "the order is locked"
    wrong = {
        "idrac10": not in_settings,
        "idrac9": bool(sent - {MODE, "BootOrder"}) if in_settings else MODE in sent,
        "ilo": MODE in sent or (ENABLED in sent and boot.get(TARGET, system.get("once", "None")) == "None"),
        "supermicro": disables and MODE not in sent,
    }
    return "The property Boot is a read-only property" if wrong.get(vendor.removesuffix("-shows-all")) else None


def take(system: dict[str, Any], boot: dict[str, Any]) -> str | None:
    """Carry a PATCH of Boot out, or say why it can't be."""
    habits, vendor = system["habits"], _vendor(system)
    target = boot.get(TARGET, system.get("once", "None"))
    if target not in ("None", "Pxe", "Hdd", "Cd"):
        return f"unknown target {target}"
    if vendor == "supermicro" and {TARGET, ENABLED} & set(boot):
        system["boot_mode"] = boot.get(MODE, "Legacy")
    elif MODE in boot and not habits.get("ignores_mode"):
        system["boot_mode"] = boot[MODE]
    if target == "None" or boot.get(ENABLED) == "Disabled":
        if not habits.get("ignores_withdrawal"):
            system.pop("once", None)
            system.pop("held", None)
    elif {TARGET, ENABLED} & set(boot):
        system["once"] = target
        system["held"] = "Continuous" if habits.get("forgets_once") else boot.get(ENABLED, "Once")
        if vendor == "ami-forgetful" and boot.get(MODE) == "UEFI":
            system["boot_mode"], system["held"] = "Legacy", "Disabled"
    return None


def _order(system: dict[str, Any]) -> dict[str, str]:
    order = {ENABLED: "Disabled", TARGET: "None"}
    if "once" in system:
        order = {ENABLED: system.get("held", "Once"), TARGET: system["once"]}
    return {**order, MODE: system.get("boot_mode", "UEFI")}


def shown(system: dict[str, Any], in_settings: bool) -> dict[str, Any]:
    """Boot, as the system or its settings object has it."""
    vendor, order = _vendor(system), _order(system)
    none = {ENABLED: "Disabled", TARGET: "None"}
    if vendor.startswith("idrac9"):
        if not in_settings:
            return order
        return {"BootOrder": ["Boot0001"], MODE: order[MODE], **(none if vendor.endswith("all") else {})}
    if settings(system) and not in_settings:
        # The system shows what the last boot was from, and not what is to come.
        return {**none, MODE: system.get("started_mode", "UEFI")}
    return order


def is_ordered(system: dict[str, Any]) -> str:
    """What the next boot is from: Pxe or another target; empty if nothing is ordered."""
    return str(system.get("once", "")) if system.get("held", "Once") != "Disabled" else ""


def booted(system: dict[str, Any]) -> str:
    """The target of a boot that starts now, which uses up an order for one boot."""
    target = is_ordered(system) or "Hdd"
    if system.get("held", "Once") != "Continuous":
        system.pop("once", None)
        system.pop("held", None)
    system["started_mode"] = system.get("boot_mode", "UEFI")
    return target
