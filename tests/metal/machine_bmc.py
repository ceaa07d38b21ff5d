"""The BMC of tests/provider/bmc.py with machines behind it that really boot: machine_bmc.py CONFIG.json

A system's `slot` is a file that says which hardware stands there now (lab.testing.qemu.Hardware, as JSON), read at each
power-on: what the BMC tells of itself and what it switches on can be two things, as in a rack where somebody was.
"""

import json
from pathlib import Path
from typing import Any, Literal

from lab.testing.qemu import Hardware, Machine
from tests.provider.bmc import Machines, main


class Virtual(Machines):
    """Each system is a virtual machine, switched on with the hardware that its slot holds then."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[str, Machine] = {}

    def start(self, system: dict[str, Any], target: str) -> None:
        """Switch a system on, with this boot target."""
        slot = Path(system["slot"])
        # As on real machines, the mode of a boot is which firmware there is.
        firmware: Literal["bios", "uefi"] = "bios" if system.get("boot_mode") == "Legacy" else "uefi"
        hardware = Hardware(firmware=firmware, **json.loads(slot.read_text(encoding="utf-8")))

        def told(what: str) -> None:
            # No lock here: the thread that switches a machine off holds it until the machine has ended.
            if what == "off":
                system["power_state"] = "Off"
            else:
                self.note(
                    event="boot",
                    system=system["name"],
                    target=what.removeprefix("boot "),
                    mode=system.get("boot_mode", "UEFI"),
                )

        machine = self.running[system["uuid"]] = Machine(hardware, slot.parent / hardware.name, told)
        machine.start(target)

    def stop(self, system: dict[str, Any]) -> None:
        """Cut a system's power."""
        if machine := self.running.pop(system["uuid"], None):
            machine.stop()


if __name__ == "__main__":
    main(Virtual)
