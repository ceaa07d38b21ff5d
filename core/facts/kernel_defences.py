"""Kernel arguments that weaken a machine, as the kernel reads them: a name may be spelled with - or _, and in quotes.

The model refuses them in a stack file. The policies judge a plan by tables of their own (policy/rules/arguments.py); a
test holds them equal.
"""

from collections.abc import Iterable, Iterator, Mapping

from .kspp import HARDENED
from .sysctls import dotted

# What the kernel takes for no, as people write it; _switch knows each other spelling.
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
# Source: siderolabs/talos, pkg/kernel/kspp and pkg/machinery/kernel; kernel-parameters.txt.
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
    "iommu": ("off",),
    "intel_iommu": ("off",),
    "amd_iommu": ("off",),
    "rodata": ("off",),
    "hardened_usercopy": _NO,
    "randomize_kstack_offset": _NO,
    "cfi": ("off",),
}
"""Argument to the values that disable a hardening default."""
# Source: siderolabs/talos, pkg/machinery/kernel; siderolabs/image-factory: -name removes a default.
REMOVED = (
    *("slab_nomerge", "pti", "init_on_alloc", "init_on_free", "module.sig_enforce"),
    *("lockdown", "selinux", "proc_mem.force_override"),
)
"""Hardening defaults that -name removes."""


def words(argument: str) -> Iterator[tuple[str, str]]:
    """Name and value of each word of an argument: lower case, without quotes, the name with _ for each - within.

    Source: Linux lib/cmdline.c, next_arg, and kernel/params.c, parameq.
    """
    for word in argument.replace('"', "").lower().split():
        name, _, value = word.partition("=")
        yield name[:1] + name[1:].replace("-", "_"), value


def mitigations_off(argument: str, table: Mapping[str, tuple[str, ...]] = MITIGATIONS) -> Iterator[str]:
    """Yields what disables a mitigation, as the table spells it."""
    for name, value in words(argument):
        for spelled, bad in table.items():
            if spelled.replace("-", "_") != name:
                continue
            given = value.replace(";", ",").split(",")
            meant = [each for each in bad if each in given] or [each for each in bad if each in map(_switch, given)]
            yield from (f"{spelled}={each}" for each in meant) if bad else (spelled,)


def _switch(value: str) -> str:
    """What the kernel takes a value for where it wants a switch: 1, 0, or an empty text for neither.

    Source: Linux lib/kstrtox.c, kstrtobool, which reads the first letter alone, or two of on and off.
    """
    if value[:1] in tuple("yt1"):
        return "1"
    if value[:1] in tuple("nf0"):
        return "0"
    return {"on": "1", "of": "0"}.get(value[:2], "")


def hardening_off(
    argument: str,
    table: Mapping[str, tuple[str, ...]] = HARDENING,
    removed: tuple[str, ...] = REMOVED,
    sysctls: Mapping[str, tuple[str, ...]] = HARDENED,
) -> Iterator[str]:
    """Yields what disables a hardening default, as the tables spell it."""
    yield from mitigations_off(argument, table)
    for name, value in words(argument):
        yield from (f"-{each}" for each in removed if name == f"-{each}")
        # Source: Linux fs/proc/proc_sysctl.c, process_sysctl_arg: sysctl.NAME or sysctl/NAME, separators in any mix.
        key = dotted(name[len("sysctl.") :].replace("/", "."))
        if name.startswith(("sysctl.", "sysctl/")) and key in sysctls and value not in sysctls[key]:
            yield f"sysctl.{key}"


def weakened(arguments: Iterable[str]) -> bool:
    """Whether any of the arguments disables a mitigation or a hardening default."""
    return any(True for each in arguments for _ in (*mitigations_off(each), *hardening_off(each)))
