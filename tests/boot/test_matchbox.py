"""What matchbox serves to a machine that boots from the network, and the credentials for writing it."""

import re

import pulumi
import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.boot import matchbox as boot
from core.boot.arguments import TALOS_ARGS, network
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
    assert {"slab_nomerge", "pti=on", "init_on_alloc=1"} <= set(args)
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


# Arguments as a stack file may have them: with or without a value, and some that remove a default.
NAMES = st.from_regex(r"\A[a-z][a-z0-9_.]{0,10}\Z")
VALUES = st.from_regex(r"\A[A-Za-z0-9,./:-]{1,12}\Z")
OWN = st.one_of(NAMES, st.builds("{}={}".format, NAMES, VALUES), st.sampled_from(TALOS_ARGS))
TAKEN = st.sampled_from([f"-{name}" for arg in TALOS_ARGS[1:] for name in {arg, arg.split("=")[0]}])
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


@given(st.lists(OWN, max_size=6), st.lists(OWN, max_size=6))
def test_every_argument_of_the_stack_file_is_served_in_its_order(baked, of_boot):
    """The kernel uses the last of two equal arguments, so another order could change its behaviour."""
    arguments_served, args = arguments(baked, of_boot)
    assert arguments_served == [*TALOS_ARGS, *baked, *of_boot]
    assert args == ["initrd=initramfs-amd64.xz", *arguments_served]


@given(st.lists(TAKEN, min_size=1, max_size=4), st.lists(OWN, max_size=4))
def test_only_the_default_that_the_stack_file_removes_is_missing(taken, own):
    arguments_served, _ = arguments([*taken, *own], [])
    names = {each[1:] for each in taken}
    removed = [arg for arg in TALOS_ARGS if arg in names or arg.split("=")[0] in names]
    mark = [MARK] if {"slab_nomerge", "pti=on", "init_on_alloc=1"} & set(removed) else []
    assert arguments_served == [*(arg for arg in TALOS_ARGS if arg not in removed), *own, *mark]
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
