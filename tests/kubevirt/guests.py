"""Virtual machines as stack files declare them: seeded, right in themselves, and at the bounds of the model."""

import random
import string
from collections.abc import Mapping
from typing import Any

from core.manifests import virtual_machine as machine
from core.manifests.kubevirt import kubevirt
from core.model import Platform

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1oF1eCk9Yw1CvE8m3hQ0Zb2p9mP0bQ0p6r8x9y0z1a ops@example.com"
IMAGES = (
    "quay.io/containerdisks/fedora:42",
    "registry.example.com:5000/disks/debian:13",
    f"quay.io/containerdisks/fedora:42@sha256:{'0a' * 32}",
)
MEMORY = ("32Mi", "33Mi", "511Mi", "1Gi", "1025Mi", "4Gi", "24Gi", "1Ti", "64Ti")
CLOUD_INIT: tuple[dict[str, Any], ...] = (
    {},
    {"hostname": "web", "runcmd": [["systemctl", "start", "web"]]},
    {"write_files": [{"path": "/etc/motd", "content": "x" * 8000}]},
)


class Guests:
    """Declares virtual machines of every kind. Equal seeds declare equal ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def declared(self, count: int) -> dict[str, dict[str, Any]]:
        """Virtual machines by name, as a stack file has them."""
        made: dict[str, dict[str, Any]] = {}
        while len(made) < count:
            made[self._name()] = self._guest()
        return made

    def _guest(self) -> dict[str, Any]:
        pick, odds = self._chance.choice, self._chance.random
        return {
            "ephemeral": True,
            "image": pick(IMAGES),
            "cpu": pick((1, 2, 3, 16, 255, 512, self._chance.randint(1, 512))),
            "memory": pick((*MEMORY, f"{self._chance.randint(1, 512)}Gi")),
            **({"namespace": self._name()} if odds() < 0.5 else {}),
            **({"running": pick((True, False))} if odds() < 0.3 else {}),
            **({"ssh_keys": [KEY]} if odds() < 0.3 else {"cloud_init": pick(CLOUD_INIT)}),
            **({"ports": pick(([80], [443, "53/udp"], [1, 65535]))} if odds() < 0.5 else {}),
        }

    def _name(self) -> str:
        """A DNS label of 1 to 63 characters."""
        length = self._chance.choice((1, 2, 8, 20, 63))
        inner = "".join(self._chance.choices(string.ascii_lowercase + string.digits + "-", k=length))
        return f"a{inner[1:-1]}z" if length > 1 else self._chance.choice(string.ascii_lowercase)


def objects(platform: Platform) -> dict[str, dict[str, Any]]:
    """The VirtualMachine objects of a platform, by name."""
    return {name: machine.virtual_machine(platform, name) for name in platform.vms}


def admission(platform: Platform, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the judge is asked of an object on a platform's cluster (toolchain/parts/vm-judge/main.go)."""
    return {"ask": "admit", "kubevirt": kubevirt(platform), "object": manifest}
