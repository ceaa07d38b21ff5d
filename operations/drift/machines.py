"""What each machine was given, by the stack's state, and what it runs, by its own API. Read only."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from clients.talos import Client, NoAnswer, schematic_of
from core.facts import tokens
from core.machineconfig.differences import Difference, differences, parse
from core.machineconfig.merge import LEGACY
from core.state import resource_name, unwrap_secret

_APPLIED, _PKI, _KUBECONFIG = tokens.CONFIGURATION_APPLY, tokens.SECRETS, tokens.KUBECONFIG


# Talos' provider renews a kubeconfig in its last 30 days and a talosconfig in its last calendar month, in an `up`
# alone. What is told here is what the next `up` renews, in February as well.
SOON = timedelta(days=28)


class NotMade(Exception):
    """The stack has no machines yet."""


@dataclass(frozen=True)
class Declared:
    """One machine as the last `up` left it. config: secret."""

    name: str
    address: str
    config: str = field(repr=False)

    @property
    def installer(self) -> tuple[str, str]:
        """Schematic and release that its installer image names; empty where it names none."""
        image = parse(self.config).documents.get(LEGACY, {}).get("machine", {}).get("install", {}).get("image", "")
        found = re.search(r"/([0-9a-f]{64}):(v\d+\.\d+\.\d+\S*)$", image)
        return (found[1], found[2]) if found else ("", "")


@dataclass
class Found:
    """What came of looking at one machine."""

    machine: str
    address: str
    differences: list[Difference] = field(default_factory=list)
    unread: str = ""

    @property
    def drifted(self) -> bool:
        """Whether it is anything but the same; one that could not be read is not known to be."""
        return bool(self.differences or self.unread)


def declared(resources: list[dict[str, Any]]) -> tuple[list[Declared], Client]:
    """Machines and the client for them, out of an exported state with its secrets in the clear. Raises NotMade."""
    machines, client = [], None
    for resource in resources:
        outputs = resource.get("outputs") or {}
        if resource["type"] == _APPLIED:
            name = resource_name(resource).removeprefix("talos-")
            machines.append(Declared(name, str(unwrap_secret(outputs["node"])), str(unwrap_secret(outputs["machineConfiguration"]))))
        elif resource["type"] == _PKI:
            parts = unwrap_secret(outputs["clientConfiguration"])
            client = Client(
                *(base64.b64decode(unwrap_secret(parts[part])) for part in ("caCertificate", "clientCertificate", "clientKey"))
            )
    if not machines or client is None:
        raise NotMade("no machine has its config yet")
    return sorted(machines, key=lambda machine: machine.name), client


def certificates(resources: list[dict[str, Any]]) -> dict[str, bytes]:
    """The client certificates (PEM) that a platform hands out, by the credential that they are in."""
    found = {}
    for resource in resources:
        outputs = resource.get("outputs") or {}
        for kind, output, credential in (
            (_PKI, "clientConfiguration", "talosconfig"),
            (_KUBECONFIG, "kubernetesClientConfiguration", "kubeconfig"),
        ):
            if resource["type"] == kind and (parts := unwrap_secret(outputs.get(output))):
                found[credential] = base64.b64decode(unwrap_secret(parts["clientCertificate"]))
    return found


def ending(given: Mapping[str, bytes], now: datetime) -> list[str]:
    """What to say of each client certificate that ends soon; nothing while they last."""
    said = []
    for credential, certificate in sorted(given.items()):
        left = x509.load_pem_x509_certificate(certificate).not_valid_after_utc - now
        if left <= SOON:
            when = f"ends in {left.days} days" if left.days >= 0 else "has ended"
            said.append(
                f"the {credential}'s certificate {when}; renew it: ./bedplate up STACK; then ./bedplate access STACK"
            )
    return said


def look(machine: Declared, client: Client) -> Found:
    """Compare one machine: its config, its OS, what is baked into its image, its kubelet."""
    found = Found(machine.name, machine.address)
    try:
        running = client.resources(machine.address, "config", "MachineConfigs.config.talos.dev").get("v1alpha1")
        found.differences += differences(parse(machine.config), parse(str(running or "")))
        found.differences += list(_image(machine, client))
        found.differences += list(_kubelet(machine, client))
    except (NoAnswer, ValueError) as error:
        found.unread = str(error)
    return found


def _image(machine: Declared, client: Client) -> list[Difference]:
    schematic, version = machine.installer
    runs = client.version(machine.address)
    said = [Difference("Talos", "version", version, runs, reboots=True)] if version and runs != version else []
    baked = schematic_of(client.resources(machine.address, "runtime", "ExtensionStatuses.runtime.talos.dev"))
    if schematic and baked and baked != schematic:
        said.append(Difference("Talos", "schematic", schematic, baked, reboots=True))
    return said


def _kubelet(machine: Declared, client: Client) -> list[Difference]:
    wanted = parse(machine.config).documents.get(LEGACY, {}).get("machine", {}).get("kubelet", {}).get("image", "")
    specs = client.resources(machine.address, "k8s", "KubeletSpecs.kubernetes.talos.dev")
    runs = next((str(spec.get("image", "")) for spec in specs.values()), "")
    return [Difference("kubelet", "image", wanted, runs, reboots=False)] if runs and runs != wanted else []
