"""What `changes` says that a change comes to: in effect, by what, and for which machines."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import Platform, parse
from operations.drift.changes import as_json, compared
from operations.drift.pending import Change
from operations.drift.summary import table
from tests.conftest import changed, stack_platform
from tests.effective.platforms import DELETE, document, patched
from tests.operations.test_changes import state

GOLDEN = Path(__file__).parent / "golden"
CONTRACTS = ("v1.12", "v1.13", "v1.14")
Patch = dict[str, Any]


def kubelet(contract: str, **config: Any) -> Patch:
    """A patch with settings of the kubelet."""
    if contract == "v1.14":
        return document("KubeletConfig", config=config)
    return {"machine": {"kubelet": {"extraConfig": config}}}


def api(contract: str, **flags: Any) -> Patch:
    """A patch with flags of the API server."""
    named = {name.replace("_", "-"): value for name, value in flags.items()}
    if contract == "v1.14":
        return document("KubeAPIServerConfig", extraArgs=named)
    return {"cluster": {"apiServer": {"extraArgs": named}}}


def sysctls(contract: str, **values: Any) -> Patch:
    """A patch with kernel parameters, whose dots are underscores here."""
    named = {name.replace("__", "/").replace("_", "."): value for name, value in values.items()}
    return document("SysctlConfig", params=named) if contract == "v1.14" else {"machine": {"sysctls": named}}


def looked(before: Platform, after: Platform) -> dict[str, Change]:
    return {each.machine: each for each in compared(after, state(before))}


def effects(change: Change) -> dict[str, tuple[str, str, str]]:
    return {each.what: (each.before, each.after, each.origin) for each in change.effects}


SPELLINGS = {
    "a default of the kubelet's": lambda c: ([], [kubelet(c, failSwapOn=False)]),
    "another default of the kubelet's": lambda c: ([], [kubelet(c, tlsMinVersion="VersionTLS13")]),
    "a duration of the kubelet's": lambda c: ([], [kubelet(c, streamingConnectionIdleTimeout="300s")]),
    "a flag that Talos sets alike": lambda c: ([], [api(c, audit_log_maxage="30")]),
    "a flag as a list": lambda c: ([api(c, v="2")], [api(c, v=["2"])]),
    "true without quotes": lambda c: ([api(c, profiling="false")], [api(c, profiling=False)]),
    "a plugin that Talos adds anyway": lambda c: (
        [api(c, enable_admission_plugins="NodeRestriction,AlwaysPullImages")],
        [api(c, enable_admission_plugins="AlwaysPullImages")],
    ),
    "a kernel parameter with slashes": lambda c: ([sysctls(c, vm_swappiness="1")], [sysctls(c, vm__swappiness="1")]),
    "a delete of what is not there": lambda c: ([], [document("OOMConfig", **DELETE)]),
    "time that is on anyway": lambda c: (
        [document("TimeSyncConfig", bootTimeout="2m0s")],
        [document("TimeSyncConfig", bootTimeout="120s")],
    ),
}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("one", SPELLINGS)
def test_another_spelling_is_said_to_have_no_effect(one, contract):
    for before, after in (SPELLINGS[one](contract), SPELLINGS[one](contract)[::-1]):
        changes = looked(patched(*before, contract=contract), patched(*after, contract=contract))
        for change in changes.values():
            # The API server's flags reach no worker, and a delete alone changes no config.
            assert change.state == "changes" or change.machine.startswith("wk") or "delete" in one
            assert [str(each) for each in change.differences if each.effect] == [] and change.effects == []
            shown = table([change])
            assert change.state == "same" or ("changes without effect; " in shown and shown.endswith("; no effect"))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_an_effect_has_its_old_and_new_value_and_the_patch_that_sets_it(contract):
    after = patched(sysctls(contract, vm_swappiness="1"), api(contract, audit_log_maxage="60"), contract=contract)
    change = looked(patched(contract=contract), after)["cp-1"]
    assert effects(change) == {"kube-apiserver --audit-log-maxage": ("30", "60", "platform.talos.patches[1]")}
    [swappiness] = [each for each in change.differences if each.path.endswith("vm.swappiness")]
    assert (swappiness.effect, swappiness.origin) == (True, "platform.talos.patches[0]")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_flag_that_a_patch_sets_no_longer_goes_back_to_its_default(contract):
    change = looked(patched(api(contract, audit_log_maxage="60"), contract=contract), patched(contract=contract))[
        "cp-1"
    ]
    default = "the default of Talos v1.14.2"
    assert effects(change) == {"kube-apiserver --audit-log-maxage": ("60", "30", default)}
    assert "--audit-log-maxage: 60 -> 30; the default of Talos v1.14.2" in table([change])


def test_what_talos_makes_of_a_field_names_what_sets_the_field(prod):
    change = looked(parse(prod), parse(changed(prod, {"network.services": "10.99.0.0/16"})))["cp-1"]
    key = "platform.network.services"
    assert effects(change)["kubelet clusterDNS"] == ('["10.96.0.10"]', '["10.99.0.10"]', key)
    assert effects(change)["kube-apiserver --service-cluster-ip-range"][2] == key


def test_another_release_of_talos_lists_the_defaults_that_move_with_it(prod):
    before = parse(changed(prod, {"talos.version": "v1.13.3"}))
    machines = looked(before, parse(prod))
    default = "the default of Talos v1.14.2"
    plane, worker = effects(machines["cp-1"]), effects(machines["wk-1"])
    assert plane["kube-apiserver --tls-min-version"] == ("VersionTLS12", "VersionTLS13", default)
    assert plane["etcd --experimental-initial-corrupt-check"] == ("true", "(none)", default)
    assert plane["etcd --listen-client-http-urls"][2] == default
    assert worker == {
        "kernel argument init_on_alloc=1": ("set", "(none)", default),
        "kernel argument nvme_core.io_timeout=4294967295": ("set", "(none)", default),
    }
    assert machines["wk-1"].reboots


def test_another_release_of_kubernetes_lists_what_moves_with_it():
    after = patched({"cluster": {"externalCloudProvider": {"enabled": True}}})
    # No supported platform makes this step: it shows a flag that Talos sets for Kubernetes before v1.33 alone.
    before = after.model_copy(update={"talos": after.talos.model_copy(update={"kubernetes": "v1.32.9"})})
    change = looked(before, after)["cp-1"]
    kubernetes, *images = change.differences
    assert (kubernetes.before, kubernetes.after, kubernetes.origin) == (
        "v1.32.9",
        "v1.35.4",
        "platform.talos.kubernetes",
    )
    assert {each.origin for each in images} == {
        "platform.talos.kubernetes",
        "the default of Talos' generator of contract v1.12",
    }
    moved = ("external", "(none)", "the default of Talos v1.14.2 with Kubernetes v1.35.4")
    assert effects(change) == dict.fromkeys(
        ("kube-apiserver --cloud-provider", "kube-controller-manager --cloud-provider"), moved
    )


def test_an_argument_of_the_schematic_is_an_effect(prod):
    after = changed(prod, {"talos.schematic": {"kernel_args": ["console=ttyS0"]}})
    change = looked(parse(prod), parse(after))["wk-1"]
    key = "platform.talos.schematic.kernel_args"
    assert effects(change)["kernel argument console=ttyS0"] == ("(none)", "set", key)


def test_equal_changes_are_told_once_and_name_every_machine(prod):
    machines = {
        f"wk-{number}": changed(prod["machines"]["wk-1"], {"address": f"10.20.0.{number}"}) for number in range(21, 121)
    }
    for number, machine in enumerate(machines.values()):
        machine.pop("bmc", None)
        machine["mac"] = f"52:54:00:cc:00:{number:02x}"
        machine["install"] = {"disk": {"serial": f"S{number:05}"}}
    raw = changed(prod, {"machines": {"cp-1": prod["machines"]["cp-1"], **machines}})
    before, after = (
        parse(raw),
        parse(changed(raw, {"talos.sysctls": {"vm.swappiness": "1"}, "machines.wk-50.labels": {}})),
    )
    shown = table(list(looked(before, after).values())).splitlines()
    assert [line.split("  ")[0] for line in shown if not line.startswith(" ")] == [
        "cp-1, wk-21 to wk-49, wk-51 to wk-120",
        "wk-50",
    ]
    assert "  100 machines  " in shown[0]
    same = table(list(looked(after, after).values()))
    assert same.splitlines() == [f"{'cp-1, wk-21 to wk-120':<21}  101 machines     nothing changes"]


def test_values_with_a_machines_own_address_are_told_once_too(prod):
    before = parse(changed(prod, {"talos.version": "v1.13.3"}))
    shown = table(list(looked(before, parse(prod)).values()))
    assert "https://(its address):2383" in shown and "10.20.0.11" not in shown
    assert [line.split("  ")[0] for line in shown.splitlines() if line[0] != " "] == ["cp-1 to cp-3", "wk-1, wk-2"]


def test_a_secret_is_in_no_effect():
    secret = "hunter2-and-hunter3"
    patches = [
        api("v1.12", oidc_client_secret=secret, audit_webhook=f"https://u:{secret}@h"),
        kubelet("v1.12", staticPodURLHeader={"Authorization": [secret]}, providerToken=secret),
    ]
    changes = list(looked(patched(), patched(*patches)).values())
    assert len(changes[0].effects) == 4
    assert secret not in as_json("prod", changes) + table(changes)
    assert "extraArgs.oidc-client-secret: (none) -> (secret); set by platform.talos.patches[0]" in table(changes)


# Fields that patches set apart from one another, each with two values.
FIELDS: list[tuple[Any, Any]] = [
    (lambda c: sysctls(c, vm_swappiness="1"), lambda c: sysctls(c, vm_swappiness="2")),
    (lambda c: kubelet(c, maxPods=200), lambda c: kubelet(c, maxPods=201)),
    (lambda c: kubelet(c, shutdownGracePeriod="1m"), lambda c: kubelet(c, shutdownGracePeriod="90s")),
    (lambda c: api(c, v="3"), lambda c: api(c, v="4")),
    (lambda c: api(c, audit_log_maxage="60"), lambda c: api(c, audit_log_maxage="61")),
    (lambda c: document("OOMConfig", sampleInterval="1s"), lambda c: document("OOMConfig", sampleInterval="2s")),
    (
        lambda c: document("KmsgLogConfig", name="a", url="udp://h:1"),
        lambda c: document("KmsgLogConfig", name="a", url="udp://h:2"),
    ),
]


@settings(max_examples=40)
@given(
    st.sampled_from(CONTRACTS),
    st.lists(st.integers(0, len(FIELDS) - 1), min_size=1, unique=True),
    st.permutations(range(len(FIELDS))),
    st.sets(st.integers(0, len(FIELDS) - 1)),
)
def test_a_stack_of_patches_that_merges_to_the_same_config_changes_nothing(contract, chosen, order, twice):
    """The patches in another order, and some of them over another value that they replace."""
    one = [FIELDS[number][0](contract) for number in chosen]
    other = [FIELDS[number][1](contract) for number in order if number in chosen and number in twice]
    other += [FIELDS[number][0](contract) for number in order if number in chosen]
    for change in looked(patched(*one, contract=contract), patched(*other, contract=contract)).values():
        assert (change.state, change.differences, change.effects) == ("same", [], [])


@settings(max_examples=40)
@given(st.sampled_from(CONTRACTS), st.lists(st.integers(0, len(FIELDS) - 1), min_size=1, unique=True))
def test_a_stack_of_patches_with_another_value_changes_something(contract, chosen):
    one = [FIELDS[number][0](contract) for number in chosen]
    other = [FIELDS[chosen[0]][1](contract), *one[1:]]
    change = looked(patched(*one, contract=contract), patched(*other, contract=contract))["cp-1"]
    assert [each.origin for each in change.differences if each.effect] == ["platform.talos.patches[0]"]


def cases() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Changes of dev: before and after."""
    patches = [
        {"machine": {"kubelet": {"extraConfig": {"failSwapOn": False, "maxPods": 250}}}},
        {"cluster": {"apiServer": {"extraArgs": {"audit-log-maxage": "60"}}}},
    ]
    return {
        "patches": ({}, {"talos.patches": patches, "machines.cp-1.sysctls": {"vm.max_map_count": "262144"}}),
        "talos": ({"talos.version": "v1.13.3"}, {}),
        "kubernetes": ({"talos.kubernetes": "v1.35.3"}, {}),
        "contract": ({"talos.contract": "v1.13"}, {"talos.contract": "v1.14"}),
        "nothing": ({}, {}),
    }


@pytest.mark.parametrize("case", sorted(cases()))
def test_what_dev_shows_is_reviewed(case, tmp_path):
    """UPDATE_GOLDEN=1 writes the golden files again; review their difference."""
    was, now = cases()[case]
    raw = changed(stack_platform("dev"), now)
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {"bedplate:platform": raw}}, sort_keys=False))
    shown = table(compared(parse(raw), state(parse(changed(stack_platform("dev"), was))), file)) + "\n"
    golden = GOLDEN / f"changes-dev-{case}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_each_origin_names_its_line_in_the_file(tmp_path):
    raw = changed(stack_platform("dev"), {"talos.sysctls": {"vm.swappiness": "1"}})
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {"bedplate:platform": raw}}, sort_keys=False))
    [change] = compared(parse(raw), state(parse(stack_platform("dev"))), file)
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "sysctls" in text)
    assert [each.origin for each in change.differences] == [f"platform.talos.sysctls (Pulumi.dev.yaml:{line})"]
    assert json.loads(as_json("dev", [change]))["machines"][0]["differences"][0]["origin"].endswith(f":{line})")
