"""The identity gate: what speaks against a machine, and a real gRPC server over TLS that tells its hardware."""

import asyncio
import json
from dataclasses import replace

import grpc
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from clients import talos
from clients.talos import Hardware
from core.facts import hardware
from provider import framework
from provider.identity import PAIRED, judge, matches
from provider.resources import RESOURCES
from provider.resources import identity as gate
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, stream

GATE = RESOURCES["bedplate-native:talos:Identity"]
DISK = {
    "name": "sda",
    "size": 480103981056,
    "serial": "S4EWNX0R",
    "wwid": "naa.5002538",
    "model": "SAMSUNG MZ7LH480",
    "transport": "sata",
}
FOUND = Hardware(
    uuid="4c4c4544-0042-3510-8052-b4c04f564433",
    serial="CZJ2340ABC",
    macs=("52:54:00:aa:00:01",),
    disks=(DISK,),
    memory_mib=65536,
    threads=32,
    platform="metal",
)
DECLARED = {
    "uuid": FOUND.uuid,
    "serial": FOUND.serial,
    "mac": FOUND.macs[0],
    "disk": {"serial": "S4EWNX0R"},
    "memoryMib": 65536,
    "threads": 32,
}


def test_the_declared_machine_passes():
    assert judge(DECLARED, FOUND) == judge({}, FOUND)


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        (
            {"uuid": "4c4c4544-0042-3510-8052-b4c04f564434"},
            "its uuid is 4c4c4544-0042-3510-8052-b4c04f564433, and 4c4c4544-0042-3510-8052-b4c04f564434 is declared",
        ),
        ({"serial": "CZJ9"}, "its serial is CZJ2340ABC, and CZJ9 is declared"),
        ({"mac": "52:54:00:aa:00:02"}, "its MAC addresses are 52:54:00:aa:00:01, and 52:54:00:aa:00:02 is declared"),
        ({"memoryMib": 131072}, "it has 64 GiB of memory, and at least 128 GiB of memory are declared"),
        ({"threads": 64}, "it has 32 hardware threads, and at least 64 hardware threads are declared"),
    ],
)
def test_another_machine_is_told_with_both_values(declared, wrong):
    assert judge({**DECLARED, **declared}, FOUND).wrong == [wrong]


def test_all_faults_are_told_at_once():
    assert len(judge({**DECLARED, "uuid": "0" * 36, "serial": "x", "mac": "y"}, FOUND).wrong) == 3


def test_a_disk_that_is_not_there_is_told_with_those_that_are():
    said = judge({"disk": {"serial": "OTHER"}}, FOUND)
    assert said.missing == [
        "no disk matches the install disk (serial OTHER); it has sda (480 GB, serial S4EWNX0R, wwid naa.5002538, model"
        " SAMSUNG MZ7LH480)"
    ]


def test_a_disk_must_be_the_only_one():
    twins = replace(FOUND, disks=(DISK, {**DISK, "name": "sdb", "serial": "S4EWNX0S"}))
    assert judge({"disk": {"model": "SAMSUNG*", "size": ">= 400GB"}}, twins).wrong == [
        "sda (480 GB, serial S4EWNX0R, wwid naa.5002538, model SAMSUNG MZ7LH480) and "
        "sdb (480 GB, serial S4EWNX0S, wwid naa.5002538, model SAMSUNG MZ7LH480) all match the install disk "
        "(model SAMSUNG*, size >= 400GB), and exactly one must"
    ]


@pytest.mark.parametrize("kind", ["", "cdrom", "readonly"])
def test_what_nobody_installs_on_is_no_disk(kind):
    other = {**DISK, "name": "sr0", **({kind: True} if kind else {"transport": ""})}
    assert judge({"disk": {"model": "SAMSUNG*"}}, replace(FOUND, disks=(DISK, other))).wrong == []


@given(size=st.integers(1, 10**14), number=st.integers(1, 10**5), unit=st.sampled_from(["GB", "TB", "GiB", "TiB"]))
def test_sizes_are_compared_as_written(size, number, unit):
    disk = {**DISK, "size": size}
    told = {op: matches({"size": f"{op} {number}{unit}".strip()}, disk) for op in ("<", "<=", "==", ">=", ">", "")}
    assert told["<"] != told[">="] and told[">"] != told["<="] and told["=="] == told[""] == (told["<="] and told[">="])


@pytest.mark.parametrize(
    ("disk", "kind"),
    [({"transport": "nvme"}, "nvme"), ({"transport": "mmc"}, "sd"), ({"rotational": True}, "hdd"), ({}, "ssd")],
)
def test_the_kind_of_a_disk(disk, kind):
    assert [k for k in ("ssd", "hdd", "nvme", "sd") if matches({"type": k}, {**DISK, **disk})] == [kind]


def listed(found, request, context):
    """The answers of a machine with this hardware to a request for resources."""
    told = {
        "SystemInformations.hardware.talos.dev": {
            "systeminformation": {"uuid": found.uuid, "serialnumber": found.serial}
        },
        "MemoryModules.hardware.talos.dev": {f"DIMM-{n}": {"sizeMiB": found.memory_mib // 2} for n in range(2)},
        "Processors.hardware.talos.dev": {"CPU-1": {"coreCount": found.threads // 2, "threadCount": found.threads}},
        "LinkStatuses.net.talos.dev": (
            {f"eth{n}": {"hardwareAddr": mac, "permanentAddr": mac} for n, mac in enumerate(found.macs)}
            | {"lo": {"hardwareAddr": "00:00:00:00:00:00"}}
        ),
        "Disks.block.talos.dev": {d["name"]: {k: v for k, v in d.items() if k != "name"} for d in found.disks},
        "PlatformMetadatas.talos.dev": {"platformmetadata": {"platform": found.platform}},
        "SecurityStates.talos.dev": (
            None if found.secure_boot is None else {"securitystate": {"secureBoot": found.secure_boot}}
        ),
    }.get(request.type)
    if told is None:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not supported")
    for name, spec in told.items():
        answer = talos.MESSAGES["ListResponse"]()
        answer.resource.metadata.id, answer.resource.spec.yaml_spec = name, yaml.safe_dump(spec)
        yield answer


class Machine(TalosServer):
    """A Talos API that tells hardware: in maintenance mode to everybody, configured to the platform's client alone."""

    def __init__(self, found, configured=False):
        self.asked, self.found = 0, found
        super().__init__(
            Pki(),
            {"cosi.resource.State": {"List": stream(self.list, "ListRequest", "ListResponse")}},
            anonymous=not configured,
        )

    def list(self, request, context):
        self.asked += 1
        yield from listed(self.found, request, context)


@pytest.fixture
def machine():
    made = []

    def start(found=FOUND, **how):
        made.append(Machine(found, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def inputs(at, pki=None, **more):
    return {
        "machine": "cp-1",
        "node": at.address,
        "clientConfiguration": at.client(pki),
        "declared": DECLARED,
        "generation": 1,
        "documents": ["{}"],
        "timeoutSeconds": 3.0,
        **more,
    }


def create(at, **more):
    return asyncio.run(GATE.create(inputs(at, **more), lambda text: None))


def update(at, before, **more):
    return asyncio.run(GATE.update("cp-1", {**inputs(at), **before}, inputs(at, **more), lambda text: None))


def test_a_machine_in_maintenance_mode_is_read_whole(machine):
    identity, outputs = create(machine())
    assert identity == "cp-1"
    assert outputs["found"] == {
        "uuid": FOUND.uuid,
        "serial": FOUND.serial,
        "macs": list(FOUND.macs),
        "memoryMib": 65536,
        "threads": 32,
        "platform": "metal",
        "disks": [{k: v for k, v in DISK.items() if k != "transport"}],
    }


def test_a_machine_that_has_its_config_is_asked_with_the_platforms_certificate(machine):
    assert create(machine(configured=True))[1]["found"]["uuid"] == FOUND.uuid


def test_another_platforms_machine_does_not_pass(machine):
    with pytest.raises(framework.UserError, match=r"cp-1: the Talos API at .* did not answer within 3 s"):
        create(machine(configured=True), pki=Pki())


SWAPPED_UUID = "44454c4c-4200-1035-8052-b4c04f564433"


def test_a_machine_that_tells_the_declared_identity_in_another_spelling_passes_and_is_recorded(machine):
    """The UUID in the other byte order, and the service tag where the board's serial number is declared."""
    at, said = machine(replace(FOUND, uuid=SWAPPED_UUID)), []
    declared = {**DECLARED, "serial": "CNIVC0012300A1"}
    given = inputs(at, declared=declared, serials=["CNIVC0012300A1", FOUND.serial])
    outputs = asyncio.run(GATE.create(given, said.append))[1]
    assert outputs["matched"] == {"uuid": hardware.SWAPPED, "serial": PAIRED}
    assert said == [
        f"is the declared machine: it reports the declared uuid {hardware.SWAPPED}",
        f"is the declared machine: it reports the declared serial {PAIRED}",
    ]
    with pytest.raises(framework.UserError, match="its serial is CZJ2340ABC, and CNIVC0012300A1 is declared"):
        create(at, declared=declared)


def test_another_spelling_than_in_an_earlier_update_is_noticed(machine):
    at, said = machine(replace(FOUND, uuid=SWAPPED_UUID), configured=True), []
    before = {"matched": {"uuid": hardware.AS_DECLARED}, "found": {"uuid": FOUND.uuid, "serial": FOUND.serial}}
    state = {**inputs(at), **before}
    outputs = asyncio.run(GATE.update("cp-1", state, inputs(at), said.append))
    assert outputs["matched"]["uuid"] == hardware.SWAPPED
    assert said[0] == (
        f"reports its uuid {hardware.SWAPPED}, and {hardware.AS_DECLARED} in an earlier update; its other identities "
        "are the same"
    )
    state["found"] = {"uuid": FOUND.uuid, "serial": "CZJ9", "macs": ["52:54:00:aa:00:09"]}
    with pytest.raises(framework.UserError) as refused:
        asyncio.run(GATE.update("cp-1", state, inputs(at), said.append))
    assert str(refused.value) == (
        f"cp-1: the machine at {at.address} reports its uuid {hardware.SWAPPED}, and {hardware.AS_DECLARED} in an "
        "earlier update; nothing else proves that it is the same machine, and another one would be erased; look at the "
        f"machine, and if it is the same, write uuid: {SWAPPED_UUID}"
    )


def test_another_machine_is_refused_at_once_and_gets_nothing(machine):
    at = machine(replace(FOUND, serial="SWAPPED"))
    with pytest.raises(framework.UserError) as failed:
        create(at, timeoutSeconds=600.0)
    assert (
        str(failed.value)
        == f"cp-1: the machine at {at.address} is not the declared machine: its serial is SWAPPED, and CZJ2340ABC is"
        " declared; the config would erase another machine's disk, so nothing was sent; correct its address, its"
        " cables or its declaration"
    )


def test_disks_may_turn_up_late_but_not_never(machine, monkeypatch):
    at = machine(replace(FOUND, disks=()))
    monkeypatch.setattr(gate, "SETTLE_SECONDS", 1.0)
    with pytest.raises(framework.UserError, match=r"no disk matches the install disk \(serial S4EWNX0R\); it has none"):
        create(at, timeoutSeconds=600.0)
    assert at.asked > len(talos.calls.READ), "asked once more"


SIGNED = {**DECLARED, "secureBoot": True}


def refusal(at, **more):
    with pytest.raises(framework.UserError) as refused:
        create(at, declared=SIGNED, **more)
    return str(refused.value)


def test_a_machine_with_secureboot_on_passes_and_the_state_says_so(machine):
    at = machine(replace(FOUND, secure_boot=True))
    assert create(at, declared=SIGNED)[1]["found"]["secureBoot"] is True


def test_a_machine_with_secureboot_off_is_refused_at_once(machine):
    at = machine(replace(FOUND, secure_boot=False))
    assert refusal(at, timeoutSeconds=600.0) == (
        f"cp-1: the machine at {at.address} runs with SecureBoot off or in setup mode, and its schematic has "
        "secureboot: true; its disk keys would be sealed to an unverified boot or to none, so nothing was sent; enroll "
        "the factory's keys and turn SecureBoot on in its firmware's menu (docs/runbooks/secureboot.md), boot it from "
        "a signed image, then run up again"
    )
    assert create(at)[1]["found"]["secureBoot"] is False, "nobody declared it"


def test_so_is_a_machine_that_had_its_config_with_secureboot(machine):
    at = machine(replace(FOUND, secure_boot=False), configured=True)
    with pytest.raises(framework.UserError, match="SecureBoot off or in setup mode"):
        update(at, {"fingerprint": ""}, declared=SIGNED, documents=["{}", "{}"])


def test_another_machine_with_secureboot_off_is_told_as_another_machine(machine):
    assert "its serial is OTHER" in refusal(machine(replace(FOUND, serial="OTHER", secure_boot=False)))


def test_a_talos_that_does_not_know_secureboot_is_refused_once_it_had_the_time_to_tell(machine, monkeypatch):
    at = machine()
    assert "(last: it does not report yet whether SecureBoot is on)" in refusal(at, timeoutSeconds=1.0)
    monkeypatch.setattr(gate, "SETTLE_SECONDS", 1.0)
    said = refusal(at, timeoutSeconds=600.0)
    assert "does not report whether SecureBoot is on (it has no resource SecurityStates.talos.dev" in said


def test_a_rehearsals_container_has_no_firmware(machine, monkeypatch):
    monkeypatch.setenv(gate.REHEARSAL, "1")
    assert create(machine(replace(CONTAINER, secure_boot=False)), declared=SIGNED)[0] == "cp-1"


CONTAINER = Hardware("", "", ("52:54:00:10:05:11",), (), 0, 0, "container")


def test_a_machine_that_is_a_container_has_nothing_to_compare_in_a_rehearsal(machine, monkeypatch):
    monkeypatch.setenv(gate.REHEARSAL, "1")
    at = machine(CONTAINER)
    said = []
    asyncio.run(GATE.create(inputs(at), said.append))
    assert said == ["runs in a container: it has no hardware that could be compared with the declaration"]


def test_nobody_else_gets_past_the_gate_as_a_container(machine):
    at = machine(CONTAINER)
    with pytest.raises(framework.UserError, match=r"is not the declared machine: its MAC addresses are 52:54:00:10:05"):
        create(at)


def test_one_that_is_down_fails_by_name_within_its_deadline(machine, monkeypatch):
    at = machine()
    at.server.stop(0)
    monkeypatch.setattr(gate, "RECONFIGURE_SECONDS", 2.0)
    with pytest.raises(framework.UserError) as failed:
        update(at, {"documents": ['{"debug": true}']}, timeoutSeconds=600.0)
    assert str(failed.value).startswith(f"cp-1: the Talos API at {at.address} did not answer within 2 s (last: ")
    assert str(failed.value).endswith("get machinestatus; then run up again")


def test_a_raised_generation_wants_a_machine_with_no_config(machine):
    at = machine(configured=True)
    with pytest.raises(framework.UserError, match="it runs on its old config: it has not booted from the network"):
        update(at, {}, generation=2)
    fresh = machine()
    assert update(fresh, {}, generation=2)["found"]["uuid"] == FOUND.uuid


def test_a_stranger_in_the_place_of_a_configured_machine_is_named_at_once(machine):
    """It has the right hardware, and asks for no certificate."""
    at = machine()
    with pytest.raises(framework.UserError) as failed:
        update(at, {"fingerprint": ""}, timeoutSeconds=600.0)
    assert str(failed.value) == (
        f"cp-1: the server at {at.address} asks for no certificate, although cp-1 has had its config; it is "
        "another machine, or has lost its config; a config holds the cluster's keys, so nothing was sent; look at "
        "the machine and its network; to install it again, raise its install.generation, then run up again"
    )


def test_so_is_one_at_a_new_address_and_one_of_a_state_that_recorded_no_certificate(machine):
    for before in ({"node": "10.0.0.9", "fingerprint": ""}, {}):
        with pytest.raises(framework.UserError, match="asks for no certificate"):
            update(machine(), before)


def test_the_certificate_of_a_machine_without_a_config_is_recorded(machine):
    fresh, configured = machine(), machine(configured=True)
    served = x509.load_pem_x509_certificate(fresh.certificate.encode()).fingerprint(hashes.SHA256()).hex()
    assert create(fresh)[1]["fingerprint"] == update(fresh, {}, generation=2)["fingerprint"] == served
    assert create(configured)[1]["fingerprint"] == update(configured, {"fingerprint": served})["fingerprint"] == ""


def test_one_that_was_identified_without_a_config_may_not_have_got_it_yet(machine):
    """Its config failed, and the stack file was corrected."""
    at = machine()
    recorded = create(at)[1]["fingerprint"]
    assert update(at, {"fingerprint": recorded}, documents=["{}", "{}"])["fingerprint"] == recorded


def test_no_input_is_shown_that_is_a_secret():
    wrong = GATE.check(
        {
            "machine": "",
            "node": None,
            "clientConfiguration": {"clientKey": "sekret"},
            "timeoutSeconds": 0,
            "declared": [],
        }
    )
    assert {error.property for error in wrong} >= {
        "timeoutSeconds",
        "clientConfiguration",
        "machine",
        "node",
        "declared",
    }
    assert "sekret" not in repr(wrong)


def described(before, after):
    documents = [json.dumps(each) for each in (before, after)]
    return GATE.describe_change(
        {"machine": "cp-1", "documents": [documents[1]]}, {"machine": "cp-1", "documents": [documents[0]]}
    )


def test_a_plan_says_in_words_what_a_machine_gets():
    before, after = {"machine": {"nodeLabels": {"a": "x"}}}, {"machine": {"nodeLabels": {"a": "y"}}}
    assert described(before, after) == "cp-1 takes, with no reboot, another config:\n    machine.nodeLabels.a: x -> y"
    assert (
        described({}, {"machine": {"udev": {"rules": ["r"]}}})
        == 'cp-1 REBOOTS to take another config:\n    machine.udev.rules: (none) -> ["r"] (reboots)'
    )
    assert (
        described(after, after) is None and GATE.describe_change({"machine": "cp-1", "documents": ["{}"]}, None) is None
    )


def test_no_secret_of_a_patch_is_in_those_words():
    said = described(
        {},
        {
            "machine": {
                "registries": {"config": {"r": {"auth": {"username": "u", "password": "hunter2"}}}},
                "token": "hunter2",
            }
        },
    )
    assert "hunter2" not in said and "(secret)" in said
