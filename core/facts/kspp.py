"""Kernel parameters that are not a stack file's to set: those that protect the kernel, and those that the layers above need."""

# Talos enforces these (siderolabs/talos, pkg/kernel/kspp); the values that are as strict.
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

# Key -> the values that work, and what stops working with others.
NEEDED: dict[str, tuple[tuple[str, ...], str]] = {
    "net.ipv4.ip_forward": (("1",), "machines would forward nothing to their pods"),
    "net.ipv4.conf.all.forwarding": (("1",), "machines would forward nothing to their pods"),
    "net.ipv4.conf.default.forwarding": (("1",), "machines would forward nothing to their pods"),
    "net.ipv4.conf.all.rp_filter": (("0",), "the kernel would drop what Cilium sends back by another link"),
    "net.bridge.bridge-nf-call-iptables": (("1",), "policies would not see what passes a bridge"),
    "net.core.bpf_jit_enable": (("1",), "Cilium's programs would be interpreted"),
}

# Modules that come with a system extension, not with Talos' kernel: module -> extension.
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
