"""What Talos makes of a config by itself, where the platform that it is of is not known."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from core.facts import installer
from core.facts.versions import CURRENT
from core.machineconfig.merge import LEGACY, Documents

from .runs import Runs
from .section import Config, at

_RELEASE = re.compile(r":(v\d+\.\d+\.\d+)")


def runs(name: str, address: str, documents: Documents, releases: tuple[str, str]) -> Runs:
    """One machine under a config. releases: of Talos and Kubernetes; an empty text takes those of this Bedplate."""
    talos, kubernetes = releases
    controlplane = at(documents.get(LEGACY), "machine", "type") == "controlplane"
    return Runs(
        name=name,
        role="controlplane" if controlplane else "worker",
        config=Config(documents, lambda *_: ""),
        talos=talos or CURRENT["talos"],
        kubernetes=kubernetes or CURRENT["kubernetes"],
        addresses=_addresses(address),
    )


def releases(documents: Documents) -> tuple[str, str]:
    """The releases of Talos and Kubernetes that a config names; empty texts where it names none."""
    config = Config(documents, lambda *_: "")
    install = config.section("UnattendedInstallConfig", "machine", "install")
    image = installer.parse(str(install.get("installer", "image") or install.get("image") or ""))
    kubelet = _RELEASE.search(str(config.section("KubeletConfig", "machine", "kubelet").get("image") or ""))
    return image.version if image else "", kubelet[1] if kubelet else ""


def _addresses(address: str) -> tuple[IPv4Address | IPv6Address, ...]:
    try:
        return (ip_address(address),)
    except ValueError:
        return ()
