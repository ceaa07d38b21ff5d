"""Where VMs run, and the probes of their guests."""

import copy
from typing import Any

import pytest
from refusing import accepted, refused

from core.machineconfig.node import node_settings
from core.manifests.kubevirt import kubevirt
from core.manifests.virtual_machine import virtual_machine
from core.model import Platform
from core.model.claims import stays_because
from core.model.placing import places
from tests.diskvms import CLASSES, HTTP

VM: dict[str, Any] = {"cpu": 2, "memory": "4Gi", "disk": {"size": "20Gi", "from": HTTP}}
HYPERVISORS = {"classes.hv": {}, "machines.wk-1.class": "hv", "machines.wk-1.taints": {"vms": "only:NoSchedule"}}


def edits(vms: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    storage = {"classes": CLASSES, "default": "ceph-block"}
    wanted = {"storage": storage, "vms": {name: {**VM, **vm} for name, vm in vms.items()}, **more}
    return copy.deepcopy(wanted)


def spec(p: Platform, name: str = "a") -> dict[str, Any]:
    made: dict[str, Any] = virtual_machine(p, name)["spec"]["template"]["spec"]
    return made


def test_vms_of_a_class_run_there_whatever_its_taints():
    p = accepted(edits({"a": {"place": {"class": "hv"}}, "b": {}}, **HYPERVISORS))
    assert spec(p)["nodeSelector"] == {"bedplate/class": "hv"} and places(p, "a") == {"wk-1"}
    tolerated = [{"key": "vms", "operator": "Equal", "value": "only", "effect": "NoSchedule"}]
    assert spec(p)["tolerations"] == tolerated and "tolerations" not in spec(p, "b")
    # virt-handler, without which no VM starts there, comes by this.
    assert kubevirt(p)["spec"]["workloads"]["nodePlacement"]["tolerations"] == tolerated
    shown = {name: node_settings(p, name).labels.get("bedplate/class") for name in p.machines}
    assert [name for name, value in shown.items() if value] == ["wk-1"]
    assert "no other machine has its class" in list(stays_because(p, "a"))


def test_a_platform_without_such_vms_has_no_such_label():
    p = accepted(edits({"a": {}}, **HYPERVISORS))
    assert "bedplate/class" not in node_settings(p, "wk-1").labels and "workloads" not in kubevirt(p)["spec"]


def test_vms_of_a_group_never_run_on_one_machine():
    p = accepted(edits({name: {"place": {"apart": "db", "zones": True}} for name in "ab"}))
    [rule] = spec(p)["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname" and rule["namespaceSelector"] == {}
    labels = virtual_machine(p, "a")["spec"]["template"]["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels.items()
    [zones] = spec(p)["topologySpreadConstraints"]
    assert (zones["topologyKey"], zones["labelSelector"]) == ("topology.kubernetes.io/zone", rule["labelSelector"])


def test_a_group_as_large_as_its_machines_blocks_no_drain():
    """While one machine is drained, none is free for its VM."""
    p = accepted(edits({name: {"place": {"apart": "db"}} for name in "ab"}))
    assert len(places(p, "a")) == 2 and spec(p)["evictionStrategy"] == "None"
    assert list(stays_because(p, "a")) == ["each machine has a VM of the group db"]
    smaller = accepted(edits({"a": {"place": {"apart": "db"}}}))
    assert spec(smaller)["evictionStrategy"] == "LiveMigrate"


def test_vms_together_don_t_hold_each_other():
    [term] = spec(accepted(edits({"a": {"place": {"together": "shop"}}})))["affinity"]["podAffinity"].values()
    assert term[0]["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"bedplate/together": "shop"}}


@pytest.mark.parametrize(
    ("probes", "made"),
    [
        (
            {"ready": {"tcp": 443}},
            {"readinessProbe": {"tcpSocket": {"port": 443}, "periodSeconds": 10, "failureThreshold": 3}},
        ),
        (
            {"alive": {"agent": True, "every": 30}},
            {"livenessProbe": {"guestAgentPing": {}, "periodSeconds": 30, "initialDelaySeconds": 120}},
        ),
        (
            {"ready": {"http": {"port": 80}, "after": 5}},
            {"readinessProbe": {"httpGet": {"port": 80, "path": "/"}, "initialDelaySeconds": 5}},
        ),
    ],
)
def test_probes(probes, made):
    shown = spec(accepted(edits({"a": {"probes": probes}})))
    for key, fields in made.items():
        assert fields.items() <= shown[key].items()


def test_a_watchdog_and_a_vm_that_virtctl_starts():
    p = accepted(edits({"a": {"watchdog": "reset", "restart": "manual"}}))
    assert spec(p)["domain"]["devices"]["watchdog"] == {"name": "watchdog", "i6300esb": {"action": "reset"}}
    assert virtual_machine(p, "a")["spec"]["runStrategy"] == "Manual" and not p.vms["a"].starts


@pytest.mark.parametrize(
    ("vms", "line"),
    [
        ({"a": {"place": {"class": "big"}}}, "vms.a.place.class: 'big' is not one of classes:"),
        ({"a": {"place": {"class": "empty"}}}, "vms.a.place.class: no machine of 'empty' runs VMs"),
        ({"a": {"place": {"zones": True}}}, "vms.a.place: has zones without apart"),
        ({"a": {"place": {"apart": "x", "together": "x"}}}, "vms.a.place: has x as apart and as together"),
        (
            {name: {"place": {"apart": "db"}} for name in "abc"},
            "vms.c.place.apart: db has 3 VMs, and 2 machines may run them",
        ),
        (
            {name: {"place": {"apart": "db", "class": "hv"}} for name in "ab"},
            "vms.b.place.apart: db has 2 VMs, and 1 machine may run them",
        ),
        ({"a": {"probes": {"ready": {}}}}, "vms.a.probes.ready: has none of tcp, http and agent"),
        ({"a": {"probes": {"ready": {"tcp": 1, "agent": True}}}}, "vms.a.probes.ready: has tcp and agent"),
        ({"a": {"probes": {"alive": {"http": {"port": 80, "path": "x"}}}}}, "'x' is not the path of a page"),
        ({"a": {"watchdog": "bark"}}, "vms.a.watchdog"),
    ],
)
def test_what_can_not_be_is_refused(vms, line):
    assert line in refused(edits(vms, **HYPERVISORS, **{"classes.empty": {}}))


def test_a_probe_of_a_port_needs_the_pod_network():
    vm = {"nics": {"dmz": {}}, "pod_network": False, "probes": {"ready": {"tcp": 443}}}
    networks = {"dmz": {"link": "lan0", "vlan": 20}}
    assert "vms.a: has a probe of a port and pod_network: false" in refused(edits({"a": vm}, vm_networks=networks))
