"""What a machine is told when it boots from the network, and who may tell it."""

import pulumi
import pytest
from conftest import changed, run_program

from components.metal import boot
from components.platform import parse


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


@pytest.mark.parametrize("given", [{}, {"bedplate:matchbox": '{"ca": "CA", "certificate": "CERT"}'}])
def test_an_update_without_credentials_is_refused_before_anything_happens(dev, given):
    with pytest.raises(pulumi.RunError) as refused:
        run_program(dev, False, given)
    assert (
        "bedplate:matchbox.key: is missing; matchbox.dev.example.com:8081 lets in nobody without mTLS credentials; "
        "./bedplate pulumi config set --secret --path 'bedplate:matchbox.key' --stack test < key.pem"
    ) in str(refused.value)


def test_a_plan_without_credentials_shows_everything_but_them(dev):
    engine = run_program(dev).engine
    assert list(engine.of("matchbox:index/group:Group")) == ["metal-cp-1"]


def test_without_a_boot_server_no_credentials_are_asked_for(dev):
    run_program(changed(dev, {"boot": None}), False)
