"""What matchbox serves to a machine that boots from the network, and the credentials for writing it."""

import re

import pulumi
import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.boot import matchbox as boot
from core.boot.arguments import installed, network
from core.facts.kernel_arguments import PATTERN
from core.model import StackFileError, parse


def test_no_machine_config_is_served_over_network_boot(prod):
    """A config contains the cluster's keys, and anyone on that network could read it."""
    assert not any(arg.startswith("talos.config") for arg in boot.profile(parse(prod), "cp-1")["args"])


def test_kernel_and_initramfs_are_of_the_schematic_and_the_version(prod):
    base = "https://factory.prod.example.com/image/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba/v1.14.2"
    profile = boot.profile(parse(prod), "cp-1")
    assert (profile["kernel"], profile["initrds"]) == (f"{base}/kernel-amd64", [f"{base}/initramfs-amd64.xz"])


def test_the_stacks_own_arguments_come_after_the_hardening_arguments(prod):
    args = boot.profile(parse(prod), "cp-1")["args"]
    assert {"slab_nomerge", "pti=on", "module.sig_enforce=1"} <= set(args)
    assert args[0] == "initrd=initramfs-amd64.xz" and args[-1] == "console=ttyS1"


def test_each_machine_has_its_profile_and_its_group_by_mac(prod):
    groups = run_program(prod).engine.of("matchbox:index/group:Group")
    assert {g["profile"] for g in groups.values()} == {f"prod-{name}" for name in prod["machines"]}
    assert groups["metal-wk-2"]["selector"] == {"mac": "0c:c4:7a:00:02:02"}


@pytest.mark.parametrize(
    "given", [{}, {"bedplate:matchbox": '{"ca": "CA", "certificate": "CERT", "hosts": "*.dev.example.com"}'}]
)
def test_an_up_without_credentials_is_refused_before_anything_happens(dev, given):
    with pytest.raises(pulumi.RunError) as refused:
        run_program(dev, False, given)
    assert (
        "bedplate:matchbox.key: is missing; matchbox.dev.example.com:8081 admits only clients with mTLS credentials; "
        "./bedplate pulumi config set --secret --path 'bedplate:matchbox.key' --stack test < key.pem"
    ) in str(refused.value)


def test_a_plan_without_credentials_is_complete_except_for_them(dev):
    engine = run_program(dev).engine
    assert list(engine.of("matchbox:index/group:Group")) == ["metal-cp-1"]


def test_without_a_boot_server_no_credentials_are_needed(dev):
    run_program(changed(dev, {"boot": None}), False)


# Source: siderolabs/talos, pkg/machinery/kernel/kernel_test.go at v1.14.1.
V1_12 = [
    *("init_on_alloc=1", "slab_nomerge", "pti=on", "consoleblank=0", "nvme_core.io_timeout=4294967295"),
    *("printk.devkmsg=on", "selinux=1", "module.sig_enforce=1"),
]
V1_13 = [*V1_12, "proc_mem.force_override=never"]
V1_14 = [arg for arg in V1_13 if not arg.startswith(("init_on_alloc", "nvme_core"))]
METAL = ["talos.platform=metal", "console=tty0"]
TALOS = [*METAL, *V1_14]


@pytest.mark.parametrize(
    ("version", "own", "lockdown"),
    [("v1.12.4", V1_12, True), ("v1.13.1", V1_13, True), ("v1.14.2", V1_14, False)],
)
def test_talos_own_arguments_follow_its_release_on_the_network_and_on_the_disk(version, own, lockdown):
    given = {"talos.version": version, "talos.contract": "v1.12", "boot.kernel_args": []}
    made = parse(changed(stack_platform("prod"), given))
    assert network(made, "wk-1") == installed(made, "wk-1") == [*METAL, *own]
    keys = {"secureboot": True, "secureboot_keys": "firmware"}
    signed = parse(changed(stack_platform("prod"), {**given, "talos.schematic": keys}))
    expected = [*METAL, *(["lockdown=confidentiality"] if lockdown else []), *own]
    assert network(signed, "wk-1") == installed(signed, "wk-1") == expected


def test_a_schematics_console_replaces_talos_own_and_one_of_the_boot_server_is_added():
    arm = {"machines.wk-1.arch": "arm64", "vms": None, "boot.kernel_args": ["console=ttyS1"]}

    def consoles(*baked):
        made = parse(changed(stack_platform("prod"), {**arm, "talos.schematic": {"kernel_args": list(baked)}}))
        return [arg for arg in network(made, "wk-1") if arg.startswith("console=")]

    assert consoles() == ["console=ttyAMA0", "console=tty0", "console=ttyS1"]
    assert consoles("console=ttyS0", "console=tty1") == ["console=ttyS0", "console=tty1", "console=ttyS1"]
    assert consoles("-console=tty0") == ["console=ttyAMA0", "console=ttyS1"]
    assert consoles("-console") == ["console=ttyS1"]


# Arguments as a stack file may have them: with or without a value, and some that remove a default.
NAMES = st.from_regex(r"\A[a-z][a-z0-9_.]{0,10}\Z")
VALUES = st.from_regex(r"\A[A-Za-z0-9,./:-]{1,12}\Z")
OWN = st.one_of(NAMES, st.builds("{}={}".format, NAMES, VALUES), st.sampled_from(TALOS))
TAKEN = st.sampled_from([f"-{name}" for arg in TALOS[1:] for name in {arg, arg.split("=")[0]}])
REPLACED = {"talos.platform", "console"}
# Without it, no hardening default may be removed.
EXCEPTION = {
    "control": "KSPP",
    "reason": "A lab that runs no code of others.",
    "until": "2027-03-31",
    "ticket": "LAB-1",
}
MARK = "bedplate.exception-kspp=2027-03-31"


def arguments(baked, of_boot):
    raw = changed(
        stack_platform("dev"),
        {"talos.schematic": {"kernel_args": baked}, "boot.kernel_args": of_boot, "exceptions": [EXCEPTION]},
    )
    return network(parse(raw), "cp-1"), boot.profile(parse(raw), "cp-1")["args"]


def talos_own(baked):
    """Talos' arguments that the schematic's leave in place."""
    replaced = {arg.split("=")[0] for arg in baked} & REPLACED
    return [arg for arg in TALOS if arg.split("=")[0] not in replaced]


@given(st.lists(OWN, max_size=6), st.lists(OWN, max_size=6))
def test_every_argument_of_the_stack_file_is_served_in_its_order(baked, of_boot):
    """The kernel uses the last of two equal arguments, so another order could change its behaviour."""
    arguments_served, args = arguments(baked, of_boot)
    assert arguments_served == [*talos_own(baked), *baked, *of_boot]
    assert args == ["initrd=initramfs-amd64.xz", *arguments_served]


@given(st.lists(TAKEN, min_size=1, max_size=4), st.lists(OWN, max_size=4))
def test_only_the_default_that_the_stack_file_removes_is_missing(taken, own):
    arguments_served, _ = arguments([*taken, *own], [])
    names = {each[1:] for each in taken}
    removed = [arg for arg in TALOS if arg in names or arg.split("=")[0] in names]
    hardening = {"slab_nomerge", "pti=on", "selinux=1", "module.sig_enforce=1", "proc_mem.force_override=never"}
    mark = [MARK] if hardening & set(removed) else []
    assert arguments_served == [*(arg for arg in talos_own(own) if arg not in removed), *own, *mark]
    assert not any(arg.startswith("-") for arg in arguments_served), "the kernel knows no such sign"


@given(st.lists(OWN, max_size=6), st.lists(OWN, max_size=6))
def test_no_argument_contains_a_blank_or_serves_a_config(baked, of_boot):
    """matchbox joins arguments with blanks, and anyone can read what it serves."""
    _, args = arguments(baked, of_boot)
    assert " ".join(args).split() == args
    assert not any(arg.startswith("talos.config") for arg in args)


# The blanks and the words of a boot loader, and what is around them in a kernel argument.
ANYTHING = st.text(st.sampled_from("ab=,.-\"&|;#$ {}\\'\n\t\x1b\u2028%<>`"), max_size=14)


@given(st.lists(st.one_of(st.from_regex(PATTERN, fullmatch=True), ANYTHING), max_size=4))
def test_no_argument_that_is_accepted_is_a_command_to_a_boot_loader(words):
    """iPXE splits a line at blanks, also within quotes, and ends a command at ; && || and #."""
    try:
        _, args = arguments([], words)
    except StackFileError as refused:
        assert all(str(fault).startswith("platform.boot.kernel_args") for fault in refused.faults)
        return
    line = " ".join(args)
    assert line.isprintable() and line.isascii()
    assert not {";", "&&", "||"} & set(line.split()) and not any(word.startswith("#") for word in line.split())
    assert not re.sub(r"\$\{(uuid|serial|mac|hostname|code)\}", "", line).count("$")


def test_boot_loaders_fetch_from_a_copy_where_there_is_one_and_everyone_else_from_the_factory(prod):
    copy = boot.profile(parse(changed(prod, {"boot.assets": "http://10.20.0.2:8080/assets"})), "cp-1")
    usual = boot.profile(parse(prod), "cp-1")
    assert copy["kernel"] == usual["kernel"].replace("https://factory.prod.example.com", "http://10.20.0.2:8080/assets")
    assert copy["initrds"][0].startswith("http://10.20.0.2:8080/assets/image/")
    elsewhere = parse(changed(prod, {"boot.assets": "http://10.20.0.2:8080/assets"}))
    assert boot.iso(elsewhere, "cp-1") == boot.iso(parse(prod), "cp-1")
