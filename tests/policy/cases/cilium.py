"""Cilium values that must not pass."""

from tests.policy.support import DROP, Case

UNKNOWN = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"


def valued(rule: str, path: str, value: object, says: str, also: tuple[str, ...] = ()) -> Case:
    return Case(rule, "cilium", {f"values.{path}": value}, f"values.{says}", also)


CAPABILITIES = "securityContext.capabilities"
STRICT = "encryption.strictMode"
CASES = (
    Case("chart-is-pinned", "cilium", {"version": DROP, "chart": "./charts/cilium"},
         "version is not an exact version, and chart is not a packed chart with one"),
    Case("chart-is-pinned", "cilium", {"version": "^1.19.0", "chart": "./charts/cilium"},
         "version is not an exact version, and chart is not a packed chart with one"),
    Case("chart-comes-by-tls", "cilium", {"repositoryOpts.repo": "http://charts.example.com"},
         "repositoryOpts.repo is fetched without TLS"),
    *(Case("chart-has-its-digest", "cilium", {"chart": chart},
           "chart is neither a path of the checkout nor an oci:// address with its digest")
      for chart in ("cilium", "../../evil", "/etc", "./a/../../evil", "charts/cilium", "./a\n", "./a\x1b[2J",
                    "./.toolchain/access/prod",
                    "oci://evil.example/cilium", "oci://evil.example/cilium:1.19.6", "https://evil.example/a-1.2.3.tgz",
                    f"oci://user:password@evil.example/a@sha256:{'a' * 64}")),
    Case("chart-has-its-digest", "cilium",
         {"chart": "cilium", "repositoryOpts": {"repo": "https://helm.cilium.io"}},
         "chart is neither a path of the checkout nor an oci:// address with its digest"),
    Case("chart-has-its-digest", "cilium", {"repositoryOpts.repo": "https://user:password@charts.example.com"},
         "repositoryOpts.repo is not a plain address"),
    Case("chart-runs-no-commands", "cilium", {"postrender": "./evil.sh"},
         "postrender is a command that Helm runs where the plan is made"),
    Case("chart-runs-no-commands", "cilium", {"dependencyUpdate": True},
         "dependencyUpdate downloads other charts, whose contents no plan shows"),
    Case("chart-values-are-in-the-plan", "cilium", {"valueYamlFiles": ["x"]},
         "valueYamlFiles contains values that rules can't read"),
    valued("cilium-replaces-kube-proxy", "kubeProxyReplacement", False, "kubeProxyReplacement is not true"),
    valued("cilium-replaces-kube-proxy", "k8sServiceHost", "10.0.0.5", "k8sServiceHost is not localhost"),
    valued("cilium-replaces-kube-proxy", "k8sServicePort", 6443, "k8sServicePort is not 7445"),
    valued("cilium-replaces-kube-proxy", "kubeProxyReplacement", UNKNOWN,
           "kubeProxyReplacement is not known in the plan, so it can't be judged"),
    valued("cilium-takes-node-ranges", "ipam.mode", "cluster-pool", "ipam.mode is not kubernetes"),
    valued("cilium-leaves-cgroups-to-talos", "cgroup.autoMount.enabled", True,
           "cgroup.autoMount.enabled is not false"),
    valued("cilium-leaves-cgroups-to-talos", "cgroup.automount", {"enabled": False},
           "cgroup.automount is misspelt, so Helm ignores it: the key is autoMount"),
    valued("cilium-loads-no-modules", f"{CAPABILITIES}.ciliumAgent", ["NET_ADMIN", "SYS_MODULE"],
           f"{CAPABILITIES}.ciliumAgent contains SYS_MODULE"),
    valued("cilium-loads-no-modules", f"{CAPABILITIES}.cleanCiliumState", DROP,
           f"{CAPABILITIES}.cleanCiliumState is not set, and the chart's default contains SYS_MODULE"),
    valued("cilium-encrypts-traffic", "encryption", {}, "encryption.enabled is not true"),
    valued("cilium-encrypts-nodes", "encryption.nodeEncryption", DROP, "encryption.nodeEncryption is not true"),
    Case("cilium-strict-mode-is-heard", "cilium",
         {"version": "1.20.0", f"values.{STRICT}": {"enabled": True, "cidr": "10.0.0.0/8"}},
         f"values.{STRICT}.enabled is ignored from chart 1.20 on: the key is now under egress",
         more=(f"values.{STRICT}.cidr is ignored from chart 1.20 on: the key is now under egress",)),
    valued("cilium-strict-mode-is-heard", STRICT, {"egress": {"enabled": True}},
           f"{STRICT}.egress is ignored before chart 1.20"),
    Case("cilium-strict-mode-is-heard", "cilium", {"values.encryption": {"strictMode": {"enabled": True}}},
         f"values.{STRICT} is on while encryption is off, so nothing is encrypted", ("cilium-encrypts-traffic",)),
    valued("cilium-hubble-certificates-stay", "hubble.tls.auto.method", "helm",
           "hubble.tls.auto.method is helm, which creates new certificates at each render"),
    valued("cilium-hubble-certificates-stay", "hubble", DROP,
           "hubble.tls.auto.method is helm, which creates new certificates at each render"),
    valued("cilium-hubble-certificates-stay", "hubble.tls.enabled", False,
           "hubble.tls.enabled is false, so anyone on the network can read the flows"),
    valued("cilium-enforces-policies", "policyEnforcementMode", "never", "policyEnforcementMode is never"),
    valued("cilium-enforces-policies", "policyAuditMode", True,
           "policyAuditMode is true, so policies are logged and not enforced"),
    valued("cilium-keeps-host-dns", "bpf", {"masquerade": True},
           "bpf.masquerade is true without bpf.hostLegacyRouting, so CoreDNS can't reach Talos' host DNS"),
    valued("cilium-serves-virtual-machines", "socketLB", DROP,
           "socketLB.hostNamespaceOnly is not true, so virtual machines can't reach Services"),
)  # fmt: skip
