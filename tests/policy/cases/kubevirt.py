"""KubeVirt settings and disk sources that must not pass."""

from tests.policy.good import DIGEST
from tests.policy.support import DROP, Case

AT = "spec.configuration"
GATES = f"{AT}.developerConfiguration.featureGates"
SECCOMP = f"{AT}.seccompConfiguration.virtualMachineInstanceProfile.customProfile"
BRIDGE = f"{AT}.network.permitBridgeInterfaceOnPodNetwork"


def configured(rule: str, path: str, value: object, says: str) -> Case:
    return Case(rule, "kubevirt", {f"{AT}.{path}": value}, f"{AT}.{says}")


CASES = (
    Case("kubevirt-keeps-guests-from-root", "kubevirt", {f"{GATES}[+]": "HostDisk"}, f"{GATES} contains HostDisk"),
    Case("kubevirt-keeps-guests-from-root", "kubevirt", {f"{GATES}[+]": "Root"}, f"{GATES} contains Root"),
    Case("kubevirt-gates-are-current", "kubevirt", {f"{GATES}[+]": "LiveMigration"}, f"{GATES} contains LiveMigration"),
    Case(
        "kubevirt-betas-are-chosen",
        "kubevirt",
        {"spec.imageTag": "v1.9.0"},
        f"{AT}.developerConfiguration.disabledFeatureGates is not set, and from KubeVirt 1.9 on every "
        "beta feature is enabled by default",
    ),
    Case(
        "kubevirt-confines-guests",
        "kubevirt",
        {f"{AT}.seccompConfiguration": DROP},
        f"{SECCOMP}.runtimeDefaultProfile is not true",
    ),
    configured(
        "kubevirt-uses-hardware",
        "developerConfiguration.useEmulation",
        True,
        "developerConfiguration.useEmulation is true",
    ),
    configured("kubevirt-never-post-copies", "migrations.allowPostCopy", True, "migrations.allowPostCopy is true"),
    configured("kubevirt-migrates-by-tls", "migrations.disableTLS", True, "migrations.disableTLS is true"),
    Case("kubevirt-forbids-pod-bridges", "kubevirt", {f"{AT}.network": DROP}, f"{BRIDGE} is not false"),
    Case(
        "cdi-keeps-disks",
        "cdi",
        {"spec.uninstallStrategy": DROP},
        "spec.uninstallStrategy is not BlockUninstallIfWorkloadsExist",
    ),
    Case(
        "cdi-keeps-disks",
        "cdi",
        {"spec.uninstallStrategy": "RemoveWorkloads"},
        "spec.uninstallStrategy is not BlockUninstallIfWorkloadsExist",
    ),
    Case(
        "cdi-verifies-registries",
        "cdi",
        {"spec.config.insecureRegistries": ["r"]},
        "spec.config.insecureRegistries is set",
    ),
    Case(
        "disk-is-protected",
        "disk",
        {"options.protect": False},
        "it is not protected, so a removed entry, a destroy or another source deletes its data",
    ),
    Case(
        "disk-image-is-verified",
        "disk",
        {"spec.source.http.url": "http://images.example.com/a"},
        "spec.source.http.url is not https",
    ),
    Case(
        "disk-image-is-verified",
        "disk",
        {"spec.source.http.checksum": DROP},
        "spec.source.http.checksum is not sha256:... or sha512:...",
    ),
    Case(
        "disk-image-is-verified",
        "vm",
        {"spec.dataVolumeTemplates": [{"spec": {"source": {"http": {"url": "http://x", "checksum": DIGEST}}}}]},
        "spec.dataVolumeTemplates[0].spec.source.http.url is not https",
    ),
    Case(
        "disk-source-is-verified",
        "disk",
        {"spec.source.http.insecureSkipVerify": True},
        "spec.source.http.insecureSkipVerify is true",
    ),
    Case(
        "disk-image-has-digest",
        "disk",
        {"spec.source": {"registry": {"url": "docker://r.example.com/d:1"}}},
        "spec.source.registry.url is not named by its digest",
    ),
)
