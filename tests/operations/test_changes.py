"""`changes`: what the next `up` changes on each machine, and that no secret is shown in any form."""

import json
import string

import pytest
import yaml
from conftest import changed
from hypothesis import given, settings
from hypothesis import strategies as st

from core.boot.arguments import installed
from core.machineconfig.base import base_texts
from core.machineconfig.differences import differences
from core.machineconfig.documents import patches
from core.machineconfig.merge import Merged, merge
from core.model import parse
from operations.drift.changes import as_json, compared, contract_refused, main
from operations.drift.pending import Change
from operations.drift.summary import table


def state(platform, former=False, **named):
    """An export with plain secrets, right after an `up`. former: with the types and names of release 0.1.0."""
    resources = []
    for name, machine in platform.machines.items():
        beneath = "bedplate:talos:Talos" if former else "bedplate:talos:Talos$bedplate:talos:Machine"
        urn = f"urn:pulumi:prod::bedplate::{beneath}${{}}::talos-{{}}"
        config = {"node": str(machine.address), "configPatches": list(patches(platform, name))}
        config |= {} if former else {"base": base_texts(platform, machine.role)}
        wrapped = {"plaintext": json.dumps(platform.talos.kubernetes)}
        for kind, inputs, after in (
            ("bedplate-native:talos:MachineConfig", config, ""),
            ("bedplate-native:talos:Identity", {"versions": {"kubernetes": "v0.0.1"}}, ""),
            ("bedplate-native:talos:Settled", {"kubernetes": wrapped}, "-settled" if former else ""),
            (
                "bedplate-native:talos:Release",
                {"image": platform.installer_of(name), "kernelArguments": installed(platform, name)},
                "",
            ),
        ):
            resources.append(
                {
                    "type": kind,
                    "urn": urn.format(kind, name) + after,
                    "inputs": {**inputs, **named.get(kind.rpartition(":")[2], {})},
                }
            )
    return resources


def look(raw, was):
    return {one.machine: one for one in compared(parse(raw), was)}


@pytest.mark.parametrize("former", [False, True])
def test_right_after_an_up_there_are_no_changes(prod, former):
    assert {one.state for one in look(prod, state(parse(prod), former)).values()} == {"same"}


@pytest.mark.parametrize("former", [False, True])
def test_a_machine_is_found_by_its_name_whatever_suffix_it_has(prod, former):
    prod["machines"]["old-settled"] = prod["machines"].pop("wk-1")
    changes = look(prod, state(parse(prod), former))
    assert {name: one.state for name, one in changes.items()} == dict.fromkeys(prod["machines"], "same")


@pytest.mark.parametrize(("contract", "following"), [("v1.12", "v1.13"), ("v1.13", "v1.14")])
def test_another_contract_is_told_by_field_and_shows_no_secret(prod, contract, following):
    prod["talos"]["contract"] = contract
    was = state(parse(prod))
    prod["talos"]["contract"] = following
    changes = look(prod, was)
    told = {f"{d.document} {d.path}".strip() for d in changes["wk-1"].differences}
    if following == "v1.14":
        assert {"KubeletConfig the document", "machine.kubelet.image", "UnattendedInstallConfig the document"} <= told
        assert changes["wk-1"].reboots and changes["wk-1"].drained
        assert not [field for field in told if "ncryption" in field and "VolumeConfig" not in field]
    else:
        # The generator of v1.13 leaves out one empty field, which Talos takes in place.
        assert told == {"machine.network"} or told == set()
        assert not changes["wk-1"].reboots


def guard(contract):
    """The guard's record of the contract of the last update."""
    token = "bedplate-native:talos:Guard"
    return {"type": token, "urn": f"urn:pulumi:prod::bedplate::{token}::talos-guard", "inputs": {"contract": contract}}


def raised(raw, contract, following):
    """What changes when a platform of one contract gets another."""
    was = state(parse(changed(raw, {"talos.contract": contract})))
    return look(changed(raw, {"talos.contract": following}), was)


@pytest.mark.parametrize("contract", ["v1.12", "v1.13"])
@pytest.mark.parametrize(
    ("stack", "machine", "listed", "moved"),
    [("prod", "cp-1", 57, 56), ("prod", "wk-1", 29, 26), ("dev", "cp-1", 56, 54)],
)
def test_values_that_only_move_to_a_document_are_one_line_for_each_field(
    request, contract, stack, machine, listed, moved
):
    change = raised(request.getfixturevalue(stack), contract, "v1.14")[machine]
    summary, *lines = [line.strip() for line in table([change]).splitlines()]
    told = [line.partition("; ")[0] for line in lines if not line.startswith("in effect: ")]
    assert len(told) == listed + (contract == "v1.12"), "contract v1.13 leaves out one empty field"
    assert f" {moved} values move unchanged; REBOOTS" in summary
    assert "machine.kubelet -> KubeletConfig: 12 values move unchanged" in told
    assert "machine.kubelet -> KubeNodeConfig: 1 value moves unchanged" in told
    assert "machine.files -> CRICustomizationConfig bedplate: 1 value moves unchanged (reboots)" in told
    assert not [line for line in told if line.startswith(("KubeletConfig", "machine.kubelet.extraConfig"))]
    # What appears or vanishes is still a line of its own.
    assert "machine.features.rbac: true -> (none) (reboots)" in told
    assert "SecurityProfileConfig: workloadIsolation: (none) -> false" in told
    # No release from v1.12 on reads the first, and the second is what Talos does without the document.
    for field in ("machine.features.rbac: true -> (none) (reboots)", "SecurityProfileConfig: workloadIsolation"):
        assert [line.endswith("; no effect") for line in lines if line.startswith(field)] == [True]
    # What a patch deletes of the base, and the base before had not, is no line.
    assert not [line for line in told if "(as generated)" in line]


def test_a_value_that_changes_while_its_field_moves_is_listed(prod):
    was = state(parse(changed(prod, {"talos.contract": "v1.13"})))
    after = {"talos.contract": "v1.14", "talos.reserved": {"cpu": "75m", "memory": "384Mi"}}
    told = table([look(changed(prod, after), was)["wk-1"]])
    assert "KubeletConfig: config.systemReserved.cpu: (none) -> 75m; set by platform.talos.reserved" in told
    assert "machine.kubelet.extraConfig.systemReserved.cpu: 50m -> (none)" in told
    assert "in effect: kubelet systemReserved.cpu: 50m -> 75m; set by platform.talos.reserved" in told
    assert "machine.kubelet -> KubeletConfig: 11 values move unchanged" in told


def test_the_json_has_each_difference_and_marks_those_that_move(prod):
    changes = raised(prod, "v1.13", "v1.14")
    [machine] = json.loads(as_json("prod", [changes["cp-1"]]))["machines"]
    assert len(machine["differences"]) == len(changes["cp-1"].differences) > 150
    moved = {f"{d['document']} {d['path']}".strip(): d["moved"] for d in machine["differences"] if d["moved"]}
    assert moved["machine.kubelet.image"] == "KubeletConfig: image"
    assert moved["KubeletConfig image"] == "machine.kubelet.image"
    assert moved["cluster.apiServer.admissionControl"] == "KubeAdmissionControlConfig PodSecurity"
    assert "machine.features.rbac" not in moved


@pytest.mark.parametrize(
    ("was", "now", "first"),
    [("v1.12", "v1.14", "v1.13"), ("v1.12", "v1.13", None), ("v1.13", "v1.14", None), ("v1.14", "v1.14", None)],
)
def test_a_contract_that_is_skipped_is_named_with_what_to_write_first(prod, was, now, first):
    platform = parse(changed(prod, {"talos.contract": now}))
    refused = contract_refused(platform, [guard(was)])
    assert refused == (
        f"talos.contract goes from {was} to {now} and skips {first}; a change of contract is tested from the one "
        f"before; write {first}, run up, then write {now}"
        if first
        else ""
    )
    assert json.loads(as_json("prod", [], refused))["refused"] == refused
    assert table([], refused).startswith("The plan refuses this: talos.contract goes") is bool(first)


def test_the_command_names_a_skipped_contract_before_the_changes(prod, tmp_path, capsys, monkeypatch):
    was = [guard("v1.12"), *state(parse(changed(prod, {"talos.contract": "v1.12"})))]
    monkeypatch.setattr("operations.drift.changes.exported_resources", lambda _: was)
    monkeypatch.setattr("clients.judge.refusals", lambda *_: [])
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(yaml.safe_dump({"config": {"bedplate:platform": changed(prod, {"talos.contract": "v1.14"})}}))
    assert main(["prod", "--file", str(file)]) == 7
    first, empty, machine, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("The plan refuses this: talos.contract goes from v1.12 to v1.14 and skips v1.13")
    assert empty == "" and machine.startswith("cp-1 ")
    assert main(["prod", "--file", str(file), "--json"]) == 7
    assert "write v1.13, run up" in json.loads(capsys.readouterr().out)["refused"]


def test_a_state_without_a_guard_says_nothing_of_its_contract(prod):
    assert contract_refused(parse(prod), state(parse(prod))) == ""


def test_a_label_changes_one_machine_and_reboots_none(prod):
    changes = look(changed(prod, {"machines.wk-1.labels": {"example.com/pool": "a"}}), state(parse(prod)))
    assert [name for name, one in changes.items() if one.state != "same"] == ["wk-1"]
    one = changes["wk-1"]
    assert (one.reboots, one.drained) == (False, False)
    assert ("machine.nodeLabels.example.com/pool", "(none)", "a", False) in [
        (d.path, d.before, d.after, d.reboots) for d in one.differences
    ]


def test_each_change_is_listed_with_whether_it_reboots(prod):
    changes = look(changed(prod, {"talos.kubernetes": "v1.35.5"}), state(parse(prod)))
    for one in changes.values():
        kubernetes = one.differences[0]
        assert (kubernetes.document, kubernetes.before, kubernetes.after, kubernetes.reboots) == (
            "Kubernetes",
            "v1.35.4",
            "v1.35.5",
            False,
        )
        assert one.drained and not one.reboots
    older = state(parse(prod), Release={"image": parse(prod).installer_of("cp-1").replace("v1.14.2", "v1.14.1")})
    assert all(one.reboots and one.differences[0].document == "Talos" for one in look(prod, older).values())


def test_machines_that_join_or_leave_are_named(prod):
    was = [one for one in state(parse(prod)) if not one["urn"].endswith("talos-wk-1")]
    moved = [{**one, "urn": one["urn"].replace("wk-2", "wk-9")} for one in was]
    changes = look(prod, moved)
    assert (changes["wk-1"].state, changes["wk-2"].state, changes["wk-9"].state) == ("joins", "joins", "leaves")


def test_a_config_that_was_not_applied_is_still_a_change(prod):
    """The state of the config counts, not the state of the gate before it."""
    was = [
        one for one in state(parse(prod)) if not (one["type"].endswith("MachineConfig") and one["urn"].endswith("wk-1"))
    ]
    assert look(prod, was)["wk-1"].state == "joins"


def test_the_json_has_the_documented_shape(prod):
    changes = list(compared(parse(changed(prod, {"talos.kubernetes": "v1.35.5"})), state(parse(prod))))
    report = json.loads(as_json("prod", changes))
    assert set(report) == {"version", "stack", "refused", "machines", "vms", "drains"}
    assert (report["version"], report["stack"]) == (1, "prod")
    assert [set(one) for one in report["machines"]] == [
        {"machine", "address", "state", "reboots", "drained", "differences", "effects"}
    ] * 5
    fields = {"document", "path", "before", "after", "reboots", "moved", "effect", "origin"}
    assert set(report["machines"][0]["differences"][0]) == fields
    first = table(changes).splitlines()[1].strip()
    assert first == "Kubernetes: version: v1.35.4 -> v1.35.5; set by platform.talos.kubernetes"
    assert "drained, in its turn, no reboot" in table(changes).splitlines()[0]


PLACES = {
    "registry password": lambda s: {
        "machine": {"registries": {"config": {"h": {"auth": {"username": "u", "password": s}}}}}
    },
    "registry auth": lambda s: {
        "machine": {"registries": {"config": {"h": {"auth": {"auth": s, "identityToken": s}}}}}
    },
    "registry document": lambda s: {"kind": "RegistryAuthConfig", "name": "h", "password": s},
    "wireguard": lambda s: {
        "kind": "WireguardConfig",
        "name": "wg0",
        "privateKey": s,
        "peers": [{"presharedKey": s, "endpoint": "a:1"}],
    },
    "old wireguard": lambda s: {
        "machine": {
            "network": {
                "interfaces": [{"interface": "wg0", "wireguard": {"privateKey": s, "peers": [{"presharedKey": s}]}}]
            }
        }
    },
    "etcd's key": lambda s: {"cluster": {"etcd": {"ca": {"crt": "c", "key": s}}}},
    "a PEM": lambda s: {
        "machine": {
            "kubelet": {"extraArgs": {"x": f"-----BEGIN {'PRIVATE'} KEY-----\n{s}\n-----END {'PRIVATE'} KEY-----"}}
        }
    },
    "tokens": lambda s: {
        "machine": {"token": s},
        "cluster": {"token": s, "secret": s, "aescbcEncryptionSecret": s, "secretboxEncryptionSecret": s},
    },
    "a file": lambda s: {"machine": {"files": [{"path": "/a", "content": s, "permissions": 384, "op": "create"}]}},
    "an environment": lambda s: {"machine": {"env": {"http_proxy": f"http://u:{s}@proxy"}}},
    "an address": lambda s: {"machine": {"registries": {"mirrors": {"h": {"endpoints": [f"https://u:{s}@mirror"]}}}}},
    "an argument": lambda s: {"cluster": {"apiServer": {"extraArgs": {"oidc-client-secret": s}}}},
    "a disk's key": lambda s: {
        "kind": "VolumeConfig",
        "name": "STATE",
        "encryption": {"keys": [{"slot": 0, "static": {"passphrase": s}}]},
    },
}
# No name of a field or a kind has a plus sign.
SECRETS = st.text(string.ascii_letters + string.digits + "+/=", min_size=12, max_size=60).map(lambda text: f"{text}+")


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=25, deadline=None)
@given(SECRETS, SECRETS)
def test_no_secret_is_shown_in_any_field(place, one, other):
    for before, after in (
        ([PLACES[place](one)], [PLACES[place](other)]),
        ([], [PLACES[place](other)]),
        ([PLACES[place](one)], []),
    ):
        change = Change("wk-1", "10.0.0.1", "changes", differences=differences(merge(before), merge(after)))
        for output in (as_json("prod", [change]), table([change])):
            assert one not in output and other not in output


def test_the_scan_for_secrets_finds_one_that_is_shown():
    change = Change(
        "wk-1",
        "10.0.0.1",
        "changes",
        differences=differences(Merged(), merge([{"machine": {"nodeLabels": {"a": "canary-in-the-clear"}}}])),
    )
    assert "canary-in-the-clear" in as_json("prod", [change]) and "canary-in-the-clear" in table([change])


def test_a_patch_that_talos_refuses_is_reported_before_the_comparison(prod, tmp_path, capsys):
    """The machine would get no config, so a comparison would be wrong."""
    element = {"machine": {"files": [{"$patch": "delete"}]}}
    raw = changed(prod, {"talos.patches": [{"machine": {}}, element], "machines.wk-1.patches": [element]})
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(yaml.safe_dump({"config": {"bedplate:platform": raw}}))
    assert main(["prod", "--file", str(file)]) == 2
    assert (
        "platform.talos.patches.1: deletes an element of a list, and Talos can't tell which" in capsys.readouterr().err
    )
