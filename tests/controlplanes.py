"""Control planes that run a platform, for tests of what reads their configs."""

from collections.abc import Collection

from clients.talos import NoAnswer
from core.machineconfig.documents import patches
from core.model import Platform

SILENCE = "no answer within 5 s"


class Controlplanes:
    """The Talos APIs of a platform's control planes, of which some don't answer."""

    def __init__(self, platform: Platform, silent: Collection[str] = ()) -> None:
        self.configs = {
            str(platform.machines[name].address): "\n---\n".join(patches(platform, name))
            for name in platform.controlplanes
            if name not in silent
        }

    def resources(self, address: str, namespace: str, kind: str) -> dict[str, str]:
        if address not in self.configs:
            raise NoAnswer(SILENCE)
        return {"v1alpha1": self.configs[address]}
