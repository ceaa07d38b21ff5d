"""Bonds, VLANs, bridges and routes as documents that talosctl accepts, and the link with the machine's own address."""

import subprocess

import pytest
from conftest import changed

from core.machineconfig.documents import patches
from core.machineconfig.documents.links import links
from core.model import parse

NICS = {
    "links": {
        "data0": {"mac": "0c:c4:7a:00:09:01"},
        "store0": {"mac": "0c:c4:7a:00:09:02", "mtu": 9000, "address": "10.30.0.11/24"},
    },
    "bonds": {"bond0": {"links": ["lan0", "data0"], "mtu": 9000}},
    "vlans": {
        "vms": {"parent": "bond0", "id": 100},
        "backup": {"parent": "store0", "id": 200, "mtu": 9000, "address": "10.40.0.11/24"},
    },
}


def of(raw, name):
    platform = parse(raw)
    return list(links(platform, name, platform.machines[name]))


def by_name(documents, kind):
    return {
        d["name"]: {k: v for k, v in d.items() if k not in ("apiVersion", "kind", "name")}
        for d in documents
        if d["kind"] == kind
    }


@pytest.fixture
def bonded(prod):
    return changed(prod, {"machines.cp-1.nics": NICS})


def test_a_bond_with_the_boot_link_has_the_machines_address_and_the_virtual_ip(bonded):
    documents = of(bonded, "cp-1")
    own = {"addresses": [{"address": "10.20.0.11/24"}], "routes": [{"gateway": "10.20.0.1"}]}
    assert by_name(documents, "BondConfig") == {
        "bond0": {
            "links": ["lan0", "data0"],
            "bondMode": "802.3ad",
            "miimon": 100,
            "updelay": 200,
            "downdelay": 200,
            "xmitHashPolicy": "layer3+4",
            "lacpRate": "slow",
            "up": True,
            "mtu": 9000,
            **own,
        }
    }
    assert by_name(documents, "Layer2VIPConfig") == {"10.20.0.10": {"link": "bond0"}}
    # A link that is part of a bond has no settings of its own.
    assert by_name(documents, "LinkConfig") == {
        "store0": {"up": True, "mtu": 9000, "addresses": [{"address": "10.30.0.11/24"}]}
    }
    assert by_name(documents, "VLANConfig") == {
        "backup": {
            "vlanID": 200,
            "parent": "store0",
            "up": True,
            "mtu": 9000,
            "addresses": [{"address": "10.40.0.11/24"}],
        },
        "vms": {"vlanID": 100, "parent": "bond0", "up": True},
    }
    assert by_name(documents, "LinkAliasConfig") == {
        name: {"selector": {"match": f'mac(link.permanent_addr) == "{mac}"'}}
        for name, mac in (
            ("lan0", "0c:c4:7a:00:01:01"),
            ("data0", "0c:c4:7a:00:09:01"),
            ("store0", "0c:c4:7a:00:09:02"),
        )
    }


def test_the_boot_link_may_have_larger_packets(prod):
    documents = of(changed(prod, {"machines.wk-1.nics.links": {"lan0": {"mtu": 9000}}}), "wk-1")
    assert by_name(documents, "LinkConfig")["lan0"]["mtu"] == 9000 and [d["kind"] for d in documents] == [
        "LinkAliasConfig",
        "LinkConfig",
    ]


def test_a_bond_without_lacp_has_no_lacp_setting(bonded):
    bond = by_name(of(changed(bonded, {"machines.cp-1.nics.bonds.bond0.mode": "active-backup"}), "cp-1"), "BondConfig")[
        "bond0"
    ]
    assert bond["bondMode"] == "active-backup" and not {"lacpRate", "xmitHashPolicy"} & set(bond)


@pytest.mark.parametrize(("machine", "carrier"), [("cp-1", "bond0"), ("wk-1", "lan0")])
def test_a_machine_with_a_dhcp_address_keeps_using_dhcp(bonded, machine, carrier):
    """Any document about a link disables Talos' default DHCP on all links."""
    raw = changed(bonded, {"network.gateway": None, "machines.wk-1.nics": {"links": {"eno9": {"mtu": 9000}}}})
    assert by_name(of(raw, machine), "DHCPv4Config") == {carrier: {}}


def test_machines_of_a_class_differ_only_in_macs_and_addresses(prod):
    shared = {"bonds": {"bond0": {"links": ["lan0", "data0"]}}, "vlans": {"store": {"parent": "bond0", "id": 7}}}
    own = {"links": {"data0": {"mac": "0c:c4:7a:00:09:01"}}, "vlans": {"store": {"address": "10.30.0.21/24"}}}
    documents = of(
        changed(prod, {"classes": {"c": {"nics": shared}}, "machines.wk-1.class": "c", "machines.wk-1.nics": own}),
        "wk-1",
    )
    assert by_name(documents, "VLANConfig") == {
        "store": {"vlanID": 7, "parent": "bond0", "up": True, "addresses": [{"address": "10.30.0.21/24"}]}
    }
    assert by_name(documents, "BondConfig")["bond0"]["links"] == ["lan0", "data0"]


BRIDGED = {
    "links": {
        "data0": {"mac": "0c:c4:7a:00:09:01"},
        "store0": {
            "mac": "0c:c4:7a:00:09:02",
            "address": "10.30.0.11/24",
            "routes": [{"to": "10.50.0.0/16", "via": "10.30.0.1", "metric": 100}],
        },
    },
    "bonds": {"bond0": {"links": ["lan0", "data0"], "mtu": 9000}},
    "vlans": {"guests": {"parent": "bond0", "id": 100, "mtu": 9000}},
    "bridges": {
        "br0": {"links": ["bond0"], "mtu": 9000, "routes": [{"to": "10.60.0.0/16", "via": "10.20.0.9"}]},
        "br100": {"links": ["guests", "store1"], "stp": True, "vlan_filtering": True},
        "island": {"address": "10.70.0.1/24"},
    },
}
BRIDGED["links"]["store1"] = {"mac": "0c:c4:7a:00:09:03"}


def test_a_bridge_over_the_boot_links_bond_has_the_machines_address_routes_and_virtual_ip(prod):
    documents = of(changed(prod, {"machines.cp-1.nics": BRIDGED}), "cp-1")
    quiet = {"stp": {"enabled": False}, "vlan": {"filtering": False}, "up": True}
    assert by_name(documents, "BridgeConfig") == {
        "br0": {
            **quiet,
            "links": ["bond0"],
            "hardwareAddr": "0c:c4:7a:00:01:01",
            "mtu": 9000,
            "addresses": [{"address": "10.20.0.11/24"}],
            "routes": [{"gateway": "10.20.0.1"}, {"destination": "10.60.0.0/16", "gateway": "10.20.0.9"}],
        },
        "br100": {"links": ["guests", "store1"], "stp": {"enabled": True}, "vlan": {"filtering": True}, "up": True},
        "island": {**quiet, "links": [], "addresses": [{"address": "10.70.0.1/24"}]},
    }
    assert by_name(documents, "Layer2VIPConfig") == {"10.20.0.10": {"link": "br0"}}
    assert not {"addresses", "routes"} & set(by_name(documents, "BondConfig")["bond0"])
    assert by_name(documents, "LinkConfig") == {
        "store0": {
            "up": True,
            "addresses": [{"address": "10.30.0.11/24"}],
            "routes": [{"destination": "10.50.0.0/16", "gateway": "10.30.0.1", "metric": 100}],
        },
        "store1": {"up": True},
    }


@pytest.mark.parametrize("gateway", ["10.20.0.1", None])
def test_the_boot_link_itself_may_be_in_a_bridge(prod, gateway):
    """With DHCP as well: the bridge keeps the MAC that the address is reserved for, whatever links it gets."""
    raw = changed(
        prod,
        {
            "network.gateway": gateway,
            "machines.wk-1.nics": {"links": {"lan0": {"mtu": 9000}}, "bridges": {"br0": {"links": ["lan0"]}}},
        },
    )
    documents = of(raw, "wk-1")
    bridge = by_name(documents, "BridgeConfig")["br0"]
    assert bridge["hardwareAddr"] == "0c:c4:7a:00:02:01" and ("addresses" in bridge) == (gateway is not None)
    assert by_name(documents, "LinkConfig") == {"lan0": {"up": True, "mtu": 9000}}
    assert by_name(documents, "DHCPv4Config") == ({} if gateway else {"br0": {}})


def test_the_boot_link_may_have_routes_beside_its_default_route(prod):
    raw = changed(
        prod, {"machines.wk-1.nics.links": {"lan0": {"routes": [{"to": "10.50.0.0/16", "via": "10.20.0.9"}]}}}
    )
    assert by_name(of(raw, "wk-1"), "LinkConfig")["lan0"]["routes"] == [
        {"gateway": "10.20.0.1"},
        {"destination": "10.50.0.0/16", "gateway": "10.20.0.9"},
    ]


@pytest.mark.engine
def test_talosctl_accepts_bridges_and_routes(prod, tmp_path):
    accepted(parse(changed(prod, {"machines.cp-1.nics": BRIDGED})), tmp_path, "kind: BridgeConfig")


@pytest.mark.engine
def test_talosctl_refuses_an_invalid_route(prod, tmp_path):
    """Otherwise the test above would prove nothing."""
    platform = parse(changed(prod, {"machines.cp-1.nics": BRIDGED}))
    bad = {
        "apiVersion": "v1alpha1",
        "kind": "BridgeConfig",
        "name": "br0",
        "routes": [{"destination": "0.0.0.0/0", "gateway": "10.20.0.1"}],
    }
    platform = platform.model_copy(update={"talos": platform.talos.model_copy(update={"patches": (bad,)})})
    with pytest.raises(AssertionError, match="destination must be a valid IP prefix"):
        accepted(platform, tmp_path, "kind: BridgeConfig")


@pytest.mark.engine
@pytest.mark.parametrize("mode", ["802.3ad", "active-backup", "balance-xor", "balance-tlb", "balance-alb"])
def test_talosctl_accepts_bonds_and_vlans(bonded, mode, tmp_path):
    platform = parse(changed(bonded, {"machines.cp-1.nics.bonds.bond0.mode": mode}))
    accepted(platform, tmp_path, "kind: VLANConfig")


def accepted(platform, tmp_path, holds):
    """The config of cp-1, merged and judged by the real command."""
    base, config = tmp_path / "base.yaml", tmp_path / "config.yaml"
    generate = [
        "talosctl",
        "gen",
        "config",
        "prod",
        platform.api,
        "--talos-version",
        "v1.12",
        "--output-types",
        "controlplane",
    ]
    subprocess.run(
        [*generate, "--with-docs=false", "--with-examples=false", "-o", str(base)], check=True, capture_output=True
    )
    merge = [arg for patch in patches(platform, "cp-1") for arg in ("--patch", patch)]
    subprocess.run(["talosctl", "machineconfig", "patch", str(base), *merge, "-o", str(config)], check=True)
    judged = subprocess.run(
        ["talosctl", "validate", "--config", str(config), "--mode", "metal", "--strict"], capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stderr
    assert holds in config.read_text()
