"""VMs with disks of their own as Kubernetes objects."""

import re

import pytest
from conftest import ROOT, changed
from diskvms import HTTP, REGISTRY, SHA, SOURCES, with_disk

from core.manifests import disk as disks
from core.manifests.kubevirt import kubevirt
from core.manifests.service import service
from core.manifests.virtual_machine import virtual_machine
from core.model import parse
from core.model.claims import claims

AUTHORITY = ROOT / "tests" / "model" / "authority.pem"


def spec_of(raw, name="db"):
    return virtual_machine(parse(raw), name)["spec"]["template"]["spec"]


def volumes_of(raw, name="db"):
    return {claim.disk: disks.data_volume(claim) for claim in claims(parse(raw), name)}


def test_a_vm_refers_to_claims_that_are_objects_of_their_own(prod):
    raw = with_disk(prod, disks={"data": {"size": "100Gi", "class": "longhorn"}})
    spec = spec_of(raw)
    assert spec["volumes"] == [
        {"name": "root", "persistentVolumeClaim": {"claimName": "db"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "db-data"}},
        {"name": "cloud-init", "cloudInitNoCloud": {"secretRef": {"name": "db-cloud-init"}}},
    ]
    assert [disk["name"] for disk in spec["domain"]["devices"]["disks"]] == ["root", "data", "cloud-init"]
    assert "dataVolumeTemplates" not in virtual_machine(parse(raw), "db")["spec"]
    assert volumes_of(raw)["data"] == {
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataVolume",
        "metadata": {"name": "db-data", "namespace": "vms", "labels": {"bedplate/vm": "db"}},
        "spec": {
            "source": {"blank": {}},
            "storage": {
                "resources": {"requests": {"storage": "100Gi"}},
                "accessModes": ["ReadWriteOnce"],
                "volumeMode": "Block",
                "storageClassName": "longhorn",
            },
        },
    }


@pytest.mark.parametrize("given", SOURCES, ids=lambda source: next(iter(source)))
def test_a_disk_has_exactly_one_source_in_the_words_of_cdi(prod, given):
    (made,) = volumes_of(with_disk(prod, disk={"size": "20Gi", "from": given})).values()
    ((kind, source),) = made["spec"]["source"].items()
    expected = {
        "http": HTTP["http"],
        "registry": {"url": f"docker://{REGISTRY['registry']['image']}", "pullMethod": "node"},
        "s3": {"url": "https://s3.example.com/images/fedora.vmdk", "secretRef": "s3-login"},
        "pvc": {"name": "golden", "namespace": (given.get("claim") or {}).get("namespace", "vms")},
        "snapshot": {"name": "golden-1", "namespace": "vms"},
        "upload": {},
        "blank": {},
    }
    assert source == expected[kind]


def test_a_server_of_a_private_authority_is_verified_with_it(prod):
    authority = AUTHORITY.read_text(encoding="utf-8")
    raw = with_disk(prod, disk={"size": "20Gi", "from": {"http": {**HTTP["http"], "ca": authority}}})
    (claim,) = claims(parse(raw), "db")
    made = disks.authorities(claim)
    assert made["data"] == {"ca.pem": authority}
    source = disks.data_volume(claim)["spec"]["source"]["http"]
    assert source["certConfigMap"] == made["metadata"]["name"] == "db-ca"


def test_pods_that_are_sent_a_disk_are_reached_by_the_sender_alone(prod):
    """The namespace is closed otherwise, and a copy would wait for ever."""
    raw = with_disk(prod, disk={"size": "20Gi", "from": {"claim": {"name": "golden", "namespace": "images"}}})
    (claim,) = claims(parse(raw), "db")
    spec = disks.receiving_policy(claim)["spec"]
    assert spec["podSelector"] == {"matchLabels": {"cdi.kubevirt.io": "cdi-upload-server"}}
    (rule,) = spec["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "images"}}}]
    (claim,) = claims(parse(with_disk(prod)), "db")
    assert disks.receiving_policy(claim) is None


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({}, ("ReadWriteMany", "Block")),
        ({"access": "ReadWriteOnce"}, ("ReadWriteOnce", "Block")),
        ({"mode": "Filesystem"}, ("ReadWriteOnce", "Filesystem")),
        ({"class": "longhorn"}, ("ReadWriteOnce", "Block")),
        ({"class": "files"}, ("ReadWriteMany", "Filesystem")),
    ],
)
def test_modes_are_those_of_the_class_and_the_vm_moves_if_all_its_disks_can(prod, modes, expected):
    raw = with_disk(prod, disk={"size": "20Gi", "from": HTTP, **modes})
    (made,) = volumes_of(raw).values()
    storage = made["spec"]["storage"]
    assert (*storage["accessModes"], storage["volumeMode"]) == expected
    moves = expected[0] == "ReadWriteMany"
    assert spec_of(raw)["evictionStrategy"] == ("LiveMigrate" if moves else "None")


def test_one_disk_that_stays_on_its_node_keeps_the_vm_there(prod):
    raw = with_disk(prod, disks={"data": {"size": "1Gi", "class": "longhorn"}})
    assert spec_of(raw)["evictionStrategy"] == "None"


def test_a_vm_is_the_same_machine_whenever_it_is_made(prod):
    first, again = (spec_of(with_disk(prod))["domain"] for _ in range(2))
    assert first == again
    firmware = first["firmware"]
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", firmware["uuid"])
    assert firmware["serial"] == firmware["uuid"]
    (link,) = first["devices"]["interfaces"]
    assert re.fullmatch("02(:[0-9a-f]{2}){5}", link["macAddress"])
    other = spec_of(with_disk(changed(prod, {"name": "other"})))["domain"]
    assert other["firmware"] != firmware and other["devices"]["interfaces"] != [link]


def test_an_imported_machine_keeps_its_identity(prod):
    identity = {"mac": "00:50:56:aa:00:01", "uuid": "4c4c4544-0042-3510-8052-b4c04f564433"}
    domain = spec_of(with_disk(prod, **identity))["domain"]
    assert domain["firmware"]["uuid"] == identity["uuid"]
    assert domain["devices"]["interfaces"][0]["macAddress"] == identity["mac"]


def test_sockets_and_memory_can_grow(prod):
    domain = spec_of(with_disk(prod, cpu={"sockets": 2, "max": 8}, memory={"size": "4Gi", "max": "16Gi"}))["domain"]
    assert domain["cpu"] == {"sockets": 2, "cores": 1, "threads": 1, "maxSockets": 8}
    assert domain["memory"] == {"guest": "4Gi", "maxGuest": "16Gi"}
    assert spec_of(with_disk(prod))["domain"]["cpu"] == {"sockets": 2, "cores": 1, "threads": 1}


def test_firmware_with_secureboot_and_a_tpm_has_all_that_it_needs(prod):
    raw = with_disk(prod, firmware={"efi": True, "secure_boot": True, "persistent": True, "tpm": True})
    domain = spec_of(raw)["domain"]
    assert domain["firmware"]["bootloader"] == {"efi": {"secureBoot": True, "persistent": True}}
    assert domain["features"] == {"smm": {"enabled": True}}
    assert domain["devices"]["tpm"] == {"persistent": True}
    assert kubevirt(parse(raw))["spec"]["configuration"]["vmStateStorageClass"] == "ceph-block"


def test_uefi_without_secureboot_says_so(prod):
    """KubeVirt takes SecureBoot for granted where only efi is set."""
    domain = spec_of(with_disk(prod, firmware={"efi": True}))["domain"]
    assert domain["firmware"]["bootloader"] == {"efi": {"secureBoot": False}} and "features" not in domain


def test_a_cdrom_and_a_shared_disk_are_attached_as_kubevirt_accepts_them(prod):
    more = {
        "installer": {"size": "6Gi", "from": HTTP, "cdrom": True},
        "quorum": {"size": "1Gi", "shared": True, "bus": "scsi"},
    }
    by_name = {disk["name"]: disk for disk in spec_of(with_disk(prod, disks=more))["domain"]["devices"]["disks"]}
    assert by_name["root"] == {"name": "root", "bootOrder": 1, "disk": {"bus": "virtio"}, "serial": "root"}
    assert by_name["installer"] == {"name": "installer", "bootOrder": 2, "cdrom": {"bus": "sata"}}
    quorum = {"name": "quorum", "bootOrder": 3, "disk": {"bus": "scsi"}, "serial": "quorum"}
    assert by_name["quorum"] == {**quorum, "shareable": True, "cache": "none"}


@pytest.mark.parametrize(
    ("restart", "strategy"), [("always", "Always"), ("on-failure", "RerunOnFailure"), ("never", "Once")]
)
def test_a_vm_is_started_again_as_the_stack_file_says(prod, restart, strategy):
    assert virtual_machine(parse(with_disk(prod, restart=restart)), "db")["spec"]["runStrategy"] == strategy
    stopped = parse(with_disk(prod, restart=restart, running=False))
    assert virtual_machine(stopped, "db")["spec"]["runStrategy"] == "Halted"


def test_a_service_leads_to_the_ports_of_a_vm(prod):
    vm = parse(with_disk(prod, ports=[443, "53/udp"], expose={"load_balancer": "10.20.0.210"})).vms["db"]
    made = service("db", vm)
    assert made["spec"] == {
        "type": "LoadBalancer",
        "allocateLoadBalancerNodePorts": False,
        "selector": {"bedplate/vm": "db"},
        "ports": [
            {"name": "tcp-443", "port": 443, "targetPort": 443, "protocol": "TCP"},
            {"name": "udp-53", "port": 53, "targetPort": 53, "protocol": "UDP"},
        ],
    }
    assert made["metadata"]["annotations"]["lbipam.cilium.io/ips"] == "10.20.0.210"
    within = service("db", parse(with_disk(prod, ports=[443], expose={})).vms["db"])
    assert within["spec"]["type"] == "ClusterIP" and "lbipam.cilium.io/ips" not in within["metadata"]["annotations"]


def test_gates_follow_from_use_and_a_platform_without_disks_keeps_its_object(prod):
    configuration = kubevirt(parse(with_disk(prod)))["spec"]["configuration"]
    assert configuration["developerConfiguration"] == {"featureGates": ["ExpandDisks", "Snapshot"]}
    without = kubevirt(parse(with_disk(prod, disk={"size": "1Gi", "from": HTTP, "class": "longhorn"})))
    assert without["spec"]["configuration"]["developerConfiguration"] == {"featureGates": ["ExpandDisks"]}
    before = kubevirt(parse(prod))["spec"]
    assert "developerConfiguration" not in before["configuration"] and "uninstallStrategy" not in before


def test_the_claim_of_a_file_system_has_room_for_it(prod):
    """As CDI computes it: 6 % more than the guest sees."""
    (claim,) = claims(parse(with_disk(prod, disk={"size": "20Gi", "from": HTTP, "class": "files"})), "db")
    assert disks.volume_size(claim) == 22763326669
    (claim,) = claims(parse(with_disk(prod)), "db")
    assert disks.volume_size(claim) == 20 * 2**30


def test_what_a_disk_is_filled_from_is_one_line_with_its_checksum(prod):
    (claim,) = claims(parse(with_disk(prod)), "db")
    assert disks.described(claim) == f"https://images.example.com/fedora-42.qcow2 ({SHA})"


@pytest.mark.parametrize("kind", ["claim", "snapshot"])
def test_a_copy_from_another_namespace_is_another_source(prod, kind):
    """A plan compares sources by this line, and two namespaces may have claims of one name."""

    def shown(**named):
        disk = {"size": "1Gi", "from": {kind: {"name": "golden", **named}}}
        (claim,) = claims(parse(with_disk(prod, disk=disk)), "db")
        return disks.described(claim)

    assert shown() == shown(namespace="vms") == f"{kind} golden"
    assert shown(namespace="images") == f"{kind} golden of namespace images"
