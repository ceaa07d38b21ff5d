"""Kubelet settings that must not pass."""

from tests.policy.cases.machine_patches import api, document
from tests.policy.support import patched

CASES = (
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraConfig": {"serverTLSBootstrap": False}}}},
        "serverTLSBootstrap is not true, so kubelets sign their own serving certificates",
    ),
    patched(
        "kubelet-proves-who-it-is",
        api(extraArgs={"kubelet-certificate-authority": {"$patch": "delete"}}),
        "cluster.apiServer.extraArgs.kubelet-certificate-authority is not set, so the API server does "
        "not verify kubelets' certificates",
    ),
    patched(
        "kubelet-proves-who-it-is",
        api(extraArgs={"kubelet-certificate-authority": "/etc/ssl/certs/ca-certificates"}),
        "cluster.apiServer.extraArgs.kubelet-certificate-authority must be the cluster's own CA, "
        "/system/secrets/kubernetes/kube-apiserver/ca.crt",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraArgs": {"rotate-server-certificates": "false"}}}},
        "machine.kubelet.extraArgs.rotate-server-certificates must not be set: kubelets would serve a "
        "certificate of another CA",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraArgs": {"tls-cert-file": "/var/own.crt"}}}},
        "machine.kubelet.extraArgs.tls-cert-file must not be set: kubelets would serve a certificate of another CA",
    ),
    patched(
        "kubelet-proves-who-it-is",
        {"machine": {"kubelet": {"extraConfig": {"featureGates": {"RotateKubeletServerCertificate": False}}}}},
        "machine.kubelet.extraConfig.featureGates.RotateKubeletServerCertificate must not be false: "
        "kubelets would sign their own certificates",
    ),
    patched(
        "talos-seccomp-default-is-on",
        {"machine": {"kubelet": {"defaultRuntimeSeccompProfileEnabled": False}}},
        "machine.kubelet.defaultRuntimeSeccompProfileEnabled must stay true",
    ),
    patched(
        "talos-registers-its-node",
        {"machine": {"kubelet": {"skipNodeRegistration": True}}},
        "machine.kubelet.skipNodeRegistration must stay false: it switches kubelet authorization to AlwaysAllow",
    ),
    patched(
        "talos-registers-its-node",
        document("KubeNodeConfig", skipNodeRegistration=True),
        "KubeNodeConfig.skipNodeRegistration must stay false: it switches kubelet authorization to AlwaysAllow",
    ),
)
