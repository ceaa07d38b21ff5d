"""Kernel parameters that a stack file must not weaken: those that harden the kernel, and those that layers need."""

# Source: siderolabs/talos, pkg/kernel/kspp. Talos enforces these; with each, the values that are as strict.
# The policies judge by a table of their own (policy/rules/kernel.py); a test holds the two equal.
HARDENED: dict[str, tuple[str, ...]] = {
    "dev.tty.ldisc_autoload": ("0",),
    "dev.tty.legacy_tiocsti": ("0",),
    "fs.protected_fifos": ("2",),
    "fs.protected_hardlinks": ("1",),
    "fs.protected_regular": ("2",),
    "fs.protected_symlinks": ("1",),
    "fs.suid_dumpable": ("0",),
    "kernel.dmesg_restrict": ("1",),
    "kernel.kexec_load_disabled": ("1",),
    "kernel.kptr_restrict": ("2",),
    "kernel.perf_event_paranoid": ("3",),
    "kernel.randomize_va_space": ("2",),
    "kernel.unprivileged_bpf_disabled": ("1", "2"),
    "kernel.yama.ptrace_scope": ("2", "3"),
    "net.core.bpf_jit_harden": ("2",),
    "user.max_user_namespaces": ("0",),
    "vm.unprivileged_userfaultfd": ("0",),
}
"""Kernel parameter to its acceptable values."""

# Source: Linux, Documentation/admin-guide/sysctl/kernel.rst and core(5): usermode helpers, which the kernel starts with
# all rights and outside of every container. Of core_pattern, | starts a program and @ connects to one.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "kernel.modprobe": ("", "/sbin/modprobe"),
    "kernel.poweroff_cmd": ("", "/sbin/poweroff"),
    "kernel.hotplug": ("",),
    "kernel.core_pattern": ("|/bin/false",),
}
"""Kernel parameter that names a program to the programs that it may name."""

# Source: cilium/cilium, Documentation/operations/system_requirements.rst;
# Linux, Documentation/networking/ip-sysctl.rst.
NEEDED: dict[str, tuple[tuple[str, ...], str]] = {
    "net.ipv4.ip_forward": (("1",), "machines would not forward packets to their pods"),
    "net.ipv4.conf.all.forwarding": (("1",), "machines would not forward packets to their pods"),
    "net.ipv4.conf.default.forwarding": (("1",), "machines would not forward packets to their pods"),
    "net.ipv4.conf.all.rp_filter": (("0",), "the kernel would drop replies that Cilium sends over another link"),
    "net.bridge.bridge-nf-call-iptables": (("1",), "network policies would not apply to packets that cross a bridge"),
    "net.core.bpf_jit_enable": (
        ("1",),
        "the kernel would interpret Cilium's programs instead of compiling them, which is slow",
    ),
}
"""Kernel parameter to the values that work, and what happens with any other."""

# Source: kubernetes/kubernetes, pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables. Talos starts the
# kubelet with protectKernelDefaults, so that it stops at any other value.
KUBELET: dict[str, tuple[str, ...]] = {
    "vm.overcommit_memory": ("1",),
    "vm.panic_on_oom": ("0",),
    "kernel.panic": ("10",),
    "kernel.panic_on_oops": ("1",),
    "kernel.keys.root_maxkeys": ("1000000",),
    "kernel.keys.root_maxbytes": ("25000000",),
}
"""Kernel parameter to the value without which the kubelet does not start."""

# Source: siderolabs/extensions; these modules are not part of Talos' own kernel.
FROM_EXTENSION: dict[str, str] = {
    "apex": "siderolabs/gasket-driver",
    "drbd": "siderolabs/drbd",
    "drbd_transport_tcp": "siderolabs/drbd",
    "gasket": "siderolabs/gasket-driver",
    "hailo_pci": "siderolabs/hailort",
    "thunderbolt": "siderolabs/thunderbolt",
    "thunderbolt_net": "siderolabs/thunderbolt",
    "v4l2loopback": "siderolabs/v4l-uvc-drivers",
    "zfs": "siderolabs/zfs",
}
"""Kernel module to the system extension that contains it."""
