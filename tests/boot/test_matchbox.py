"""What a machine is told when it boots from the network, and who may tell it."""

import pulumi
import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.boot import matchbox as boot
from core.model import parse


def test_no_machine_config_is_served_over_network_boot(prod):
    """Anyone on that network can read it, and it holds the cluster's keys."""
    assert not any(arg.startswith("talos.config") for arg in boot.profile(parse(prod))["args"])


def test_kernel_and_initramfs_are_of_the_schematic_and_the_version(prod):
    base = "https://factory.prod.example.com/image/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba/v1.14.2"
    made = boot.profile(parse(prod))
    assert (made["kernel"], made["initrds"]) == (f"{base}/kernel-amd64", [f"{base}/initramfs-amd64.xz"])


def test_the_hardening_arguments_are_there_and_the_stacks_own_come_last(prod):
    args = boot.profile(parse(prod))["args"]
    assert {"slab_nomerge", "pti=on", "init_on_alloc=1"} <= set(args)
    assert args[0] == "initrd=initramfs-amd64.xz" and args[-1] == "console=ttyS1"


def test_each_machine_has_its_profile_and_its_group_by_mac(prod):
    groups = run_program(prod).engine.of("matchbox:index/group:Group")
    assert {g["profile"] for g in groups.values()} == {f"prod-{name}" for name in prod["machines"]}
    assert groups["metal-wk-2"]["selector"] == {"mac": "0c:c4:7a:00:02:02"}


@pytest.mark.parametrize(
    "given", [{}, {"bedplate:matchbox": '{"ca": "CA", "certificate": "CERT", "hosts": "*.dev.example.com"}'}]
)
def test_an_update_without_credentials_is_refused_before_anything_happens(dev, given):
    with pytest.raises(pulumi.RunError) as refused:
        run_program(dev, False, given)
    assert (
        "bedplate:matchbox.key: is missing; matchbox.dev.example.com:8081 admits only clients with mTLS credentials; "
        "./bedplate pulumi config set --secret --path 'bedplate:matchbox.key' --stack test < key.pem"
    ) in str(refused.value)


def test_a_plan_without_credentials_shows_everything_but_them(dev):
    engine = run_program(dev).engine
    assert list(engine.of("matchbox:index/group:Group")) == ["metal-cp-1"]


def test_without_a_boot_server_no_credentials_are_asked_for(dev):
    run_program(changed(dev, {"boot": None}), False)


# What may stand in a stack file: names, with a value or not, and some that take a default away.
NAMES = st.from_regex(r"\A[a-z][a-z0-9_.]{0,10}\Z")
VALUES = st.from_regex(r"\A[A-Za-z0-9,./:-]{1,12}\Z")
OWN = st.one_of(NAMES, st.builds("{}={}".format, NAMES, VALUES), st.sampled_from(boot.TALOS_ARGS))
TAKEN = st.sampled_from([f"-{name}" for arg in boot.TALOS_ARGS for name in {arg, arg.split("=")[0]}])


def arguments(baked, of_boot):
    raw = changed(stack_platform("dev"), {"talos.schematic": {"kernel_args": baked}, "boot.kernel_args": of_boot})
    return boot.arguments(parse(raw)), boot.profile(parse(raw))["args"]


@given(st.lists(OWN, max_size=6), st.lists(OWN, max_size=6))
def test_every_argument_that_is_said_is_given_in_the_order_it_was_said(baked, of_boot):
    """The kernel goes by the last of two: an order that changed would change what it does."""
    made, args = arguments(baked, of_boot)
    assert made == [*boot.TALOS_ARGS, *baked, *of_boot]
    assert args == ["initrd=initramfs-amd64.xz", *made]


@given(st.lists(TAKEN, min_size=1, max_size=4), st.lists(OWN, max_size=4))
def test_a_default_that_is_taken_away_is_gone_and_no_other(taken, own):
    made, _ = arguments([*taken, *own], [])
    names = {each[1:] for each in taken}
    gone = [arg for arg in boot.TALOS_ARGS if arg in names or arg.split("=")[0] in names]
    assert made == [*(arg for arg in boot.TALOS_ARGS if arg not in gone), *own]
    assert not any(arg.startswith("-") for arg in made), "the kernel knows no such sign"


@given(st.lists(OWN, max_size=6), st.lists(OWN, max_size=6))
def test_no_argument_is_two_and_none_serves_a_config(baked, of_boot):
    """matchbox joins them with blanks, and what it serves anyone can read."""
    _, args = arguments(baked, of_boot)
    assert " ".join(args).split() == args
    assert not any(arg.startswith("talos.config") for arg in args)
