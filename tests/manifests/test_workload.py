"""A container application as Kubernetes objects."""

from conftest import changed, run_program

from core.manifests import workload as application
from core.model import parse

WEB = {"workloads": {"web": {"image": "example.com/shop/web:1.4.2", "port": 8080, "replicas": 2}}}


def web(dev, **more):
    return parse(changed(dev, {"workloads": {"web": WEB["workloads"]["web"] | more}})).workloads["web"]


def test_a_workload_meets_the_restricted_profile(dev):
    """The namespace refuses other pods."""
    pod = application.deployment("web", web(dev))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_a_workload_has_a_memory_limit(dev):
    """Talos' OOM handler kills pods without a limit first."""
    (container,) = application.deployment("web", web(dev, memory="64Mi"))["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}


def test_a_workload_is_reached_by_its_name_and_its_port_only(dev):
    engine = run_program(changed(dev, WEB)).engine
    assert engine.of("kubernetes:core/v1:Service")["workload-web"]["spec"]["ports"][0]["port"] == 8080
    policies = engine.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert {"namespace-apps-default-deny", "workload-web-ports"} <= set(policies)


def test_a_workload_without_a_port_has_no_service(dev):
    engine = run_program(changed(dev, {"workloads": {"job": {"image": "example.com/a/b:1"}}})).engine
    assert "workload-job-ports" not in engine.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert engine.of("kubernetes:core/v1:Service") == {}


def test_a_workload_waits_for_its_namespaces_policies_and_for_the_network(dev):
    graph = run_program(changed(dev, WEB)).graph
    beneath = graph.reachable("kubernetes:apps/v1:Deployment::workload-web")
    assert {
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::namespace-apps-default-deny",
        "kubernetes:helm.sh/v3:Release::cilium-release",
    } <= beneath


def test_a_workload_can_write_to_tmp_only(dev):
    pod = application.deployment("web", web(dev, memory="64Mi"))["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
