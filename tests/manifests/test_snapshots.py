"""The objects by which a cluster saves its own etcd."""

import pytest
from conftest import changed, run_program

from core.facts import snapshots
from core.manifests import snapshots as objects
from core.model import parse
from policy.rules.talos_services import POD_NAMESPACES, POD_ROLES

CLAIM = {"talos.snapshots": {"schedule": "15 3 * * *", "to": {"claim": "etcd"}}}
JOB = "kubernetes:batch/v1:CronJob"


def pod(raw):
    return objects.job(parse(raw))["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_a_job_saves_the_etcd_of_the_control_plane_that_it_reached(prod):
    """A control plane that is down must not keep the others from being saved."""
    [container] = pod(prod)["containers"]
    assert container["args"] == [
        "--talosconfig=/var/run/secrets/talos.dev/config",
        "--endpoints=10.20.0.11,10.20.0.12,10.20.0.13",
        "--nodes=127.0.0.1",
        "etcd",
        "snapshot",
        "/snapshots/prod-$(POD_NAME).db",
    ]
    assert container["image"] == f"ghcr.io/siderolabs/talosctl:{prod['talos']['version']}"


def test_the_jobs_talosctl_has_the_version_of_the_machines(prod):
    [container] = pod(changed(prod, {"talos.version": "v1.14.3"}))["containers"]
    assert container["image"].endswith(":v1.14.3")


def test_jobs_have_a_deadline_and_do_not_pile_up(prod):
    spec = objects.job(parse(changed(prod, CLAIM)))["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("15 3 * * *", "Etc/UTC", "Forbid")
    inner = spec["jobTemplate"]["spec"]
    assert (
        inner["activeDeadlineSeconds"] == 1800
        and inner["backoffLimit"] == 3
        and inner["template"]["spec"]["restartPolicy"] == "Never"
    )


@pytest.mark.parametrize("raw", [{}, CLAIM], ids=["nfs", "claim"])
def test_a_pod_has_no_kubernetes_token_and_one_talosconfig(prod, raw):
    spec = pod(changed(prod, raw))
    assert spec["automountServiceAccountToken"] is False and "serviceAccountName" not in spec
    assert [v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v] == ["etcd-snapshots"]
    assert objects.account()["spec"] == {"roles": ["os:etcd:backup"]}


def test_a_job_writes_to_the_nfs_server(prod):
    volume, claim = objects.storage(parse(prod))
    assert volume["spec"]["nfs"] == {"server": "nas.prod.example.com", "path": "/srv/etcd"}
    assert (
        volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain" and "nfsvers=4.1" in volume["spec"]["mountOptions"]
    )
    assert (claim["spec"]["volumeName"], claim["spec"]["storageClassName"]) == (volume["metadata"]["name"], "")
    assert {"namespace": claim["metadata"]["namespace"], "name": claim["metadata"]["name"]} == volume["spec"][
        "claimRef"
    ]
    assert pod(prod)["volumes"][1] == {"name": "snapshots", "persistentVolumeClaim": {"claimName": "etcd-snapshots"}}


def test_a_job_writes_to_an_existing_claim(prod):
    raw = changed(prod, CLAIM)
    assert list(objects.storage(parse(raw))) == []
    assert pod(raw)["volumes"][1] == {"name": "snapshots", "persistentVolumeClaim": {"claimName": "etcd"}}


def test_pods_may_connect_to_control_planes_only():
    spec = objects.allow_talos_api()["spec"]
    assert spec == {
        "endpointSelector": {},
        "egress": [{"toEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": "50000", "protocol": "TCP"}]}]}],
    }


def test_the_namespace_is_created_first_and_the_job_last(prod):
    graph = run_program(prod).graph
    needs = graph.needs[f"{JOB}::etcd-snapshots"]
    assert needs >= {
        "kubernetes:cilium.io/v2:CiliumNetworkPolicy::to-control-planes",
        "kubernetes:talos.dev/v1alpha1:ServiceAccount::etcd-snapshots",
        "kubernetes:core/v1:PersistentVolumeClaim::etcd-snapshots",
    }
    beneath = graph.reachable(f"{JOB}::etcd-snapshots")
    assert "kubernetes:networking.k8s.io/v1:NetworkPolicy::namespace-etcd-snapshots-default-deny" in beneath
    # Kubernetes has the account's kind once a control plane has a config that allows it.
    assert "bedplate-native:talos:MachineConfig::talos-cp-1" in beneath


def test_without_a_schedule_there_are_no_snapshot_objects(dev):
    ran = run_program(dev).engine
    assert ran.of(JOB) == {} and not [name for kind, name in ran.resources if "etcd-snapshots" in name]


def test_the_policy_allows_the_talos_roles_that_snapshots_need_and_no_others():
    """The policy has its own list, because a rule must not read the list of the code that it judges."""
    assert {snapshots.ROLE} == POD_ROLES and {snapshots.NAMESPACE} == POD_NAMESPACES
