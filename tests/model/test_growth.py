"""Reading and rendering take time in proportion to what the stack file has, however its parts refer to each other.

Counted are the calls of functions, because seconds change with what else the computer does.
"""

import cProfile
from collections.abc import Callable
from typing import Any

import pytest
from conftest import changed

from core.machineconfig.documents import documents
from core.model import StackFileError, parse
from operations.drift.guests import drained

Raw = dict[str, Any]


def calls(work: Callable[[Any], Any], on: Any) -> int:
    """How many calls of functions some work makes."""
    profile = cProfile.Profile()
    profile.runcall(work, on)
    return sum(entry.callcount for entry in profile.getstats())


def machine(number: int, address: str) -> Raw:
    return {
        "role": "controlplane" if number < 3 else "worker",
        "address": address,
        "mac": f"52:54:00:00:{number // 256:02x}:{number % 256:02x}",
        "install": {"disk": {"serial": f"SERIAL-{number}"}},
    }


def racks(prod: Raw, count: int) -> Raw:
    """A platform of racks with three machines each, every rack with a network of its own."""
    numbers = range(3 * count)
    return changed(
        prod,
        {
            "network": {
                "nodes": [f"10.20.{rack}.0/24" for rack in range(count)],
                "gateway": [f"10.20.{rack}.254" for rack in range(count)],
                "endpoint": "api.prod.example.com",
                "pods": "10.128.0.0/9",
                "resolvers": ["10.9.0.53"],
            },
            "talos.bootstrap": "m-0",
            "cilium.load_balancer": None,
            "vms": None,
            "machines": {f"m-{n}": machine(n, f"10.20.{n % count}.{n // count + 1}") for n in numbers},
        },
    )


def packages(prod: Raw, count: int) -> Raw:
    """A platform with a VM that installs many packages."""
    return changed(prod, {"vms.erp.cloud_init": {"packages": [f"package-{n}" for n in range(100 * count)]}})


def classes(prod: Raw, count: int) -> Raw:
    """A platform with three machines in each class."""
    shared = {"labels": {"example.com/pool": "a"}, "nics": {"links": {"data0": {"driver": "mlx5_core", "mtu": 9000}}}}
    raw = racks(prod, count)
    for number, each in enumerate(raw["machines"].values()):
        each["class"] = f"rack-{number % count}"
    return raw | {"classes": {f"rack-{number}": shared for number in range(count)}}


def storage(prod: Raw, count: int) -> Raw:
    """The racks with a storage network in each, and a route to the next one."""
    raw = racks(prod, count)
    for number, each in enumerate(raw["machines"].values()):
        rack, host = number % count, number // count + 1
        route = {"to": f"10.31.{(rack + 1) % count}.0/24", "via": f"10.30.{rack}.254"}
        each["nics"] = {
            "vlans": {"storage": {"id": 7, "parent": "lan0", "address": f"10.30.{rack}.{host}/24", "routes": [route]}}
        }
    return raw


def guests(prod: Raw, count: int) -> Raw:
    """The racks with twenty VMs whose disks keep them on their machines."""
    disk = {"size": "20Gi", "from": {"blank": True}}
    vms = {f"vm-{number}": {"cpu": 1, "memory": "1Gi", "disk": disk} for number in range(20)}
    return changed(racks(prod, count), {"storage": {"local": {}}, "vms": vms})


def faulty(prod: Raw, count: int) -> Raw:
    """The same, and every class has a fault."""
    return changed(
        classes(prod, count), {f"classes.rack-{n}.labels": {"kubernetes.io/hostname": "a"} for n in range(count)}
    )


def growth(made: Callable[[int], Raw], size: int, work: Callable[[Raw], Any]) -> float:
    """How many times more calls a platform of four times the size takes."""
    work(made(2))  # What happens once in a process is no growth.
    return calls(work, made(size * 4)) / calls(work, made(size))


@pytest.mark.parametrize("made", [racks, classes, storage, packages])
def test_reading_grows_with_the_file(prod, made):
    assert growth(lambda size: made(prod, size), 40, parse) < 4.2


def test_refusing_grows_with_the_file(prod):
    def refuse(raw: Raw) -> None:
        with pytest.raises(StackFileError):
            parse(raw)

    assert growth(lambda size: faulty(prod, size), 40, refuse) < 4.2


def test_rendering_grows_with_the_machines(prod):
    def render(platform: Any) -> None:
        for name in platform.machines:
            documents(platform, name)

    assert growth(lambda size: parse(racks(prod, size)), 40, render) < 4.2


def test_what_drains_come_to_grows_with_the_machines(prod):
    found = drained(parse(guests(prod, 2)))
    assert {len(held) for held in found.values()} == {20}
    assert growth(lambda size: parse(guests(prod, size)), 10, drained) < 4.2
