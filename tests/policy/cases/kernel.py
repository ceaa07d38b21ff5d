"""Boots and tunings that must not pass."""

from tests.policy.support import Case, patched


def booted(rule: str, argument: str, says: str, *more: str) -> Case:
    return Case(rule, "profile", {"args[+]": argument}, f"args[4]{says}", more=more)


def imaged(rule: str, argument: str, says: str) -> Case:
    return Case(rule, "release", {"kernelArguments[+]": argument}, f"kernelArguments[4]{says}")


def installed(rule: str, argument: str, says: str) -> Case:
    document = {"machine": {"install": {"extraKernelArgs": [argument]}}}
    return patched(rule, document, f"machine.install.extraKernelArgs[1]{says}")


def loaded(rule: str, module: str, parameter: str, says: str) -> Case:
    """A case in which a machine loads a module, in the document of the older contracts."""
    document = {"machine": {"kernel": {"modules": [{"name": module, "parameters": [parameter]}]}}}
    return patched(rule, document, f"machine.kernel.modules[0].parameters[0]: {says}")


CASES = (
    loaded(
        "kernel-mitigations-stay-on",
        "kvm",
        "nx_huge_pages=off",
        "kvm.nx_huge_pages=off disables a defence against hostile code",
    ),
    loaded(
        "kernel-mitigations-stay-on",
        "kvm_intel",
        "vmentry_l1d_flush=never",
        "kvm-intel.vmentry_l1d_flush=never disables a defence against hostile code",
    ),
    loaded(
        "kernel-hardening-is-kept",
        "vfio_iommu_type1",
        "allow_unsafe_interrupts=1",
        "vfio_iommu_type1.allow_unsafe_interrupts=1 disables a hardening default",
    ),
    patched(
        "kernel-hardening-is-kept",
        {
            "apiVersion": "v1alpha1",
            "kind": "KernelModuleConfig",
            "name": "vfio",
            "parameters": ["a=b enable_unsafe_noiommu_mode=Y"],
        },
        "KernelModuleConfig.parameters[0]: vfio.enable_unsafe_noiommu_mode=y disables a hardening default",
    ),
    booted(
        "kernel-mitigations-stay-on", "mitigations=off", ": mitigations=off disables a defence against hostile code"
    ),
    Case(
        "kernel-mitigations-stay-on",
        "profile",
        {"args[+]": "a=b nosmep"},
        "args[4]: nosmep disables a defence against hostile code",
        also=("boot-arguments-are-whole",),
    ),
    installed("kernel-mitigations-stay-on", "pti=off", ": pti=off disables a defence against hostile code"),
    installed("kernel-hardening-is-kept", "-slab_nomerge", ": -slab_nomerge disables a hardening default"),
    installed("kernel-hardening-is-kept", "init_on_alloc=0", ": init_on_alloc=0 disables a hardening default"),
    booted("kernel-hardening-is-kept", "lockdown=none", ": lockdown=none disables a hardening default"),
    Case(
        "kernel-boots-hardened",
        "profile",
        {"args": ["talos.platform=metal"]},
        "args lack slab_nomerge",
        more=("args lack pti=on",),
    ),
    installed("kernel-selinux-is-permissive", "enforcing=1", ": enforcing=1 is untested with Cilium and KubeVirt"),
    booted(
        "boot-never-wipes",
        "talos.experimental.wipe=system",
        ": talos.experimental.wipe erases the machine at every boot",
    ),
    booted(
        "boot-shows-no-secrets",
        "talos.config=http://boot.example.com/config?mac=${mac}",
        " fetches the machine configuration, with the cluster's secrets, without TLS",
    ),
    booted(
        "boot-shows-no-secrets",
        "talos.config.inline=KLUv",
        " contains a machine configuration, and with it the cluster's secrets",
    ),
    *(
        imaged("kernel-mitigations-stay-on", argument, f": {word} disables a defence against hostile code")
        for argument, word in (
            ("mitigations=off", "mitigations=off"),
            ('mitigations="off"', "mitigations=off"),
            ('mitigations="auto,no_guest_host"', "mitigations=no_guest_host"),
            ("kvm_intel.vmentry-l1d-flush=never", "kvm-intel.vmentry_l1d_flush=never"),
            ("spectre-v2=OFF", "spectre_v2=off"),
            ("indirect_target_selection=off", "indirect_target_selection=off"),
            ("tsa=off", "tsa=off"),
            ("vmscape=off", "vmscape=off"),
            ("spectre_bhi=off", "spectre_bhi=off"),
            ("ssbd=force-off", "ssbd=force-off"),
            ("kpti=n", "kpti=n"),
            ("kvm.nx_huge_pages=0", "kvm.nx_huge_pages=0"),
            ("clearcpuid=smap", "clearcpuid"),
        )
    ),
    *(
        imaged("kernel-hardening-is-kept", argument, f": {word} disables a hardening default")
        for argument, word in (
            ("init-on-alloc=off", "init_on_alloc=off"),
            ("talos.auditd.disabled=true", "talos.auditd.disabled=true"),
            ("sysctl.kernel.kptr_restrict=0", "sysctl.kernel.kptr_restrict"),
            ("sysctl.kernel/dmesg_restrict=0", "sysctl.kernel.dmesg_restrict"),
            ("sysctl/kernel.dmesg_restrict=0", "sysctl.kernel.dmesg_restrict"),
            ("slub_merge", "slub_merge"),
            ("hardened_usercopy=off", "hardened_usercopy=off"),
            ("lsm=lockdown,yama", "lsm without selinux"),
            ('security="none"', "security without selinux"),
            ("iommu=pt", "iommu=pt"),
            ("iommu.passthrough=1", "iommu.passthrough=1"),
            ("vsyscall=native", "vsyscall=native"),
            ("debugfs=on", "debugfs=on"),
        )
    ),
    Case(
        "kernel-boots-hardened",
        "release",
        {"kernelArguments": ["talos.platform=metal", "pti=on"]},
        "kernelArguments lack slab_nomerge",
    ),
    imaged(
        "boot-never-wipes",
        'talos.experimental.wipe="system"',
        ": talos.experimental.wipe erases the machine at every boot",
    ),
    imaged("boot-starts-talos", "talos.platform=aws", ": talos.platform is not metal"),
    booted("boot-starts-talos", "siderolink.api=https://x", ": siderolink.api lets another server control the machine"),
    booted("boot-starts-talos", "init=/bin/sh", ": init starts another program than Talos"),
    installed("boot-starts-talos", "rdinit=/x", ": rdinit starts another program than Talos"),
    booted("boot-starts-talos", "talos.platform=nocloud", ": talos.platform is not metal"),
    imaged("kernel-selinux-is-permissive", "enforcing=1", ": enforcing=1 is untested with Cilium and KubeVirt"),
    imaged(
        "boot-shows-no-secrets",
        'talos.config="http://192.168.10.2/config.yaml"',
        " fetches the machine configuration, with the cluster's secrets, without TLS",
    ),
    Case("boot-serves-only-images", "profile", {"rawIgnition": "{}"}, "rawIgnition is served without authentication"),
    patched(
        "kernel-sysctls-are-kept",
        {"machine": {"sysctls": {"kernel.kptr_restrict": "0"}}},
        "machine.sysctls sets kernel.kptr_restrict to a value other than 2",
    ),
    patched(
        "kernel-sysctls-are-kept",
        {"machine": {"sysctls": {"kernel/dmesg_restrict": 0}}},
        "machine.sysctls sets kernel.dmesg_restrict to a value other than 1",
    ),
    patched(
        "kernel-sysctls-are-kept",
        {"kind": "SysctlConfig", "params": {"kernel.yama.ptrace_scope": "1"}},
        "SysctlConfig.params sets kernel.yama.ptrace_scope to a value other than 2 or 3",
    ),
    patched(
        "kernel-sysctls-are-kept",
        {"machine": {"sysctls": {"user.max_user_namespaces": "11255"}}},
        "machine.sysctls sets user.max_user_namespaces to a value other than 0",
    ),
)
