"""`drift`: what only stands in a running config in another way is no drift, and a drift names what sets its value."""

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.effective import effective
from core.machineconfig.differences import Difference, parse
from core.machineconfig.merge import LEGACY
from core.model import Platform
from operations.drift.__main__ import table
from operations.drift.compared import LAST_UP, Wanted, compare
from operations.drift.machines import Declared, Inspection, inspect
from operations.drift.nodes import Nodes
from tests.effective.platforms import document, patched
from tests.operations.test_machines import machine  # noqa: F401

CONTRACTS = ("v1.12", "v1.13", "v1.14")
Documents = dict[tuple[str, str], dict[str, Any]]


def sent(platform: Platform, name: str) -> Documents:
    """The documents of one machine's config, with a part of the PKI."""
    documents = copy.deepcopy(effective(platform, name).documents)
    documents[LEGACY].setdefault("machine", {})["token"] = "hunter2"
    return documents


def text(documents: Documents) -> str:
    return yaml.safe_dump_all(documents.values())


def put(documents: Documents, path: str, value: Any, *, kind: str = "", legacy: str = "") -> None:
    """Set a field of a document of that kind where there is one, else at the same path of the large document."""
    key = next((each for each in documents if each[0] == kind), LEGACY)
    at: dict[str, Any] = documents[key]
    *above, last = [*(legacy.split(".") if key == LEGACY and legacy else ()), *path.split("/")]
    for part in above:
        at = at.setdefault(part, {})
    at[last] = value


def settings_of(contract: str, documents: Documents, **values: Any) -> None:
    for name, value in values.items():
        below = "config" if contract == "v1.14" else "extraConfig"
        put(documents, f"{below}/{name}", value, kind="KubeletConfig", legacy="machine.kubelet")


def flags_of(documents: Documents, **values: Any) -> None:
    for name, value in values.items():
        flag = name.replace("_", "-")
        put(documents, f"extraArgs/{flag}", value, kind="KubeAPIServerConfig", legacy="cluster.apiServer")


def found(platform: Platform, name: str, running: Documents, declared: Documents | None = None) -> list[Difference]:
    before, after = parse(text(declared or sent(platform, name))), parse(text(running))
    address = str(platform.machines[name].address)
    return compare(name, address, before, after, Wanted(platform))


# A change by hand that comes to the same.
ALIKE = {
    "a default of the kubelet's": lambda c, d: settings_of(c, d, failSwapOn=False),
    "a duration of the kubelet's": lambda c, d: settings_of(c, d, streamingConnectionIdleTimeout="300s"),
    "a flag that Talos sets alike": lambda c, d: flags_of(d, audit_log_maxage="30"),
    "a default of a release that nobody wrote": lambda c, d: put(d, "debug", False),
    "a plugin that Talos adds anyway": lambda c, d: flags_of(
        d, enable_admission_plugins="NodeRestriction,NamespaceLifecycle"
    ),
    "a field that no release reads": lambda c, d: put(d, "rbac", True, legacy="machine.features"),
}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("edit", ALIKE)
def test_what_comes_to_the_same_is_no_drift(edit, contract):
    platform = patched(_plugins(contract), contract=contract)
    running = sent(platform, "cp-1")
    ALIKE[edit](contract, running)
    assert [str(each) for each in found(platform, "cp-1", running) if each.effect] == []


def _plugins(contract: str) -> dict[str, Any]:
    flags = {"enable-admission-plugins": "NamespaceLifecycle"}
    if contract == "v1.14":
        return document("KubeAPIServerConfig", extraArgs=flags)
    return {"cluster": {"apiServer": {"extraArgs": flags}}}


# A change by hand that comes to something else, with the path of the difference and what sets the declared value.
OTHER: dict[str, tuple[Any, str, str]] = {
    "a setting of the kubelet's": (
        lambda c, d: settings_of(c, d, podPidsLimit=100), "podPidsLimit", "Bedplate"),
    "what a key reserves": (
        lambda c, d: settings_of(c, d, systemReserved={"cpu": "1m"}), "systemReserved.cpu",
        "the default of platform.talos.reserved"),
    "a flag over Talos' own": (lambda c, d: flags_of(d, audit_log_maxage="1"), "audit-log-maxage", ""),
    "a flag of a patch": (
        lambda c, d: flags_of(d, enable_admission_plugins="EventRateLimit"), "enable-admission-plugins",
        "platform.talos.patches[0]"),
    "an image": (
        lambda c, d: put(d, "image", "evil.example/kubelet:v1.35.4", kind="KubeletConfig", legacy="machine.kubelet"),
        "image", "platform.talos.kubernetes"),
    "roles that are off": (lambda c, d: put(d, "rbac", False, legacy="machine.features"), "rbac", ""),
}  # fmt: skip


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("edit", OTHER)
def test_a_drift_names_what_sets_the_declared_value(edit, contract):
    platform = patched(_plugins(contract), contract=contract)
    running = sent(platform, "cp-1")
    change, path, origin = OTHER[edit]
    change(contract, running)
    named = {each.path.rpartition("extraArgs.")[2]: each.origin for each in found(platform, "cp-1", running)}
    match = [value for name, value in named.items() if name == path or name.endswith(f".{path}")]
    assert match == [origin] or (edit.startswith("roles") and contract != "v1.14" and match == ["Bedplate"]), named


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_label_without_a_value_that_somebody_removed_is_a_drift(contract):
    platform = patched(contract=contract)
    running = sent(platform, "cp-1")
    name = "node.kubernetes.io/exclude-from-external-load-balancers"
    if contract == "v1.14":
        del running["KubeNodeConfig", ""]["labels"][name]
    else:
        del running[LEGACY]["machine"]["nodeLabels"][name]
    [difference] = found(platform, "cp-1", running)
    assert difference.path.endswith(name) and difference.effect


def test_a_disk_that_is_opened_in_another_way_is_a_drift():
    """Neither way has a field below its name."""
    keys = {"encryption": {"provider": "luks2", "keys": [{"slot": 0, "nodeID": {}}]}}
    declared = {("VolumeConfig", "STATE"): document("VolumeConfig", name="STATE", **keys)}
    running = copy.deepcopy(declared)
    running["VolumeConfig", "STATE"]["encryption"]["keys"] = [{"slot": 0, "tpm": {}}]
    [difference] = compare("a", "10.0.0.1", parse(text(declared)), parse(text(running)), Wanted())
    assert difference.effect and difference.path == "encryption.keys"


def test_a_value_that_the_stack_file_no_longer_has_was_set_by_the_last_up():
    before, after = patched(_plugins("v1.12")), patched()
    running = sent(before, "cp-1")
    flags_of(running, enable_admission_plugins="EventRateLimit")
    [difference] = found(after, "cp-1", running, declared=sent(before, "cp-1"))
    assert difference.origin == LAST_UP
    assert str(difference).endswith("; set by the last up, and the stack file has changed since")


def test_without_a_stack_file_a_drift_has_no_origin():
    platform = patched()
    running = sent(platform, "wk-1")
    settings_of("v1.12", running, podPidsLimit=1)
    config = parse(text(sent(platform, "wk-1")))
    [difference] = compare("wk-1", "10.20.0.21", config, parse(text(running)), Wanted())
    assert (difference.effect, difference.origin) == (True, "")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "10.0.0.0/99", "a:b:c", "0s"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "validSubnets"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(
    st.sampled_from([
        "machine/kubelet/extraConfig", "machine/kubelet", "machine/kubelet/nodeIP", "machine", "cluster",
        "cluster/network", "cluster/network/serviceSubnets", "cluster/apiServer/extraArgs", "cluster/etcd",
        "cluster/etcd/advertisedSubnets", "cluster/controlPlane", "machine/kubelet/extraArgs", "machine/sysctls",
    ]),
    JUNK,
)  # fmt: skip
def test_a_config_that_a_stranger_wrote_is_a_drift_and_no_error(path, junk):
    platform = patched()
    running = sent(platform, "cp-1")
    put(running, path, junk)
    declared, runs = (parse(text(each)) for each in (sent(platform, "cp-1"), running))
    differences = compare("cp-1", "10.20.0.11", declared, runs, Wanted(platform))
    if path not in ("machine/sysctls", "machine/kubelet/extraArgs", "cluster/etcd") and junk not in (None, "", [], {}):
        assert [each for each in differences if each.effect]


def test_the_command_reads_what_a_machine_runs_and_leaves_out_what_comes_to_the_same(machine):  # noqa: F811
    platform = patched()
    declared = sent(platform, "cp-1")
    running = copy.deepcopy(declared)
    settings_of("v1.12", running, failSwapOn=False)
    at = machine(config=text(running))
    inspection = inspect(Declared("cp-1", at.address, text(declared)), at.client(), Nodes({}, None), Wanted(platform))
    inspection.differences = [each for each in inspection.differences if each.document not in ("Talos", "kubelet")]
    assert not inspection.drifted
    [alike] = inspection.without_effect
    assert (alike.path, alike.effect) == ("machine.kubelet.extraConfig.failSwapOn", False)
    assert table([inspection]).endswith("as declared (1 value written in another way, without effect)")
    assert "hunter2" not in json.dumps([each.__dict__ for each in inspection.without_effect])


def test_the_table_names_what_sets_a_declared_value():
    difference = Difference("", "machine.sysctls.a", "1", "2", reboots=False, origin="platform.talos.sysctls (f:3)")
    assert "machine.sysctls.a: 1 -> 2; set by platform.talos.sysctls (f:3)" in table(
        [Inspection("cp-1", "10.0.0.1", differences=[difference])]
    )
