"""Docker and Podman, up to their command lines."""

import pytest

from lab.container_runtime import Runtime, find
from lab.topology import Machine, Topology

LAB = Topology(name="dev", network="192.168.10.0/24", machines=(
    Machine(name="cp-1", role="controlplane", address="192.168.10.11", mac="52:54:00:aa:00:01"),
))


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_node_is_a_privileged_read_only_container_at_the_stacks_address(program):
    command = Runtime(program).node(LAB, LAB.machines[0], "v1.12.0")
    assert command[:3] == [program, "run", "--detach"]
    assert {"--privileged", "--read-only", "--env=PLATFORM=container", "--ip=192.168.10.11",
            "--mac-address=52:54:00:aa:00:01", "--network=bedplate-dev"} <= set(command)
    assert "--mount=type=volume,source=bedplate-dev-cp-1-system-state,destination=/system/state" in command
    assert command[-1] == "ghcr.io/siderolabs/talos:v1.12.0"


def test_ending_takes_containers_volumes_and_network():
    gone = Runtime("docker").remove(LAB)
    assert gone[0] == ["docker", "rm", "--force", "--volumes", "bedplate-dev-cp-1"]
    assert "bedplate-dev-cp-1-var" in gone[1] and gone[2][-1] == "bedplate-dev"


def test_a_runtime_without_the_official_image_is_not_used(tmp_path, monkeypatch):
    fake = tmp_path / "docker"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find("v1.12.0") is None
    fake.write_text("#!/bin/sh\necho '[{}]'\n")
    assert find("v1.12.0", programs=("docker",)) == Runtime("docker")
