"""One platform, from its boot server to its virtual machines: pure data, parsed once, never changed.

The docstrings of the fields are the documentation: the JSON Schema that editors use contains them.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from core.facts import installer
from core.facts.networks import IpAddress, IpNetwork
from core.facts.versions import CURRENT

from . import schematic, storage
from .boot import BootSpec
from .cilium import CiliumSpec
from .exceptions import ExemptionSpec
from .golden import GoldenImageSpec, ImageName
from .machine import MachineClassSpec, MachineSpec
from .network import ClusterNetworkSpec
from .registries import RegistriesSpec
from .schematic import SchematicSpec
from .storage import CdiSpec, StorageClass, StorageSpec
from .talos import TalosSpec
from .types import Architecture, ByName, Line, Model, Name
from .virtualization import KubeVirtSpec, VirtualMachineSpec
from .vmnetworks import VmNetworkName, VmNetworkSpec
from .workloads import WorkloadSpec

_TALOS = f"{{contract: {CURRENT['contract']}, version: {CURRENT['talos']}, kubernetes: {CURRENT['kubernetes']}}}"


class Platform(Model):
    """A whole platform, as one stack file describes it."""

    name: Name = Field(examples=["dev"])
    """Name of the cluster."""
    talos: TalosSpec = Field(examples=[_TALOS])
    network: ClusterNetworkSpec = Field(examples=["{nodes: 192.168.10.0/24, endpoint: 192.168.10.5}"])
    declared: ByName[Name, MachineSpec] = Field(alias="machines", examples=["{cp-1: {role: controlplane, …}}"])
    """Every machine by name, including those that are being decommissioned."""
    classes: ByName[Name, MachineClassSpec] = Field(default={}, validate_default=True)
    """Settings that several machines have in common, by the name that those machines write as class:."""
    boot: BootSpec | None = None
    registries: RegistriesSpec = Field(default_factory=RegistriesSpec)
    cilium: CiliumSpec = Field(examples=[f"{{version: {CURRENT['cilium']}}}"])
    kubevirt: KubeVirtSpec | None = None
    """Required for vms:."""
    storage: StorageSpec | None = None
    """Where the volumes of the cluster are: those of VMs and of applications."""
    declared_cdi: CdiSpec | None = Field(default=None, alias="cdi")
    """CDI, which fills the disks of VMs from images. Unset: the current release, where a VM has a disk."""
    golden: ByName[ImageName, GoldenImageSpec] = Field(default={}, alias="images", validate_default=True)
    """Golden images by name: each is fetched once, and disks of VMs are copies of it."""
    vm_networks: ByName[VmNetworkName, VmNetworkSpec] = Field(default={}, validate_default=True)
    """Networks of the site to which VMs are connected, such as VLANs, by name."""
    vms: ByName[Name, VirtualMachineSpec] = Field(default={}, validate_default=True)
    """Virtual machines by name."""
    workloads: ByName[Name, WorkloadSpec] = Field(default={}, validate_default=True)
    """Container applications by name."""
    exceptions: tuple[ExemptionSpec, ...] = ()
    """Controls that this platform does not comply with for a limited time, each with its reason and its last day."""
    include: tuple[Line, ...] = ()
    """Files of the checkout with more machines:, vms: and workloads:, for a platform too large for one file."""

    @cached_property
    def machines(self) -> Mapping[str, MachineSpec]:
        """The machines that stay, by name in natural order: all that are not being decommissioned."""
        return MappingProxyType({n: m for n, m in self.declared.items() if m.decommission is None})

    @cached_property
    def leaving(self) -> Mapping[str, MachineSpec]:
        """The machines that are being decommissioned, or were and still have an entry, by name."""
        return MappingProxyType({n: m for n, m in self.declared.items() if m.decommission is not None})

    @cached_property
    def controlplanes(self) -> tuple[str, ...]:
        """Names of the control planes that stay, in natural order."""
        return tuple(n for n, m in self.machines.items() if m.role == "controlplane")

    @cached_property
    def workers(self) -> tuple[str, ...]:
        """Names of the workers that stay, in natural order."""
        return tuple(n for n, m in self.machines.items() if m.role == "worker")

    @property
    def first(self) -> str:
        """Name of the control plane on which etcd is bootstrapped."""
        return self.talos.bootstrap or self.controlplanes[0]

    @property
    def api(self) -> str:
        """URL of the Kubernetes API."""
        return f"https://{self.network.endpoint.netloc}"

    @cached_property
    def node_networks(self) -> tuple[IpNetwork, ...]:
        """The networks of all machines: network.nodes, and each machine behind other routers as a network of its own.

        Only the site's DHCP can give a machine such an address, so its prefix is not known here.
        """
        behind = (a for m in self.declared.values() for a in m.addresses if self.network.of(a) is None)
        return (*self.network.nodes, *(ip_network(address) for address in behind))

    @cached_property
    def node_subnets(self) -> Mapping[str, int]:
        """The node networks as the config of each machine spells them: text to its IP version."""
        return {str(network): network.version for network in self.node_networks}

    @cached_property
    def vip(self) -> IpAddress | None:
        """The virtual IP of the control planes; None where something else leads to the Kubernetes API."""
        net, wanted = self.network, self.network.vip
        if wanted is not None:
            return None if wanted == "none" else wanted
        address = net.endpoint.address
        return address if address and net.of(address) and address not in self.addresses() else None

    def installer_of(self, machine: str) -> str:
        """The installer image of a machine: it contains exactly the machine's schematic and the Talos release."""
        host, secureboot = self.talos.factory.split("://")[1], self.schematic_of(machine).secureboot
        return installer.factory_image(host, self.schematic_id_of(machine), self.talos.version, secureboot=secureboot)

    def schematic_of(self, machine: str) -> SchematicSpec:
        """What a machine's images contain: talos.schematic, with the machine's own keys over it."""
        return schematic.merged(self.talos.schematic, self.declared[machine].schematic)

    def schematic_id_of(self, machine: str) -> str:
        """Id of a machine's schematic: its extensions and arguments, and those that the platform needs."""
        return self._schematic_ids[machine]

    @property
    def uploads(self) -> dict[str, Any]:
        """What a factory needs before it serves the platform's images, by the name of the stack's output.

        Most platforms have one `schematic`, its text or None; others have `schematics`, the texts by their ids.
        """
        if len(self.schematics) == 1:
            return {"schematic": next(iter(self.schematics.values()))}
        return {"schematics": dict(self.schematics)}

    @cached_property
    def schematics(self) -> Mapping[str, str | None]:
        """Every schematic of the platform: id to the text that a factory needs before it can serve those images.

        None where the file names an id. In the order of the machines.
        """
        texts: dict[str, str | None] = {}
        for name, id_ in self._schematic_ids.items():
            if id_ not in texts:
                body = schematic.body(self, self.schematic_of(name))
                texts[id_] = None if body is None else schematic.text(body)
        return MappingProxyType(texts)

    @property
    def images(self) -> str:
        """Which images the machines have: the schematic's id, or with several a hash of which machine has which."""
        if len(self.schematics) == 1:
            return next(iter(self.schematics))
        return hashlib.sha256(repr(sorted(self._schematic_ids.items())).encode()).hexdigest()

    @cached_property
    def _schematic_ids(self) -> Mapping[str, str]:
        """Machine to the id of its schematic; equal schematics are hashed once."""
        wanted = {name: self.schematic_of(name) for name in self.machines}
        ids: dict[SchematicSpec, str] = {}
        for each in wanted.values():
            if each not in ids:
                body = schematic.body(self, each)
                ids[each] = schematic.id_of(body) if body is not None else str(each.id)
        return MappingProxyType({name: ids[each] for name, each in wanted.items()})

    @cached_property
    def storage_classes(self) -> Mapping[str, StorageClass]:
        """Every class of volumes that the stack file names, by name."""
        return storage.classes(self.storage)

    def storage_class(self, name: str | None) -> StorageClass | None:
        """A class by name, or the one of disks that name none; None for a class that the stack file doesn't name."""
        wanted = name if name is not None else storage.default_class(self.storage)
        return None if wanted is None else self.storage_classes.get(wanted)

    @property
    def scratch_class(self) -> StorageClass | None:
        """The class in which CDI unpacks images; None where no class can hold them."""
        return self.storage_classes.get(storage.scratch_class(self.storage) or "")

    @cached_property
    def cdi(self) -> CdiSpec | None:
        """CDI, which fills the disks of VMs from images; None where the platform has none."""
        makes = any(disk.claim is None for vm in self.vms.values() for disk in vm.every_disk.values())
        return self.declared_cdi or (CdiSpec() if makes or self.golden else None)

    @property
    def schedulable(self) -> tuple[str, ...]:
        """Names of the machines that run workloads."""
        return tuple(self.machines) if self.talos.schedulable_control_planes else self.workers

    @cached_property
    def machines_by_vm_network(self) -> Mapping[str, frozenset[str]]:
        """Network of vm_networks (key) to its machines: all that run VMs, or those of its classes."""
        return {
            name: frozenset(m for m in self.schedulable if not spec.classes or self.machines[m].class_ in spec.classes)
            for name, spec in self.vm_networks.items()
        }

    @cached_property
    def vm_classes(self) -> frozenset[str]:
        """The classes of machines that some VM is to run on."""
        return frozenset(vm.place.class_ for vm in self.vms.values() if vm.place.class_ is not None)

    @cached_property
    def apart(self) -> Mapping[str, tuple[str, ...]]:
        """Group (key) to its VMs that run, no two of which run on one machine."""
        groups: dict[str, list[str]] = {}
        for name, vm in self.vms.items():
            if vm.place.apart is not None and vm.running:
                groups.setdefault(vm.place.apart, []).append(name)
        return {group: tuple(names) for group, names in groups.items()}

    @cached_property
    def vm_architectures(self) -> tuple[Architecture, ...]:
        """Processor architectures of the machines that run workloads, sorted."""
        return tuple(sorted({self.machines[name].arch for name in self.schedulable}))

    @property
    def migratable(self) -> bool:
        """Whether a VM has another node to migrate to."""
        return len(self.schedulable) > 1

    @property
    def namespaces(self) -> dict[str, Literal["baseline", "restricted"]]:
        """The namespaces of VMs and workloads: name to its Pod Security level, sorted.

        virt-launcher does not always fit into restricted (hot-plugged disks, for one); applications do.
        """
        levels: dict[str, Literal["baseline", "restricted"]] = {}
        levels |= {w.namespace: "restricted" for w in self.workloads.values()}
        levels |= {vm.namespace: "baseline" for vm in self.vms.values()}
        return dict(sorted(levels.items()))

    def addresses(self) -> dict[IpAddress, str]:
        """Machines by address: address (key) to name. A machine that is being decommissioned still has its own."""
        return {address: name for name, machine in self.declared.items() for address in machine.addresses}
