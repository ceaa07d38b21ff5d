"""Platforms that are unusual and right: the whole program plans them, and no mandatory rule complains."""

import pytest
from conftest import changed, run_program, stack_platform

from policy.rules import RULES
from tests.policy.support import seen

IMAGES = "io.containerd.cri.v1.images"
BOARD = {"overlay": {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"}}
LAB = {"control": "KSPP", "reason": "A lab that runs no code of others.", "until": "2027-03-31", "ticket": "LAB-1"}
ARM = {f"machines.{name}.arch": "arm64" for name in ("cp-1", "cp-2", "cp-3", "wk-1", "wk-2")}
GUESTS = {
    name: {"ephemeral": True, "image": "quay.io/containerdisks/fedora:42", "cpu": 1, "memory": "1Gi", "arch": arch}
    for name, arch in (("one", "amd64"), ("two", "arm64"))
}
PLATFORMS = {
    "extensions for GPUs on one class": {
        "classes": {"gpu": {"schematic": {"extensions": ["siderolabs/nvidia-container-toolkit-lts"]}}},
        "machines.wk-1.class": "gpu",
    },
    "a schematic made elsewhere on one machine": {"machines.wk-1.schematic": "ab" * 32},
    "SecureBoot on workers alone": {
        "classes": {
            "signed": {
                "schematic": {"secureboot": True, "secureboot_keys": "firmware", "well_known_certificates": True}
            }
        },
        "machines.wk-1.class": "signed",
        "machines.wk-2.class": "signed",
    },
    "a module whose extension one machine has": {
        "machines.wk-1.schematic": {"extensions": ["siderolabs/zfs"]},
        "machines.wk-1.modules": {"zfs": ["zfs_arc_max=1073741824"]},
    },
    "all machines of ARM": {**ARM, "vms": None},
    "ARM workers beside amd64 control planes": {
        "machines.wk-1.arch": "arm64",
        "machines.wk-2.arch": "arm64",
        "vms": {"two": GUESTS["two"]},
    },
    "guests of both architectures": {"machines.wk-1.arch": "arm64", "vms": GUESTS},
    "boards with an overlay, booted by hand": {
        "classes": {"board": {"arch": "arm64", "schematic": BOARD}},
        "machines.wk-1.class": "board",
        "machines.wk-1.bmc": None,
        "vms": {"one": GUESTS["one"]},
    },
    "a DHCP server for both architectures": {
        "machines.wk-1.arch": "arm64",
        "vms": {"one": GUESTS["one"]},
        "boot.provisioning": {"interface": "eth1", "http": "http://10.20.0.2:8080", "dhcp": "full"},
    },
    "mitigations off in a lab, with a recorded exception": {
        "talos.schematic": {"kernel_args": ["mitigations=off"]},
        "exceptions": [LAB],
    },
    "mitigations that cost threads": {"talos.schematic": {"kernel_args": ["mitigations=auto,nosmt"]}},
    "security modules in another order": {"talos.schematic": {"kernel_args": ["lsm=yama,selinux,lockdown,bpf"]}},
    "an IOMMU for pass-through": {"talos.schematic": {"kernel_args": ["intel_iommu=on", "hugepages=64"]}},
    "an IOMMU that only guests use, with a recorded exception": {
        "talos.schematic": {"kernel_args": ["intel_iommu=on", "iommu=pt"]},
        "exceptions": [LAB],
    },
    "layers for a registry among peers": {"talos.containerd": {IMAGES: {"discard_unpacked_layers": False}}},
    "containerd on one machine without VMs": {
        "kubevirt": None,
        "vms": None,
        "machines.wk-1.containerd": {IMAGES: {"max_concurrent_downloads": 8}},
    },
    "a folder for a storage driver": {"talos.kubelet_mounts": {"/var/lib/longhorn": {}, "/var/openebs/local": {}}},
    "files below /var, and one of Talos' own": {
        "talos.patches": [
            {
                "machine": {
                    "files": [
                        {"op": "create", "path": "/var/etc/a", "permissions": 0o644, "content": "a"},
                        {"op": "overwrite", "path": "/etc/nfsmount.conf", "permissions": 0o644, "content": "a"},
                    ]
                }
            }
        ]
    },
    "a parameter of a VLAN's link": {"talos.sysctls": {"net/ipv4/conf/bond0.100/arp_ignore": "1"}},
    "the kubelet's own parameters written out": {
        "talos.sysctls": {"vm.overcommit_memory": "1", "kernel.panic": "10", "kernel/panic_on_oops": "1"}
    },
    "components from a mirror with paths of its own": {
        "talos.components": {"kubelet": "mirror.example.com/sidero/kubelet", "scheduler": "mirror.example.com/k/sch"}
    },
    "routing in eBPF and a user interface": {
        "cilium.values": {
            "bpf": {"masquerade": True, "hostLegacyRouting": True},
            "hubble": {"ui": {"enabled": True}},
            "pmtuDiscovery": {"enabled": True},
        }
    },
    "the release after a known defect": {
        "talos.version": "v1.13.9",
        "talos.schematic": {"extensions": ["siderolabs/iscsi-tools"]},
    },
    "a release with a defect that the platform does not meet": {"talos.version": "v1.13.8"},
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_unusual_platform_plans(name):
    requests = run_program(changed(stack_platform("prod"), PLATFORMS[name])).graph.requests.values()
    rules = [rule for rule in RULES if rule.level == "mandatory"]
    assert [message for request in requests for rule in rules for message in rule.complaints(seen(request))] == []
