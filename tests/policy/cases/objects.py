"""Objects in the wrong place, or out of sight."""

from tests.policy.support import DROP, Case

ENFORCE = "pod-security.kubernetes.io/enforce"
LABELS = f"metadata.labels lack {ENFORCE} with restricted, baseline or privileged"
ELSEWHERE = "the provider creates its objects, so the plan does not show them"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

CASES = (
    Case("namespace-names-a-standard", "namespace", {"metadata.labels": {}}, LABELS),
    Case("namespace-names-a-standard", "namespace", {"metadata.labels": {ENFORCE: "none"}}, LABELS),
    Case("namespace-is-not-privileged", "namespace", {"metadata.labels": {ENFORCE: "privileged"}},
         f"metadata.labels say {ENFORCE}: privileged"),
    Case("namespace-is-not-privileged", "namespace",
         {"type": "kubernetes:core/v1:NamespacePatch", "metadata.labels": {ENFORCE: "privileged"}},
         f"metadata.labels say {ENFORCE}: privileged"),
    Case("object-is-not-in-default", "config", {"metadata.namespace": "default"}, "metadata.namespace is default"),
    Case("object-is-not-in-default", "vm", {"metadata.namespace": DROP},
         "metadata.namespace is not set, which means default"),
    Case("object-is-not-in-default", "service", {"metadata.namespace": UNKNOWN},
         "metadata.namespace is not known in the plan, so it can't be judged"),
    Case("object-is-not-in-default", "service", {"metadata.namespace": ["a"]},
         "metadata.namespace is not text, so it can't be judged"),
    Case("workload-is-not-in-kube-system", "deployment", {"metadata.namespace": "kube-system"},
         "metadata.namespace is one of Kubernetes' own"),
    Case("service-has-no-external-ips", "service", {"spec.externalIPs": ["8.8.8.8"]}, "spec.externalIPs is set"),
    Case("network-policy-is-not-open", "policy", {"spec.ingress": [{}]},
         "spec.ingress[0] is empty, which allows everything"),
    Case("object-is-in-the-plan", "config", {"type": "kubernetes:yaml/v2:ConfigGroup"}, ELSEWHERE),
    Case("object-is-in-the-plan", "config", {"type": "kubernetes:helm.sh/v4:Chart"}, ELSEWHERE),
    Case("object-is-in-the-plan", "config", {"type": "kubernetes:kustomize/v2:Directory"}, ELSEWHERE),
    Case("object-is-in-the-plan", "config", {"type": "kubernetes:core/v1:ConfigMapList"},
         "it contains several objects, which rules can't check one by one"),
    Case("object-goes-to-its-cluster", "config", {"options.provider": "default_4_25_0"},
         "it uses the default provider, so it is created in whichever cluster the operator's kubeconfig selects"),
)  # fmt: skip
