"""The rehearsed platform: how it differs from the committed stack, and that each difference is reported."""

from pathlib import Path

import pytest
import yaml

from core.model import parse
from lab import cilium, overlay, standins
from lab.topology import of_platform

ROOT = Path(__file__).parents[2]
TRUST = {"apiVersion": "v1alpha1", "kind": "TrustedRootsConfig", "name": "rehearsal-registry", "certificates": "PEM"}


def committed(stack: str) -> dict:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]["bedplate:platform"]


def substitutes(**more) -> overlay.Substitutes:
    given = {
        "kubernetes": "v1.35.0",
        "network": cilium.Network(chart="./lab/chart", why_not="it is not built"),
        "trust": TRUST,
        "cgroup_v2": False,
        "user_namespace": True,
    }
    return overlay.Substitutes(**{**given, **more})


def rehearsed(stack: str, **more):
    raw = committed(stack)
    lab = of_platform(stack, raw, user_namespace=True)
    return raw, lab, *overlay.rehearsed(raw, lab, substitutes(**more))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_committed_stack_can_be_rehearsed(stack):
    raw, lab, raw_lab, _ = rehearsed(stack)
    platform = parse(raw_lab)
    assert {(n, m.role, str(m.address)) for n, m in platform.machines.items()} == {
        (n, m["role"], m["address"]) for n, m in raw["machines"].items()
    }
    assert [m.mac for m in lab.machines] == [m["mac"] for m in raw["machines"].values()]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_registry_of_a_rehearsal_is_inside_the_lab(stack):
    _, lab, raw_lab, _ = rehearsed(stack)
    assert {e for m in raw_lab["registries"]["mirrors"].values() for e in m["endpoints"]} == {lab.registry}
    assert set(committed(stack).get("registries", {}).get("mirrors", {})) <= set(raw_lab["registries"]["mirrors"])


def test_the_committed_stack_is_not_changed():
    before = committed("prod")
    rehearsed("prod")
    assert committed("prod") == before


def test_each_change_is_reported_with_its_reason():
    raw, _, raw_lab, changes = rehearsed("dev")
    reported = {change.where.split(".")[0].split(",")[0] for change in changes}
    differing = {key for key in raw.keys() | raw_lab.keys() if raw.get(key) != raw_lab.get(key)}
    assert differing <= reported, f"changed and not reported: {differing - reported}"
    assert all(change.why for change in changes)


def test_on_a_machine_without_limits_the_kubelet_is_not_restricted():
    assert set(overlay.kubelet_config(substitutes(cgroup_v2=True, user_namespace=False))) == {
        "crashLoopBackOff",
        "evictionHard",
        "imageGCHighThresholdPercent",
        "imageGCLowThresholdPercent",
    }
    assert overlay.kubelet_config(substitutes())["failCgroupV1"] is False


def test_the_stack_files_patches_come_before_the_labs():
    raw = committed("dev")
    raw["talos"]["patches"] = [{"machine": {"sysctls": {"a": "b"}}}]
    raw_lab, _ = overlay.rehearsed(raw, of_platform("dev", raw, user_namespace=True), substitutes())
    assert raw_lab["talos"]["patches"][0] == {"machine": {"sysctls": {"a": "b"}}}


def test_a_platform_without_a_gateway_gets_a_free_address_for_the_labs():
    raw = committed("dev")
    del raw["network"]["gateway"]
    raw["machines"]["cp-1"]["address"] = "192.168.10.1"
    assert of_platform("dev", raw, user_namespace=True).gateway == "192.168.10.2"


def test_settings_that_need_a_kernel_or_a_disk_are_removed_and_reported():
    raw = committed("prod")
    raw["talos"] |= {
        "sysctls": {"vm.nr_hugepages": "8"},
        "watchdog": {},
        "logs": ["tcp://logs.example.com:5044"],
        "firewall": {"admins": ["198.51.100.0/24"]},
    }
    raw["machines"]["wk-1"] |= {"volumes": {"a": {"disk": {"serial": "X"}}}, "modules": {"vfio_pci": []}}
    raw_lab, changes = overlay.rehearsed(raw, of_platform("prod", raw, user_namespace=True), substitutes())
    reported = {change.where for change in changes}
    assert {
        "talos.sysctls",
        "talos.watchdog",
        "talos.logs",
        "talos.firewall.admins",
        "machines.wk-1.volumes",
        "machines.wk-1.modules",
    } <= reported
    platform = parse(raw_lab)
    assert not platform.talos.sysctls and platform.talos.watchdog is None and not platform.machines["wk-1"].volumes


def test_the_port_of_the_stand_in_is_open():
    """The firewall stays enabled in a rehearsal, because the rehearsal proves that it works."""
    _, _, raw_lab, _ = rehearsed("prod")
    firewall = parse(raw_lab).talos.firewall
    assert firewall.enabled and [o.ports for o in firewall.allow.values()] == [(str(overlay.NODE_PORT),)]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_snapshots_go_to_the_lab_and_no_schedule_is_lost(stack):
    raw, _, raw_lab, changes = rehearsed(stack, snapshots="/lab/dev/snapshots")
    want = parse(raw_lab).talos.snapshots
    assert (want.folder, want.to.claim, want.before_upgrades) == ("/lab/dev/snapshots", overlay.CLAIM, True)
    assert want.schedule == raw["talos"].get("snapshots", {}).get("schedule", overlay.SCHEDULE)
    assert {"talos.snapshots.folder", "talos.snapshots.to"} <= {change.where for change in changes}


def test_a_snapshot_job_has_its_image_before_and_after_an_upgrade():
    assert standins.talosctl(committed("dev")) == [
        f"ghcr.io/siderolabs/talosctl:{v}" for v in (committed("dev")["talos"]["version"], "v1.14.3")
    ]


def test_what_has_an_encrypted_value_is_left_out_and_reported():
    """A lab has no secret of the stack: its stack file would be refused, and the engine could not decrypt it."""
    sealed = "(secret 0123456789ab)"
    raw = committed("dev")
    raw["talos"]["patches"] = [{"machine": {"env": {"A": sealed}}}, {"machine": {"env": {"B": "b"}}}]
    raw["machines"]["cp-1"]["patches"] = [{"machine": {"files": [{"content": sealed}]}}]
    raw["vms"]["web"]["cloud_init"] = {"password": sealed, "runcmd": ["id"]}
    made, changes = overlay.rehearsed(raw, of_platform("dev", raw, user_namespace=True), substitutes())
    assert sealed not in str(made) and sealed in str(raw)
    assert made["talos"]["patches"][0] == {"machine": {"env": {"B": "b"}}}
    assert made["vms"]["web"]["cloud_init"] == {"runcmd": ["id"]}
    why = "a rehearsal has no secret of the stack"
    assert [(each.where, each.now) for each in changes if each.why == why] == [
        ("talos.patches", "the 1 without encrypted values"),
        ("machines.cp-1.patches", "the 0 without encrypted values"),
        ("vms.web.cloud_init", "without password"),
    ]
