"""What a stack's state has of one machine: the config that it took, and the releases that it runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from core.boot.arguments import image, installed
from core.effective.machine import Effective
from core.effective.runs import Runs
from core.effective.section import Config
from core.facts import installer
from core.machineconfig.base import base_texts
from core.machineconfig.merge import Documents, merge
from core.model import Platform
from core.native.machine import IDENTITY, NODE_HEALTHY, TALOS_VERSION
from core.state import CONFIGURED, machine_of, unwrap_secret

# Type token of each resource of a machine that is compared, to the name used here.
_KINDS = {
    **dict.fromkeys(CONFIGURED, "config"),
    IDENTITY.token: "identity",
    NODE_HEALTHY.token: "healthy",
    TALOS_VERSION.token: "version",
}


@dataclass(frozen=True)
class Recorded:
    """One machine as the last `up` left it."""

    name: str
    inputs: Mapping[str, Mapping[str, Any]]
    """The inputs of its resources, by their names in _KINDS."""

    @property
    def address(self) -> str:
        """Where its Talos API answered."""
        return str(self._input("config", "node") or "")

    @property
    def base(self) -> list[str]:
        """What the generator wrote, as JSON texts; none in a state of an earlier release."""
        return [*(self._input("config", "base") or ())]

    @property
    def patches(self) -> list[str]:
        """What was merged into the base, as JSON texts."""
        return [*(self._input("config", "configPatches") or ())]

    @property
    def kubernetes(self) -> str:
        """Its Kubernetes release; empty if the state has none."""
        of_config = self._input("identity", "versions") or {}
        return str(self._input("healthy", "kubernetes") or of_config.get("kubernetes") or "")

    @property
    def image(self) -> str:
        """Its installer image; empty if the state has none."""
        return str(self._input("version", "image") or "")

    @property
    def talos(self) -> str:
        """Its Talos release; empty if it is not known."""
        image = installer.parse(self.image)
        return image.version if image else ""

    def runs(self, platform: Platform) -> Runs:
        """What Talos makes of its config. platform: for what the state does not have."""
        machine, talos = platform.machines[self.name], platform.talos
        same = self.address in ("", str(machine.address))
        return Runs(
            name=self.name,
            role=machine.role,
            config=Config(self._whole(platform), lambda *_: ""),
            talos=self.talos or talos.version,
            kubernetes=self.kubernetes or talos.kubernetes,
            addresses=machine.addresses if same else (ip_address(self.address),),
        )

    def kernel(self, machine: Effective) -> tuple[list[str], list[str]] | None:
        """The kernel arguments of its image and of the declared one; None where either is not known.

        machine: as it is declared now.
        """
        platform, release = machine.platform, installer.parse(self.image)
        now = installer.parse(platform.installer_of(self.name))
        if release and now and release.schematic == now.schematic:
            talos = platform.talos.model_copy(update={"version": release.version})
            was = image(platform.model_copy(update={"talos": talos}), self.name)
            return None if was is None else ([each.text for each in was], [each.text for each in machine.kernel or ()])
        recorded, declared = self._input("version", "kernelArguments"), installed(platform, self.name)
        return None if recorded is None or declared is None else ([*map(str, recorded)], declared)

    def _whole(self, platform: Platform) -> Documents:
        base = self.base or self._former_base(platform)
        return merge(map(json.loads, [*base, *self.patches])).documents

    def _former_base(self, platform: Platform) -> list[str]:
        """Of a state of an earlier release: its generator wrote what the platform's contract has as its base."""
        versions = self._input("identity", "versions") or {}
        known = {key: versions[key] for key in ("contract", "kubernetes") if key in versions}
        former = platform.model_copy(update={"talos": platform.talos.model_copy(update=known)})
        return base_texts(former, platform.machines[self.name].role)

    def _input(self, kind: str, name: str) -> Any:
        return unwrap_secret(self.inputs.get(kind, {}).get(name))


def recorded(resources: list[dict[str, Any]]) -> dict[str, Recorded]:
    """The machines of a state by name; those without an applied config are left out."""
    return {name: Recorded(name, inputs) for name, inputs in _inputs(resources) if "config" in inputs}


def _inputs(resources: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for resource in resources:
        if kind := _KINDS.get(resource["type"]):
            found.setdefault(machine_of(resource), {})[kind] = resource.get("inputs") or {}
    yield from found.items()
