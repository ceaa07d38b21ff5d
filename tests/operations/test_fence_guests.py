"""Which virtual machines of a dead machine start elsewhere."""

import pytest

from operations.fence.guests import guests
from tests.operations.fencing import CORDON, TAINTED, node

LOCAL = "its disk root is on this machine only"
NOWHERE = "no other machine is Ready and takes it"
LABELS = "no other machine has the labels that it is placed by"
DISK = {"volumes": [{"name": "a", "dataVolume": {"name": "root"}}]}
GPU = {"key": "gpu", "operator": "Exists"}


def affinity(*terms):
    return {"required": {"nodeSelectorTerms": list(terms)}}


def on(*names, operator="In", key="kubernetes.io/hostname"):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(names)}]}


def placed(*terms):
    required = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def stays(spec=None, machine=None, volume=None, others=None):
    """Why the VM vms/web of wk-2 stays; empty if it does not."""
    about = {"namespace": "vms", "name": "web"}
    machines = {("vms", "web"): {"metadata": about, "spec": {"runStrategy": "Always"} if machine is None else machine}}
    volumes = {("vms", "root"): {"spec": {"nodeAffinity": volume}}} if volume else {}
    nodes = {each["metadata"]["name"]: each for each in (others if others is not None else [node("wk-1")])}
    found = guests([{"metadata": about, "spec": spec or {}}], machines if machine != "none" else {}, volumes, nodes)
    assert [each.name for each in found] == ["vms/web"]
    return found[0].stays


@pytest.mark.parametrize("machine", [{"runStrategy": "Always"}, {"runStrategy": "RerunOnFailure"}, {"running": True}])
def test_one_that_kubevirt_starts_again_moves(machine):
    assert stays(machine=machine) == ""


@pytest.mark.parametrize(
    ("machine", "strategy"),
    [({"runStrategy": "Manual"}, "Manual"), ({"runStrategy": "Once"}, "Once"), ({"running": False}, "Halted")],
)
def test_one_that_kubevirt_does_not_start_again_is_named_with_its_command(machine, strategy):
    assert stays(machine=machine) == f"its run strategy is {strategy}: start it with virtctl start web -n vms"


def test_one_without_a_virtual_machine_is_lost():
    assert stays(machine="none") == "no VirtualMachine owns it, so KubeVirt does not start it again"


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (affinity(on("wk-2")), LOCAL),
        (affinity(on("wk-2"), on("wk-1")), ""),
        (affinity(on("wk-2", "wk-1")), ""),
        (affinity(on(key="rack", operator="Exists")), LOCAL),
        (affinity(on(key="rack", operator="DoesNotExist")), ""),
        (affinity(on("wk-2", operator="NotIn")), ""),
        (affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["wk-2"]}]}), LOCAL),
        (affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["wk-1"]}]}), ""),
        (affinity(on("1", operator="Unknown")), LOCAL),
        (affinity(on("1", operator="Gt", key="rack")), LOCAL),
        (None, ""),
    ],
)
def test_one_whose_disk_is_on_the_machine_alone_stays(volume, expected):
    assert stays(DISK, volume=volume) == expected


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "ephemeral"])
def test_a_disk_is_found_in_each_form(kind):
    claim = {"persistentVolumeClaim": {"claimName": "root"}}
    volume = {"ephemeral": claim} if kind == "ephemeral" else claim
    assert stays({"volumes": [volume]}, volume=affinity(on("wk-2"))) == LOCAL


@pytest.mark.parametrize(
    ("others", "spec", "expected"),
    [
        ([], {}, NOWHERE),
        ([node("wk-1", "Unknown")], {}, NOWHERE),
        ([node("wk-1", unschedulable=True)], {}, NOWHERE),
        ([node("wk-1", taints=[CORDON])], {}, NOWHERE),
        ([node("wk-1", taints=[TAINTED])], {}, NOWHERE),
        ([node("wk-1", taints=[{"key": "gpu", "effect": "NoSchedule"}])], {"tolerations": [GPU]}, ""),
        ([node("wk-1", taints=[{"key": "gpu", "effect": "PreferNoSchedule"}])], {}, ""),
        ([node("wk-1")], {"nodeSelector": {"kubernetes.io/hostname": "wk-2"}}, LABELS),
        ([node("wk-1")], {"nodeSelector": {"kubernetes.io/hostname": "wk-1"}}, ""),
        ([node("wk-1")], placed(on("wk-2")), LABELS),
        ([node("wk-1")], placed(on("wk-2"), on("wk-1")), ""),
    ],
)
def test_one_that_no_other_machine_takes_stays(others, spec, expected):
    assert stays(spec, others=others) == expected


def test_a_machine_without_kubevirt_takes_none():
    plain = node("wk-1")
    plain["metadata"]["labels"]["kubevirt.io/schedulable"] = "false"
    assert stays(others=[plain]) == NOWHERE
