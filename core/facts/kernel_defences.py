"""Kernel arguments that weaken a machine, which the model refuses in a stack file.

policy/rules/arguments.py has the same tables again, because a judge must not read the list of what it judges; a test
holds them equal, and kernel_words.py compares arguments with either.
"""

from collections.abc import Iterable, Iterator

from . import kernel_words
from .kspp import HARDENED, PROGRAMS

# What the kernel takes for no, as people write it; kernel_words.py knows each other spelling.
_NO = ("0", "n", "no", "f", "false", "off")
_YES = ("1", "y", "yes", "t", "true", "on")
# Source: Linux, Documentation/admin-guide/kernel-parameters.txt and hw-vuln/. An empty tuple: any value, and none.
MITIGATIONS: dict[str, tuple[str, ...]] = {
    # Since Linux 6.17, mitigations=auto;no_… leaves out those against one kind of attacker.
    "mitigations": ("off", "no_user_kernel", "no_user_user", "no_guest_host", "no_guest_guest", "no_cross_thread"),
    "nopti": (),
    "pti": _NO,
    "kpti": _NO,
    "nospectre_v1": (),
    "nospectre_v2": (),
    "nospectre_bhb": (),
    "spectre_v2": ("off",),
    "spectre_v2_user": ("off",),
    "spectre_bhi": ("off",),
    "nospec_store_bypass_disable": (),
    "spec_store_bypass_disable": ("off",),
    "ssbd": ("force-off",),
    "l1tf": ("off",),
    "mds": ("off",),
    "tsx": ("on",),
    "tsx_async_abort": ("off",),
    "mmio_stale_data": ("off",),
    "retbleed": ("off",),
    "srbds": ("off",),
    "gather_data_sampling": ("off",),
    "reg_file_data_sampling": ("off",),
    "spec_rstack_overflow": ("off",),
    "indirect_target_selection": ("off",),
    "tsa": ("off",),
    "vmscape": ("off",),
    "kvm.nx_huge_pages": (*_NO, "never"),
    "kvm.mitigate_smt_rsb": _NO,
    "kvm-intel.vmentry_l1d_flush": ("never",),
    "nosmep": (),
    "nosmap": (),
    "nokaslr": (),
    "noexec": ("off",),
    "nousershstk": (),
    "ibt": ("off",),
    "clearcpuid": (),
    "arm64.nobti": (),
    "arm64.nopauth": (),
    "arm64.nomte": (),
}
"""Argument to the values that disable a mitigation, or a protection of the processor."""
# Source: siderolabs/talos, pkg/kernel/kspp and pkg/machinery/kernel; kernel-parameters.txt; the recommended settings
# of the Kernel Self-Protection Project.
HARDENING: dict[str, tuple[str, ...]] = {
    "slab_merge": (),
    # The older name of the same.
    "slub_merge": (),
    "init_on_alloc": _NO,
    "init_on_free": _NO,
    "module.sig_enforce": _NO,
    "lockdown": ("none",),
    "selinux": ("0",),
    "audit": ("0", "off"),
    "proc_mem.force_override": ("always",),
    "talos.auditd.disabled": _YES,
    # Devices then reach all memory, and not only what their drivers map for them.
    "iommu": ("off", "pt", "soft"),
    "iommu.passthrough": _YES,
    "iommu.strict": _NO,
    "intel_iommu": ("off", "igfx_off", "tboot_noforce"),
    "amd_iommu": ("off",),
    "intremap": ("off", "nosid"),
    # The firmware then leaves devices the memory of the kernel until the IOMMU is on.
    "efi": ("no_disable_early_pci_dma",),
    # A debugger at a serial port or a keyboard reads and writes all memory.
    "kgdboc": (),
    "kgdboc_earlycon": (),
    "ekgdboc": (),
    "kgdbdbgp": (),
    "kgdbcon": (),
    "kgdbwait": (),
    "vsyscall": ("native", "emulate"),
    "debugfs": ("on",),
    "iomem": ("relaxed",),
    "norandmaps": (),
    "no_hash_pointers": (),
    "hash_pointers": ("never",),
    "sysrq_always_enabled": (),
    "rodata": ("off",),
    "hardened_usercopy": _NO,
    "randomize_kstack_offset": _NO,
    "cfi": ("off",),
    # It may name the start of SELinux, or of any other defence.
    "initcall_blacklist": (),
    # A guest with a device could then send interrupts to the machine, or reach all of its memory.
    "vfio_iommu_type1.allow_unsafe_interrupts": _YES,
    "vfio.enable_unsafe_noiommu_mode": _YES,
}
"""Argument to the values that disable a hardening default."""
# Source: kernel-parameters.txt, lsm and security, which turn off every security module that they leave out.
LISTS: dict[str, tuple[str, ...]] = {
    "lsm": ("lockdown", "yama", "selinux"),
    "security": ("selinux",),
}
"""Argument to the words that its value must have."""
# Source: siderolabs/talos, pkg/machinery/kernel; siderolabs/image-factory: -name removes a default.
REMOVED = (
    *("slab_nomerge", "pti", "init_on_alloc", "init_on_free", "module.sig_enforce"),
    *("lockdown", "selinux", "proc_mem.force_override"),
)
"""Hardening defaults that -name removes."""


def mitigations_off(argument: str) -> Iterator[str]:
    """Yields what disables a mitigation, as the table spells it."""
    yield from kernel_words.matches(argument, MITIGATIONS)


def hardening_off(argument: str) -> Iterator[str]:
    """Yields what disables a hardening default, as the tables spell it."""
    yield from kernel_words.weakens(argument, HARDENING, LISTS, REMOVED, HARDENED, PROGRAMS)


def weakened(arguments: Iterable[str]) -> bool:
    """Whether any of the arguments disables a mitigation or a hardening default."""
    return any(True for each in arguments for _ in (*mitigations_off(each), *hardening_off(each)))
