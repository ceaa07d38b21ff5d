"""What machines get next, out of a state and a stack file; and that no secret is in it, in whatever form."""

import json
import string

import pytest
import yaml
from conftest import changed
from hypothesis import given, settings
from hypothesis import strategies as st

from core.machineconfig.differences import differences
from core.machineconfig.documents import patches
from core.machineconfig.merge import Merged, merge
from core.machineconfig.refusals import refusals
from core.model import parse
from operations.drift.changes import Change, as_json, compared, main, table


def state(platform, former=False, **named):
    """As an export with secrets in the clear has it, right after an `up`; former: as in release 0.1.0."""
    made = []
    for name, machine in platform.machines.items():
        beneath = "bedplate:talos:Talos" if former else "bedplate:talos:Talos$bedplate:talos:Machine"
        urn = f"urn:pulumi:prod::bedplate::{beneath}${{}}::talos-{{}}"
        config = {"node": str(machine.address), "configPatches": list(patches(platform, name))}
        wrapped = {"plaintext": json.dumps(platform.talos.kubernetes)}
        for kind, inputs, after in (
            ("bedplate-native:talos:MachineConfig", config, ""),
            ("bedplate-native:talos:Identity", {"versions": {"kubernetes": "v0.0.1"}}, ""),
            ("bedplate-native:talos:Settled", {"kubernetes": wrapped}, "-settled" if former else ""),
            ("bedplate-native:talos:Release", {"image": platform.installer}, ""),
        ):
            made.append(
                {
                    "type": kind,
                    "urn": urn.format(kind, name) + after,
                    "inputs": {**inputs, **named.get(kind.rpartition(":")[2], {})},
                }
            )
    return made


def look(raw, was):
    return {one.machine: one for one in compared(parse(raw), was)}


@pytest.mark.parametrize("former", [False, True])
def test_right_after_an_up_nothing_changes(prod, former):
    assert {one.state for one in look(prod, state(parse(prod), former)).values()} == {"same"}


@pytest.mark.parametrize("former", [False, True])
def test_a_machine_is_known_by_its_name_whatever_that_ends_in(prod, former):
    prod["machines"]["old-settled"] = prod["machines"].pop("wk-1")
    found = look(prod, state(parse(prod), former))
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(prod["machines"], "same")


def test_a_label_changes_one_machine_and_reboots_none(prod):
    found = look(changed(prod, {"machines.wk-1.labels": {"example.com/pool": "a"}}), state(parse(prod)))
    assert [name for name, one in found.items() if one.state != "same"] == ["wk-1"]
    one = found["wk-1"]
    assert (one.reboots, one.drained) == (False, False)
    assert ("machine.nodeLabels.example.com/pool", "(none)", "a", False) in [
        (d.path, d.before, d.after, d.reboots) for d in one.differences
    ]


def test_what_moves_is_there_and_says_whether_it_reboots(prod):
    found = look(changed(prod, {"talos.kubernetes": "v1.35.5"}), state(parse(prod)))
    for one in found.values():
        kubernetes = one.differences[0]
        assert (kubernetes.document, kubernetes.before, kubernetes.after, kubernetes.reboots) == (
            "Kubernetes",
            "v1.35.4",
            "v1.35.5",
            False,
        )
        assert one.drained and not one.reboots
    older = state(parse(prod), Release={"image": parse(prod).installer.replace("v1.14.2", "v1.14.1")})
    assert all(one.reboots and one.differences[0].document == "Talos" for one in look(prod, older).values())


def test_who_joins_and_who_leaves_is_named(prod):
    was = [one for one in state(parse(prod)) if not one["urn"].endswith("talos-wk-1")]
    moved = [{**one, "urn": one["urn"].replace("wk-2", "wk-9")} for one in was]
    found = look(prod, moved)
    assert (found["wk-1"].state, found["wk-2"].state, found["wk-9"].state) == ("joins", "joins", "leaves")


def test_a_config_that_was_not_taken_is_still_to_come(prod):
    """What counts is the config's own record, and not that of the gate before it."""
    was = [
        one for one in state(parse(prod)) if not (one["type"].endswith("MachineConfig") and one["urn"].endswith("wk-1"))
    ]
    assert look(prod, was)["wk-1"].state == "joins"


def test_the_json_has_the_documented_shape(prod):
    found = list(compared(parse(changed(prod, {"talos.kubernetes": "v1.35.5"})), state(parse(prod))))
    told = json.loads(as_json("prod", found))
    assert set(told) == {"version", "stack", "machines"} and (told["version"], told["stack"]) == (1, "prod")
    assert [set(one) for one in told["machines"]] == [
        {"machine", "address", "state", "reboots", "drained", "differences"}
    ] * 5
    assert set(told["machines"][0]["differences"][0]) == {"document", "path", "before", "after", "reboots"}
    assert table(found).splitlines()[1] == f"{'':8}Kubernetes: version: v1.35.4 -> v1.35.5"
    assert "drained, in its turn, no reboot" in table(found).splitlines()[0]


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
SECRETS = st.text(string.ascii_letters + string.digits + "+/=", min_size=12, max_size=60)


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=25, deadline=None)
@given(SECRETS, SECRETS)
def test_no_secret_is_in_it_wherever_it_stands(place, one, other):
    for before, after in (
        ([PLACES[place](one)], [PLACES[place](other)]),
        ([], [PLACES[place](other)]),
        ([PLACES[place](one)], []),
    ):
        found = Change("wk-1", "10.0.0.1", "changes", differences=differences(merge(before), merge(after)))
        for told in (as_json("prod", [found]), table([found])):
            assert one not in told and other not in told


def test_the_scan_finds_what_is_not_hidden():
    found = Change(
        "wk-1",
        "10.0.0.1",
        "changes",
        differences=differences(Merged(), merge([{"machine": {"nodeLabels": {"a": "canary-in-the-clear"}}}])),
    )
    assert "canary-in-the-clear" in as_json("prod", [found]) and "canary-in-the-clear" in table([found])


def test_a_patch_that_talos_refuses_is_named_before_anything_is_compared(prod, tmp_path, capsys):
    """Its machine would get no config, whatever is compared."""
    element = {"machine": {"files": [{"$patch": "delete"}]}}
    raw = changed(prod, {"talos.patches": [{"machine": {}}, element], "machines.wk-1.patches": [element]})
    assert [line.partition(" ")[0] for line in refusals(parse(raw))] == [
        "platform.talos.patches.1:",
        "platform.machines.wk-1.patches.0:",
    ]
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(yaml.safe_dump({"config": {"bedplate:platform": raw}}))
    assert main(["prod", "--file", str(file)]) == 2
    assert (
        "platform.talos.patches.1: deletes an element of a list, and Talos can't tell which" in capsys.readouterr().err
    )
