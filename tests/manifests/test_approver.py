"""The approver of kubelets' certificates: its rights, its nodes, and when there is one."""

import pytest
from conftest import changed, run_program, stack_platform

from core.manifests.approver import NAMESPACE, approver
from core.manifests.objects import token
from core.model import parse

EXCEPTIONS = [
    {
        "control": control,
        "reason": "Another team's approver does not take our CA.",
        "until": "2027-03-31",
        "ticket": "OPS-1",
    }
    for control in ("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11")
]


def objects(raw):
    return {(one["kind"], one["metadata"].get("namespace")): one for one in approver(parse(raw))}


def test_the_approver_may_approve_for_one_signer_and_little_else(prod):
    rules = {tuple(rule["resources"]): rule for rule in objects(prod)["ClusterRole", None]["rules"]}
    assert rules["signers",]["resourceNames"] == ["kubernetes.io/kubelet-serving"]
    assert {resource: tuple(rule["verbs"]) for (resource,), rule in rules.items()} == {
        "certificatesigningrequests": ("get", "list", "watch"),
        "certificatesigningrequests/approval": ("update",),
        "signers": ("approve",),
        "subjectaccessreviews": ("create",),
        "events": ("create", "patch"),
    }


@pytest.mark.parametrize(("stack", "replicas", "elects"), [("dev", 1, False), ("prod", 2, True)])
def test_of_two_replicas_one_is_the_leader(stack, replicas, elects):
    resources = objects(stack_platform(stack))
    deployment = resources["Deployment", NAMESPACE]["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    assert (deployment["replicas"], "--enable-leader-election" in container["args"]) == (replicas, elects)
    assert (("Role", NAMESPACE) in resources, ("RoleBinding", NAMESPACE) in resources) == (elects, elects)


def test_the_approver_runs_on_control_planes_whatever_their_taints(prod):
    spec = objects(
        changed(
            prod,
            {
                "machines.cp-2.taints": {"dedicated": "api:NoSchedule"},
                "machines.wk-1.taints": {"gpu": "yes:NoSchedule"},
            },
        )
    )["Deployment", NAMESPACE]["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    assert {one["key"] for one in spec["tolerations"]} == {"dedicated", "node-role.kubernetes.io/control-plane"}


def test_the_approvers_image_may_come_from_another_registry(prod):
    image = "mirror.example.com/approver:0.11.0@sha256:" + "a" * 64
    spec = objects(changed(prod, {"talos.extras": {"approver": image}}))["Deployment", NAMESPACE]["spec"]["template"][
        "spec"
    ]
    assert spec["containers"][0]["image"] == image


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_plan_has_each_object_of_the_approver(stack):
    raw = stack_platform(stack)
    resources = {(request.type, request.name) for request in run_program(raw).graph.requests.values()}
    assert {(token(one), "kubelet-certificate-approver") for one in approver(parse(raw))} <= resources
    assert "namespace-kubelet-certificates-default-deny" in {name for _, name in resources}


def test_there_is_no_approver_where_kubelets_sign_their_own_certificates(prod):
    raw = changed(prod, {"talos.extras": {"serving_certificates": "self-signed"}, "exceptions": EXCEPTIONS})
    assert not [
        request.name for request in run_program(raw).graph.requests.values() if "kubelet-certificate" in request.name
    ]
