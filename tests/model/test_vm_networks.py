"""Networks of the site for VMs: their links on machines, and VMs' addresses in them."""

import copy
from typing import Any

import pytest
from refusing import accepted, refused

from core.model.claims import guest_macs, stays_because
from core.model.placing import places
from tests.diskvms import CLASSES, HTTP

DMZ = {"link": "lan0", "vlan": 20, "subnet": "10.70.0.0/24", "gateway": "10.70.0.1", "dhcp": "10.70.0.100-10.70.0.199"}
DISK = {"size": "20Gi", "from": HTTP}
VM = {"cpu": 2, "memory": "4Gi", "disk": DISK, "nics": {"dmz": {"address": "10.70.0.15"}}}
BASE: dict[str, Any] = {
    "storage": {"classes": CLASSES, "default": "ceph-block"},
    "vm_networks": {"dmz": DMZ},
    "vms": {"db": VM, "web": {**VM, "nics": {"dmz": {}}}},
}
NICS = "machines.wk-1.nics"


def site(edits: dict[str, Any]) -> dict[str, Any]:
    """Edits that give the larger stack a VM network with two VMs, and further ones."""
    return copy.deepcopy({**BASE, **edits})


NETWORKS: dict[str, tuple[dict[str, Any], str]] = {
    "a VLAN of no number": ({"vm_networks.dmz.vlan": 0}, "vm_networks.dmz.vlan: 0 is out of range"),
    "a VLAN out of range": ({"vm_networks.dmz.vlan": 4095}, "vm_networks.dmz.vlan: 4095 is out of range"),
    "a long name": (
        {"vm_networks.production-lan": {"link": "lan0", "vlan": 30}},
        "is not a valid name of a VM network",
    ),
    "the name of the pod network": (
        {"vm_networks.default": {"link": "lan0", "vlan": 30}},
        "default is the pod network",
    ),
    "a link that no machine has": (
        {"vm_networks.dmz.link": "bond0"},
        "dmz.link: bond0 is not a link, bond or bridge on",
    ),
    "a link in a bond": (
        {
            f"{NICS}.bonds": {"bond0": {"links": ["lan0", "lan1"]}},
            f"{NICS}.links": {"lan1": {"mac": "0c:c4:7a:00:99:01"}},
        },
        "lan0 is in bond0 on wk-1",
    ),
    "a link in a bridge": ({f"{NICS}.bridges": {"br0": {"links": ["lan0"]}}}, "lan0 is in br0 on wk-1"),
    "no VLAN and no bridge": ({"vm_networks.dmz.vlan": None}, "lan0 is no bridge, and vlan is not set, on wk-1"),
    "a VLAN as link": (
        {
            f"{NICS}.vlans": {"v9": {"parent": "lan0", "id": 9}},
            "vm_networks.dmz.link": "v9",
            "vm_networks.dmz.classes": ["hv"],
            "classes.hv": {},
            "machines.wk-1.class": "hv",
        },
        "v9 is a VLAN on wk-1",
    ),
    "a bridge that filters": (
        {
            f"{NICS}.bridges": {"br0": {"links": ["lan0"], "vlan_filtering": True}},
            "vm_networks.dmz.link": "br0",
            "vm_networks.dmz.classes": ["hv"],
            "classes.hv": {},
            "machines.wk-1.class": "hv",
        },
        "br0 has vlan_filtering on wk-1",
    ),
    "packets larger than the link's": (
        {"vm_networks.dmz.mtu": 9000},
        "dmz.mtu: 9000 is more than the mtu of lan0, 1500, on",
    ),
    "packets larger than the bond's": (
        {
            "vm_networks.dmz": {**DMZ, "link": "bond0", "mtu": 9000, "classes": ["hv"]},
            "classes.hv": {},
            "machines.wk-1.class": "hv",
            f"{NICS}.bonds": {"bond0": {"links": ["lan0"], "mtu": 4000}},
        },
        "9000 is more than the mtu of bond0, 4000, on wk-1",
    ),
    "one VLAN twice": (
        {"vm_networks.lab": {"link": "lan0", "vlan": 20}},
        "vm_networks.lab.vlan: 20 is already the id of dmz",
    ),
    "a VLAN of the machine's": (
        {f"{NICS}.vlans": {"storage": {"parent": "lan0", "id": 20}}},
        "20 is already the id of nics.vlans.storage on wk-1",
    ),
    "a name of the machine's": (
        {f"{NICS}.bridges": {"br-dmz": {}}},
        "vm_networks.dmz: makes a link br-dmz, and wk-1 has a bridge of that name",
    ),
    "a class that is not there": ({"vm_networks.dmz.classes": ["big"]}, "dmz.classes: 'big' is not one of classes:"),
    "a class of no machine": (
        {"vm_networks.dmz.classes": ["hv"], "classes.hv": {}, "vms": {"db": {**VM, "nics": {}}}},
        "vm_networks.dmz.classes: have no machine that runs VMs",
    ),
    "a subnet of pods": (
        {
            "vm_networks.dmz": {"link": "lan0", "vlan": 20, "subnet": "10.244.3.0/24"},
            "vms": {"db": {**VM, "nics": {"dmz": {}}}},
        },
        "10.244.3.0/24 overlaps network.pods",
    ),
    "a gateway elsewhere": (
        {"vm_networks.dmz.gateway": "10.71.0.1"},
        "dmz.gateway: 10.71.0.1 is not a host of 10.70.0.0/24",
    ),
    "a gateway without a subnet": (
        {
            "vm_networks.dmz": {"link": "lan0", "vlan": 20, "gateway": "10.70.0.1"},
            "vms": {"db": {**VM, "nics": {"dmz": {}}}},
        },
        "dmz.subnet: is missing, and gateway is set",
    ),
    "DHCP elsewhere": ({"vm_networks.dmz.dhcp": "10.71.0.1-10.71.0.9"}, "10.71.0.1-10.71.0.9 is not in 10.70.0.0/24"),
    "DHCP and the load balancer": (
        {
            "cilium.load_balancer": {"pool": "10.20.0.150-10.20.0.160"},
            "vms": {"db": {**VM, "nics": {"dmz": {}}}},
            "vm_networks.dmz": {
                "link": "lan0",
                "vlan": 20,
                "subnet": "10.20.0.0/24",
                "dhcp": "10.20.0.140-10.20.0.155",
            },
        },
        "10.20.0.140-10.20.0.155 overlaps 10.20.0.150-10.20.0.160 of cilium.load_balancer.pool",
    ),
}

LINKS: dict[str, tuple[dict[str, Any], str]] = {
    "a network that is not there": ({"vms.db.nics": {"dnz": {}}}, "vms.db.nics.dnz: is not one of vm_networks"),
    "an address outside": (
        {"vms.db.nics.dmz.address": "10.71.0.15"},
        "10.71.0.15 is outside 10.70.0.0/24, the subnet of dmz",
    ),
    "the gateway": ({"vms.db.nics.dmz.address": "10.70.0.1"}, "10.70.0.1 is the gateway of dmz"),
    "the broadcast address": ({"vms.db.nics.dmz.address": "10.70.0.255"}, "is the broadcast address of 10.70.0.0/24"),
    "an address that DHCP assigns": (
        {"vms.db.nics.dmz.address": "10.70.0.150"},
        "which the DHCP server of dmz assigns",
    ),
    "one address twice": (
        {"vms.web.nics.dmz.address": "10.70.0.15"},
        "vms.web.nics.dmz.address: 10.70.0.15 is already that of VM db",
    ),
    "an address of a machine": (
        {
            "vm_networks.dmz": {"link": "lan0", "vlan": 20, "subnet": "10.20.0.0/24"},
            "vms.db.nics.dmz.address": "10.20.0.21",
        },
        "10.20.0.21 is that of machine wk-1",
    ),
    "the virtual IP": (
        {
            "vm_networks.dmz": {"link": "lan0", "vlan": 20, "subnet": "10.20.0.0/24"},
            "vms.db.nics.dmz.address": "10.20.0.5",
            "network.endpoint": "10.20.0.5",
        },
        "10.20.0.5 is the virtual IP of the control planes",
    ),
    "an address of the load balancer's": (
        {
            "vm_networks.dmz": {"link": "lan0", "vlan": 20, "subnet": "10.20.0.0/24"},
            "vms.db.nics.dmz.address": "10.20.0.151",
            "cilium.load_balancer": {"pool": "10.20.0.150-10.20.0.160"},
        },
        "10.20.0.151 is in 10.20.0.150-10.20.0.160 of cilium.load_balancer.pool",
    ),
    "an address without a subnet": (
        {"vm_networks.dmz": {"link": "lan0", "vlan": 20}},
        "is set, and vm_networks.dmz has no subnet",
    ),
    "two ways out": (
        {
            "vm_networks.lab": {"link": "lan0", "vlan": 30},
            "vms.db.nics": {"dmz": {"default_route": True}, "lab": {"default_route": True}},
        },
        "vms.db.nics.lab.default_route: is true, and so is that of dmz",
    ),
    "a way out without a router": (
        {"vm_networks.dmz.gateway": None, "vms.db.nics.dmz.default_route": True},
        "and vm_networks.dmz has no gateway",
    ),
    "ports behind another link": (
        {"vms.db.ports": [80], "vms.db.nics.dmz.default_route": True},
        "dmz.default_route: is true, and ports is set",
    ),
    "no network at all": (
        {"vms.db.nics": {}, "vms.db.pod_network": False},
        "vms.db: has pod_network: false and no nics",
    ),
    "ports without the pod network": (
        {"vms.db.ports": [80], "vms.db.pod_network": False},
        "vms.db: has ports and pod_network: false",
    ),
    "the MAC of another link": (
        {"vms.db.nics.dmz.mac": "02:00:00:00:00:01", "vms.web.mac": "02:00:00:00:00:01"},
        "vms.web.mac: 02:00:00:00:00:01 is already that of VM db in dmz",
    ),
    "the MAC of a machine": ({"vms.db.nics.dmz.mac": "0c:c4:7a:00:02:01"}, "is already that of machine wk-1"),
    "an ephemeral VM": (
        {"vms.erp": {"ephemeral": True, "image": "quay.io/a/b:1", "cpu": 1, "memory": "1Gi", "nics": {"dmz": {}}}},
        "vms.erp: is ephemeral and sets nics",
    ),
}


@pytest.mark.parametrize(("edits", "line"), [*NETWORKS.values(), *LINKS.values()], ids=[*NETWORKS, *LINKS])
def test_what_can_not_be_is_refused(edits, line):
    assert line in refused(site(edits))


def test_networks_need_a_hypervisor():
    assert "kubevirt: is missing, but there are vm_networks" in refused(
        {"kubevirt": None, "vms": {}, "vm_networks": {"dmz": DMZ}}
    )


RIGHT = {
    "a VLAN on the boot link": {},
    "a bridge with the machine's own network": {
        "vm_networks.dmz": {"link": "br0", "classes": ["hv"]},
        "vms.db.nics.dmz": {},
        "classes.hv": {},
        "machines.wk-1.class": "hv",
        f"{NICS}.bridges": {"br0": {"links": ["lan0"]}},
    },
    "a VLAN over that bridge": {
        "vm_networks.dmz.link": "br0",
        "vm_networks.dmz.classes": ["hv"],
        "classes.hv": {},
        "machines.wk-1.class": "hv",
        f"{NICS}.bridges": {"br0": {"links": ["lan0"]}},
    },
    "one VLAN id over two links": {
        "vm_networks.lab": {"link": "lan1", "vlan": 20, "classes": ["hv"]},
        "classes.hv": {},
        "machines.wk-1.class": "hv",
        f"{NICS}.links": {"lan1": {"mac": "0c:c4:7a:00:99:01"}},
    },
    "a VLAN of a bond with large packets": {
        "vm_networks.dmz": {**DMZ, "link": "bond0", "mtu": 9000, "classes": ["hv"]},
        "classes.hv": {},
        "machines.wk-1.class": "hv",
        f"{NICS}.bonds": {"bond0": {"links": ["lan0"], "mtu": 9000}},
    },
    "a VM without the pod network": {"vms.db.pod_network": False},
    "one address in two networks": {
        "vm_networks.lab": {"link": "lan0", "vlan": 30, "subnet": "10.70.0.0/24"},
        "vms.web.nics": {"lab": {"address": "10.70.0.15"}},
    },
    "an IPv6 network": {
        "vm_networks.dmz": {"link": "lan0", "vlan": 20, "subnet": "fd00:70::/64", "gateway": "fd00:70::1"},
        "vms.db.nics.dmz.address": "fd00:70::15",
    },
}


@pytest.mark.parametrize("edits", RIGHT.values(), ids=RIGHT)
def test_what_a_site_has_is_accepted(edits):
    assert accepted(site(edits)).vm_networks


def test_macs_are_stable_and_of_each_link():
    macs = guest_macs(accepted(site({})), "db")
    assert list(macs) == ["default", "dmz"] and len(set(macs.values())) == 2
    assert macs == guest_macs(accepted(site({"vm_networks.lab": {"link": "lan0", "vlan": 30}})), "db")
    assert macs["default"] == guest_macs(accepted(site({"vms.db.nics": {}})), "db")["default"]


def test_a_vm_runs_where_its_networks_are():
    edits = {"classes.hv": {}, "machines.wk-1.class": "hv", "vm_networks.dmz.classes": ["hv"]}
    platform = accepted(site(edits))
    assert places(platform, "db") == {"wk-1"}
    assert "no other machine has its networks" in list(stays_because(platform, "db"))
    assert list(stays_because(accepted(site({})), "db")) == []
