"""What the stack's state declares for each machine, and what the machine runs by its own API. It changes nothing."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509

from clients.talos import Client, NoAnswer, schematic_of
from clients.talos.running import config_of
from core.credentials import kubeconfig
from core.credentials.kubeconfig import KubeconfigRefused
from core.effective.section import Config, Section
from core.facts import installer, tokens
from core.facts.installer import InstallerImage
from core.machineconfig.differences import Difference, parse
from core.machineconfig.merge import Merged
from core.native.types import CLIENT_PARTS
from core.printable import SHOWN_CHARACTERS, printable
from core.state import CONFIGURED, machine_of, unwrap_secret

from . import links
from .compared import Wanted, compare
from .nodes import KUBECONFIGS, Nodes, Unread

_PKI = tokens.SECRETS


# A kubeconfig is renewed in its last 30 days and a talosconfig, by Talos' provider, in its last calendar month, during
# `up` only. 28 days: whatever is reported, the next `up` renews, in February too.
SOON = timedelta(days=28)


class NoMachines(Exception):
    """The stack's state has no machine with a config."""


@dataclass(frozen=True)
class Declared:
    """One machine as the last `up` left it. `config` is secret."""

    name: str
    address: str
    config: str = field(repr=False)

    @property
    def installer(self) -> InstallerImage | None:
        """Its installer image; None if its name has no exact version. Raises ValueError."""
        section = self._section("UnattendedInstallConfig", "machine", "install")
        return installer.parse(str(section.get("installer", "image") or section.get("image") or ""))

    @property
    def kubelet_image(self) -> str:
        """The image of its kubelet; empty if its config names none. Raises ValueError."""
        return str(self._section("KubeletConfig", "machine", "kubelet").get("image") or "")

    def _section(self, kind: str, *legacy: str) -> Section:
        """The document of that kind, or the field that contracts before v1.14 have in its place."""
        return Config(self.documents.documents, lambda *_: "").section(kind, *legacy)

    @cached_property
    def documents(self) -> Merged:
        """The documents of its config. Raises ValueError if the config can't be read."""
        return parse(self.config)


@dataclass
class Inspection:
    """How one machine differs from what is declared for it. `--json` prints these fields."""

    machine: str
    address: str
    differences: list[Difference] = field(default_factory=list)
    without_effect: list[Difference] = field(default_factory=list)
    """Values that stand in its config in another way and come to the same. They are no drift."""
    unread: str = ""
    """Why the machine could not be read; empty if it was."""

    @property
    def drifted(self) -> bool:
        """Whether it differs, or could not be read, so that it may differ."""
        return bool(self.differences or self.unread)


def declared(resources: list[dict[str, Any]]) -> tuple[list[Declared], Client]:
    """The machines by name and a client of their API, from resources with secrets in the clear. Raises NoMachines."""
    machines: list[Declared] = []
    client = None
    for resource in resources:
        outputs = resource.get("outputs") or {}
        if resource["type"] in CONFIGURED:
            name = machine_of(resource)
            address, config = (str(unwrap_secret(outputs[output])) for output in ("node", "machineConfiguration"))
            machines.append(Declared(name, address, config))
        elif resource["type"] == _PKI:
            parts = unwrap_secret(outputs["clientConfiguration"])
            client = Client(*(base64.b64decode(parts[part]) for part in CLIENT_PARTS))
    if not machines or client is None:
        raise NoMachines("no machine has its config yet")
    return sorted(machines, key=lambda machine: machine.name), client


def certificates(resources: list[dict[str, Any]]) -> dict[str, bytes]:
    """Credential (talosconfig, kubeconfig) to the client certificate in it, as PEM; only those that the state has."""
    certificates_by_credential = {}
    for resource in resources:
        outputs, kind = unwrap_secret(resource.get("outputs") or {}), resource["type"]
        if kind == _PKI and (parts := outputs.get("clientConfiguration")):
            certificates_by_credential["talosconfig"] = base64.b64decode(parts["clientCertificate"])
        if kind in KUBECONFIGS and (text := outputs.get(KUBECONFIGS[kind])):
            with suppress(KubeconfigRefused):  # The next `up` signs another one.
                certificates_by_credential["kubeconfig"] = kubeconfig.parse(text).certificate.encode()
    return certificates_by_credential


def expiring(client_certificates: Mapping[str, bytes], now: datetime) -> list[str]:
    """A message for each client certificate that expires within SOON, with the word STACK for the stack's name."""
    messages = []
    for credential, certificate in sorted(client_certificates.items()):
        left = x509.load_pem_x509_certificate(certificate).not_valid_after_utc - now
        if left <= SOON:
            when = f"certificate expires in {left.days} days" if left.days >= 0 else "certificate has expired"
            messages.append(f"the {credential}'s {when}; renew it: ./bedplate up STACK; then ./bedplate access STACK")
    return messages


def inspect(machine: Declared, client: Client, nodes: Nodes, wanted: Wanted | None = None) -> Inspection:
    """Compare what one machine runs with what is declared: config, Talos version, schematic, kubelet and Node.

    wanted: the stack file, for what sets each declared value.
    """
    inspection = Inspection(machine.name, machine.address)
    try:
        running = config_of(client, machine.address)
        found = compare(machine.name, machine.address, machine.documents, running, wanted or Wanted())
        inspection.differences += [each for each in found if each.effect]
        inspection.without_effect += [each for each in found if not each.effect]
        inspection.differences += _image(machine, client)
        inspection.differences += list(_kubelet(machine, client))
        inspection.differences += list(_links(machine, client))
        inspection.differences += nodes.compare(machine.name)
    except (NoAnswer, ValueError, Unread) as error:
        inspection.unread = printable(error, 3 * SHOWN_CHARACTERS)
    return inspection


def _links(machine: Declared, client: Client) -> Iterator[Difference]:
    if names := links.asking(machine.documents.documents.values()):
        found = (client.resources(machine.address, "network", kind) for kind in (links.LINKS, links.ADDRESSES))
        yield from links.unanswered(names, *found)


def _image(machine: Declared, client: Client) -> Iterator[Difference]:
    image = machine.installer
    if image is None:
        return
    version = client.version(machine.address)
    if version != image.version:
        yield Difference("Talos", "version", image.version, version, reboots=True)
    schematic = schematic_of(client.resources(machine.address, "runtime", "ExtensionStatuses.runtime.talos.dev"))
    if image.schematic and schematic and schematic != image.schematic:
        yield Difference("Talos", "schematic", image.schematic, schematic, reboots=True)


def _kubelet(machine: Declared, client: Client) -> list[Difference]:
    wanted = machine.kubelet_image
    specs = client.resources(machine.address, "k8s", "KubeletSpecs.kubernetes.talos.dev")
    runs = next((str(spec.get("image", "")) for spec in specs.values()), "")
    return [Difference("kubelet", "image", wanted, runs, reboots=False)] if wanted and runs and runs != wanted else []
