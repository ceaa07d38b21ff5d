"""The runtime document of a node: its capabilities, its namespaces, and what protects the host."""

from pathlib import PurePath

import pytest

from lab import spec

HOST = spec.Host(open_files=20000, devices=("/dev/kmsg",), missing=frozenset({"CAP_SYS_RESOURCE"}))


def document(host: spec.Host = HOST) -> dict:
    return spec.node(
        "cp-1", directory=PurePath("/lab/cp-1"), rootfs=PurePath("/root"), cgroup="bedplate-x/cp-1", host=host
    )


def test_a_node_owns_a_new_network_namespace_instead_of_joining_one():
    kinds = {one["type"]: one for one in document()["linux"]["namespaces"]}
    assert "path" not in kinds["network"]
    assert "user" in kinds


def test_the_user_namespace_covers_the_id_that_talos_gives_the_scheduler():
    mapping = document()["linux"]["uidMappings"][0]
    assert mapping["containerID"] == 0 and mapping["hostID"] > 0 and mapping["size"] > 65536


def test_without_a_user_namespace_nothing_is_mapped():
    host = spec.Host(open_files=1 << 20, devices=(), user_namespace=False)
    linux = document(host)["linux"]
    assert "uidMappings" not in linux and {"type": "user"} not in linux["namespaces"]
    assert "CAP_SYS_RESOURCE" in document(host)["process"]["capabilities"]["bounding"]


@pytest.mark.parametrize("capability", ["CAP_SYS_MODULE", "CAP_SYS_TIME"])
def test_no_node_may_touch_the_hosts_kernel_or_clock(capability):
    host = spec.Host(open_files=1, devices=(), user_namespace=False)
    assert all(capability not in held for held in document(host)["process"]["capabilities"].values())


def test_capabilities_that_the_host_lacks_are_not_requested():
    assert "CAP_SYS_RESOURCE" not in document()["process"]["capabilities"]["bounding"]
    assert document()["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 20000}]
    assert [device["path"] for device in document()["linux"]["devices"]] == ["/dev/kmsg"]


def test_machine_wide_settings_are_read_only():
    assert {"/proc/sys/kernel", "/proc/sys/vm", "/proc/sysrq-trigger"} <= set(document()["linux"]["readonlyPaths"])


def test_every_volume_has_a_directory_of_its_own():
    names = [spec.volume(path) for path in spec.VOLUMES]
    assert len(set(names)) == len(names)
    bound = {mount["destination"]: mount["source"] for mount in document()["mounts"] if mount["type"] == "bind"}
    assert bound["/var"] == "/lab/cp-1/volumes/var" and bound["/system/state"] == "/lab/cp-1/volumes/system-state"


def test_nodes_share_a_folder_and_loop_devices_only_where_the_lab_has_them():
    def targets(**more):
        about = {"directory": PurePath("/lab/cp-1"), "rootfs": PurePath("/root"), "cgroup": "x/cp-1", "host": HOST}
        return {each["destination"]: each for each in spec.node("cp-1", **about, **more)["mounts"]}

    shared = targets(shared=PurePath("/lab/shared"), loops=[PurePath("/lab/loops/loop1000")])
    assert shared[spec.SHARED]["source"] == "/lab/shared"
    assert shared["/dev/loop1000"]["source"] == "/lab/loops/loop1000"
    # Beneath /var, which must be there before.
    assert list(shared).index("/var") < list(shared).index(spec.SHARED)
    assert set(shared) - set(targets()) == {spec.SHARED, "/dev/loop1000"}
