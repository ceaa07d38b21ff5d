"""The command lines of Docker and Podman."""

import os
from dataclasses import replace

import pytest

from lab import cleanup, preflight, prepare
from lab.container_runtime import Runtime, find
from lab.kernel import Process
from lab.layout import Layout
from lab.order import Order
from lab.rehearse import Rehearsal
from lab.session import Lab
from lab.topology import Machine, Topology

LAB = Topology(
    name="dev",
    mark="0a1b2c3d",
    network="192.168.10.0/24",
    machines=(Machine(name="cp-1", role="controlplane", address="192.168.10.11", mac="52:54:00:aa:00:01"),),
)


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_node_is_a_privileged_read_only_container_at_the_stacks_address(program):
    command = Runtime(program).node(LAB, LAB.machines[0], "v1.12.0")
    assert command[:3] == [program, "run", "--detach"]
    assert {
        "--privileged",
        "--read-only",
        "--env=PLATFORM=container",
        "--ip=192.168.10.11",
        "--mac-address=52:54:00:aa:00:01",
        "--network=bedplate-dev-0a1b2c3d",
    } <= set(command)
    assert "--mount=type=volume,source=bedplate-dev-0a1b2c3d-cp-1-system-state,destination=/system/state" in command
    assert command[-1] == "ghcr.io/siderolabs/talos:v1.12.0"


def test_ending_a_lab_removes_containers_volumes_and_network():
    commands = Runtime("docker").remove(LAB)
    assert commands[0] == ["docker", "rm", "--force", "--volumes", "bedplate-dev-0a1b2c3d-cp-1"]
    assert "bedplate-dev-0a1b2c3d-cp-1-var" in commands[1] and commands[2][-1] == "bedplate-dev-0a1b2c3d"


def test_a_node_that_erased_itself_loses_its_container_and_its_volumes_and_no_others():
    container, volumes = Runtime("docker").erase(LAB, LAB.machines[0])
    assert container == ["docker", "rm", "--force", "bedplate-dev-0a1b2c3d-cp-1"]
    assert "bedplate-dev-0a1b2c3d-cp-1-system-state" in volumes and all(
        name.startswith("bedplate-dev-0a1b2c3d-cp-1-") for name in volumes[4:]
    )


def test_a_runtime_without_the_official_image_is_not_used(tmp_path, monkeypatch):
    fake = tmp_path / "docker"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find("v1.12.0") is None
    fake.write_text("#!/bin/sh\necho '[{}]'\n")
    assert find("v1.12.0", programs=("docker",)) == Runtime("docker")


# Stands in for Docker: it records its command lines, and a container runs from `run` or `start` to `kill`.
FAKE = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
    image) echo '[{{}}]' ;;
    run | start) touch {folder}/running ;;
    kill) rm -f {folder}/running ;;
    inspect) test -e {folder}/running && echo true || echo false ;;
    logs) echo "bootstrap request received" ;;
esac
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text(FAKE.format(folder=tmp_path))
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    return lambda: [line.split() for line in (tmp_path / "asked").read_text().splitlines()]


def test_a_lab_of_containers_uses_only_the_runtime(docker, tmp_path):
    """The supervisor, the registry and the control socket are those of every lab."""
    here = replace(
        LAB,
        network="127.0.0.0/8",
        gateway="127.0.0.1",
        registry_port=0,
        machines=(replace(LAB.machines[0], address="127.0.0.11"),),
    )
    # A name of its own, because a lab's cgroups are found by its name, also those of a lab in another folder.
    layout = Layout.of(tmp_path, f"runtime-{os.getpid()}")
    prepare.certify(layout, here, prepare.binaries("lab-tools")["lab-tools"])
    order = Order(here, preflight.host(contained=True), "", "", "docker", "v1.12.0")
    with Lab.start(layout, order) as lab:
        lab.start_node("cp-1")
        assert lab.nodes()["cp-1"]["running"] and lab.run(["echo", "beside it"], seconds=10).stdout == "beside it\n"
        lab.stop_node("cp-1")
        assert not lab.nodes()["cp-1"]["running"]
        lab.start_node("cp-1")
        assert "bootstrap request received" in (layout.node("cp-1") / "console.log").read_text()
        init = lab.init
    assert not init.alive
    calls = [line for line in docker() if line[0] not in ("inspect", "logs")]
    assert [line[:2] for line in calls] == [
        ["network", "create"],
        ["run", "--detach"],
        ["kill", "bedplate-dev-0a1b2c3d-cp-1"],
        ["start", "bedplate-dev-0a1b2c3d-cp-1"],
        ["rm", "--force"],
        ["volume", "rm"],
        ["network", "rm"],
    ]
    assert calls[1][-1] == "ghcr.io/siderolabs/talos:v1.12.0"


def test_stop_removes_the_containers_of_a_killed_lab(docker, tmp_path):
    # A name of its own, because a lab's cgroups are found by its name, also those of a lab in another folder.
    layout = Layout.of(tmp_path, f"runtime-{os.getpid()}")
    layout.directory.mkdir(parents=True)
    layout.record(Process(2**22, 1), remove=Runtime("docker").remove(LAB))
    assert cleanup.stop(layout) == ["removed its containers, their volumes and their network"]
    assert [line[0] for line in docker()] == ["rm", "volume", "network"]


def test_a_rehearsal_uses_the_runtime_where_there_is_one(docker, tmp_path):
    rehearsal = Rehearsal("dev", root=tmp_path, checkout=prepare.CHECKOUT)
    assert (
        rehearsal.runtime == Runtime("docker")
        and not rehearsal.host.user_namespace
        and not rehearsal.topology.user_namespace
    )
