"""The whole program against the mock engine: what it registers, and what waits for what."""

import copy
import itertools
import json
import random
from collections import Counter

import pytest
from conftest import MACHINE_SECRETS, MADE, changed, is_secret, plain, ran, run_program

from core.native.contracts import CONTRACTS, SECRET_INPUTS
from tests.diskvms import EPHEMERAL

VM = "kubernetes:kubevirt.io/v1:VirtualMachine::vm-web"
# Their inputs depend on the machine that issues the kubeconfig.
TOLD_OF_CONTROL_PLANES = ("bedplate-native:talos:Turn", "bedplate-native:talos:Settled")
GIVEN = {
    "bedplate:matchbox": (
        '{"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "*.prod.example.com, *.dev.example.com"}'
    ),
    "bedplate:bmc": '{"username": "BMC-USER", "password": "BMC-PASSWORD", "hosts": "*.bmc.prod.example.com"}',
}


@pytest.mark.parametrize("preview", [True, False])
def test_a_vm_waits_for_every_layer_beneath_it(dev, preview):
    graph = ran(dev, preview, GIVEN).graph
    beneath = graph.reachable(VM)
    for layer in (
        "matchbox:index/profile:Profile::metal-cp-1",
        "matchbox:index/group:Group::metal-cp-1",
        "talos:machine/secrets:Secrets::talos-secrets",
        "bedplate-native:talos:MachineConfig::talos-cp-1",
        "bedplate-native:talos:Bootstrap::talos-etcd",
        "bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig",
        "bedplate-native:kubernetes:ApiReady::kubernetes-api",
        "pulumi:providers:kubernetes::kubernetes-provider",
        "kubernetes:helm.sh/v3:Release::cilium-release",
        "bedplate-native:kubernetes:NodeReady::cilium-cp-1",
        "kubernetes:apps/v1:Deployment::virt-operator",
        "kubernetes:kubevirt.io/v1:KubeVirt::kubevirt",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::namespace-vms-default-deny",
        "kubernetes:core/v1:Secret::vm-web-cloud-init",
    ):
        assert layer in beneath, layer


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_resource_has_a_component_above_it(stack, request):
    """A resource without a parent is at the top of the plan, where a reader can't tell what it belongs to."""
    graph = ran(request.getfixturevalue(stack)).graph
    orphans = [
        name
        for name, parent in graph.parents.items()
        if not name.startswith(("pulumi:pulumi:Stack", "bedplate:")) and not parent.startswith("bedplate:")
    ]
    assert orphans == []


@pytest.mark.parametrize("role", ["worker", "controlplane"])
def test_adding_machines_changes_no_other_resources_inputs(prod, role):
    """Two machines, so that the number of control planes stays odd, with names that sort first."""
    before = ran(prod).inputs()
    after = ran(
        changed(prod, {"machines.aa-1": _machine(role, prod, 92), "machines.aa-2": _machine(role, prod, 93)})
    ).inputs()
    # Only the change guard has all machines as inputs. Bootstrap and the snapshot have the
    # addresses of control planes, which they ignore in a diff, and so do turns, for a kubeconfig.
    changed_ones = {
        name
        for (kind, name), inputs in before.items()
        if after[(kind, name)] != inputs and kind not in TOLD_OF_CONTROL_PLANES
    }
    assert changed_ones == (
        {"etcd-snapshots", "talos-guard", "talos-etcd", "talos-snapshot"} if role == "controlplane" else {"talos-guard"}
    )
    beneath = 7 if role == "controlplane" else 6
    assert Counter(name for _, name in set(after) - set(before)) == {
        **{f"cilium-{name}": 1 for name in ("aa-1", "aa-2")},
        **{f"metal-{name}": 3 for name in ("aa-1", "aa-2")},
        **{f"nodes-{name}": 1 for name in ("aa-1", "aa-2")},
        **{f"talos-{name}": beneath for name in ("aa-1", "aa-2")},
    }


@pytest.mark.parametrize(("edits", "vms"), [({}, ["cdi"]), (EPHEMERAL, ["vm-web"])], ids=["a disk", "ephemeral"])
def test_a_second_machine_changes_only_replicas_and_live_migration(dev, edits, vms):
    """From one machine to two, ephemeral VMs can migrate and operators get a second replica. Nothing else changes."""
    dev = changed(dev, edits)
    before = ran(dev).inputs()
    after = ran(changed(dev, {"machines.aa-1": _machine("worker", dev, 92)})).inputs()
    assert sorted(name for (_, name), inputs in before.items() if after[(_, name)] != inputs) == sorted(
        ["cilium-release", "kubevirt", "talos-guard", *vms]
    )


def _machine(role, raw, number):
    prefix = raw["network"]["nodes"].rsplit(".", 1)[0]
    return {
        "role": role,
        "address": f"{prefix}.{number}",
        "mac": f"52:54:00:ff:00:{number}",
        "install": {"disk": {"serial": f"NEW{number}"}},
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_order_of_the_stack_file_changes_nothing(stack, request):
    raw = request.getfixturevalue(stack)
    first = ran(raw)
    turned = ran(_reversed(raw))
    assert turned.inputs() == first.inputs()
    assert turned.graph.needs == first.graph.needs


def _reversed(value):
    if isinstance(value, dict):
        return {k: _reversed(v) for k, v in reversed(list(value.items()))}
    return value


# Type to credentials. Kubernetes' own Secret is in no contract.
CREDENTIALS = {**SECRET_INPUTS, "kubernetes:core/v1:Secret": ("stringData",)}


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("preview", [True, False])
def test_every_credential_reaches_its_resource_as_a_secret(stack, preview, request):
    """An input that is not marked as secret would be in plain text in the state."""
    engine = ran(request.getfixturevalue(stack), preview, GIVEN).engine
    names = {name for each in CREDENTIALS.values() for name in each}
    seen = [(key, name) for key, args in engine.resources.items() for name in names & args.inputs.keys()]
    assert [(key, name) for key, name in seen if not is_secret(engine.resources[key].inputs[name])] == []
    # By name as well, because a new type with a client's key must be listed.
    assert [(key, name) for key, name in seen if name not in CREDENTIALS.get(key[0], ())] == []


def test_the_contracts_are_those_of_the_registered_types(prod):
    """In both directions: no contract without a resource, and no resource without a contract."""
    disk = {"cpu": 1, "memory": "1Gi", "disk": {"size": "1Gi", "from": {"blank": True}}}
    image = {"size": "1Gi", "http": {"url": "https://images.example.com/a.qcow2", "checksum": f"sha256:{'1' * 64}"}}
    kept = {"storage": {"local": {}}, "vms.kept": disk, "images": {"golden": image}}
    by_hand = changed(prod, {"machines.wk-1.bmc": None, "machines.wk-2.decommission": "wipe", **kept})
    engine = ran(by_hand, False, GIVEN).engine
    registered = {token for token, _ in engine.resources}
    assert CREDENTIALS.keys() <= registered
    assert {token for token in registered if token.startswith("bedplate-native:")} == CONTRACTS.keys()


def test_no_secret_of_the_pki_is_in_a_plain_input(prod):
    """Every input of every resource is searched for the secrets that the mocks return."""
    engine = ran(prod, False, GIVEN).engine
    canaries = (
        "bootstrap-token",
        "secretbox",
        "cluster-secret",
        "trustd-token",
        "etcd-key",
        "os-key",
        "sa-key",
        "KEY",
        "BMC-PASSWORD",
    )
    leaks = [
        (key, c) for key, args in engine.resources.items() for c in canaries if c in str(_without_secrets(args.inputs))
    ]
    assert leaks == []


def _without_secrets(value):
    if is_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {k: _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(v) for v in value]
    return value


def test_control_planes_come_one_after_the_other_and_workers_side_by_side(prod):
    graph = ran(prod).graph
    needs = graph.needs

    def apply(node):
        return f"bedplate-native:talos:MachineConfig::talos-{node}"

    def turn(node):
        return f"bedplate-native:talos:Turn::talos-{node}"

    def settled(node):
        return f"bedplate-native:talos:Settled::talos-{node}"

    bootstrap = "bedplate-native:talos:Bootstrap::talos-etcd"
    assert apply("cp-1") in needs[bootstrap]
    member = "bedplate-native:talos:EtcdMember::talos-cp-2"
    # Not only applied: the member has joined with a vote, and is healthy with the config.
    first = "bedplate-native:talos:EtcdMember::talos-cp-1"
    assert bootstrap in needs[first] and first in needs[turn("cp-2")]
    assert settled("cp-2") in needs[member] and member in needs[turn("cp-3")]
    for worker in ("wk-1", "wk-2"):
        assert bootstrap in needs[turn(worker)]
        # Turns are not ordered by edges, so that a dead control plane does not block a worker's label.
        beneath = graph.reachable(apply(worker))
        assert not {apply("cp-2"), apply("cp-3"), apply("wk-1"), apply("wk-2")} & beneath


def test_a_turn_is_between_the_gate_and_the_config_and_ends_after_it(prod):
    graph = ran(prod).graph
    for node in ("cp-1", "cp-3", "wk-1"):
        apply = f"bedplate-native:talos:MachineConfig::talos-{node}"
        assert (
            f"bedplate-native:talos:Identity::talos-{node}" in graph.needs[f"bedplate-native:talos:Turn::talos-{node}"]
        )
        assert f"bedplate-native:talos:Turn::talos-{node}" in graph.needs[apply]
        assert apply in graph.needs[f"bedplate-native:talos:Settled::talos-{node}"]
        # A machine that is not healthy again is not upgraded either.
        assert (
            f"bedplate-native:talos:Settled::talos-{node}"
            in graph.needs[f"bedplate-native:talos:Release::talos-{node}"]
        )


def test_a_dead_worker_does_not_block_the_kubernetes_api(prod):
    """Bootstrap and kubeconfig wait only for the first control plane."""
    graph = ran(prod).graph
    beneath = graph.reachable("bedplate-native:kubernetes:ApiReady::kubernetes-api")
    assert not any("talos-wk" in name or "talos-cp-2" in name for name in beneath)


def test_a_dead_worker_does_not_block_the_network(prod):
    """VMs and applications wait for the first control plane's node, and no node waits for another."""
    graph = ran(prod).graph
    gates = {name for name in graph.needs if ":NodeReady::" in name}
    assert len(gates) == 5
    for name in graph.needs:
        if name.startswith(("kubernetes:kubevirt.io", "kubernetes:apps")):
            assert gates & graph.reachable(name) == {"bedplate-native:kubernetes:NodeReady::cilium-cp-1"}, name


def test_helm_does_not_wait_for_pods(dev):
    """A run that is killed while Helm waits leaves a record that blocks the next Helm run."""
    assert ran(dev).engine.of("kubernetes:helm.sh/v3:Release")["cilium-release"]["skipAwait"] is True


def test_the_etcd_gate_gets_a_client_certificate_with_the_contracts_keys(prod):
    inputs = ran(prod, False, GIVEN).engine.of("bedplate-native:talos:EtcdMember")["talos-cp-2"]
    assert plain(inputs)["clientConfiguration"] == {
        "caCertificate": "ca",
        "clientCertificate": "certificate",
        "clientKey": "key",
    }
    assert is_secret(inputs["clientConfiguration"])


def test_etcd_is_bootstrapped_exactly_once(prod):
    assert list(ran(prod).engine.of("bedplate-native:talos:Bootstrap")) == ["talos-etcd"]


def test_the_pki_and_the_bootstrap_are_protected(prod):
    requests = ran(prod).graph.requests
    for name in ("talos:machine/secrets:Secrets::talos-secrets", "bedplate-native:talos:Bootstrap::talos-etcd"):
        assert requests[name].protect and requests[name].retainOnDelete


def test_a_lower_contract_never_replaces_the_pki(prod):
    """The Talos provider would replace a running cluster's PKI if talos_version were lowered."""
    request = ran(prod).graph.requests["talos:machine/secrets:Secrets::talos-secrets"]
    assert list(request.ignoreChanges) == ["talosVersion"]
    assert ran(prod).engine.of("talos:machine/secrets:Secrets")["talos-secrets"]["talosVersion"] == "v1.12"


def test_a_machine_at_another_address_is_another_machine(prod):
    """It gets its config by an update, which the provider sends to a machine with the platform's certificate only."""
    request = ran(prod).graph.requests["bedplate-native:talos:MachineConfig::talos-wk-1"]
    assert list(request.replaceOnChanges) == [] and request.deleteBeforeReplace
    contract = CONTRACTS["bedplate-native:talos:MachineConfig"]
    assert not contract.replaces and "node" not in contract.ignored_in_diff


def test_a_bootstrap_is_never_updated_or_replaced(prod):
    """A bootstrap can't be undone, so the provider ignores changes to every input (`ignored_in_diff`)."""
    inputs = ran(prod).engine.of("bedplate-native:talos:Bootstrap")["talos-etcd"]
    assert inputs.keys() == CONTRACTS["bedplate-native:talos:Bootstrap"].ignored_in_diff


@pytest.mark.parametrize("adopted", [True, False])
def test_each_etcd_gate_has_whether_the_cluster_was_adopted(prod, monkeypatch, adopted):
    monkeypatch.setitem(MADE, "bedplate-native:talos:Bootstrap", {"adopted": adopted})
    members = run_program(prod, False, GIVEN).engine.of("bedplate-native:talos:EtcdMember")
    assert [plain(inputs)["adopted"] for inputs in members.values()] == [adopted] * 3


def test_the_kubeconfig_is_made_from_the_stack_file_and_the_pki_without_any_query(prod):
    """An impostor at a machine's address can't put anything into it, because no address is among its inputs."""
    done = ran(prod, False, GIVEN)
    (inputs,) = done.engine.of("bedplate-native:kubernetes:Kubeconfig").values()
    assert is_secret(inputs["authority"])
    assert plain(inputs) == {
        "cluster": "prod",
        "server": f"https://{prod['network']['endpoint']}:6443",
        "authority": {"cert": "k8s-cert", "key": "k8s-key"},
    }


def test_a_state_of_the_first_release_keeps_its_kubeconfig(prod):
    """An alias makes it the successor of the Talos plugin's resource, under the same name."""
    request = ran(prod).graph.requests["bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig"]
    assert [alias.spec.type for alias in request.aliases] == ["talos:cluster/kubeconfig:Kubeconfig"]


def test_a_plan_queries_no_machines_health(prod):
    """getHealth runs in plans, ends after five minutes, and fails where there is no network yet (TFP#241)."""
    assert ran(prod).engine.calls == []


def test_an_old_clusters_encryption_key_is_in_the_config_of_its_control_planes(prod, monkeypatch):
    """Talos' own generator omits the key in every contract from v1.3 on."""
    held = copy.deepcopy(MACHINE_SECRETS)
    held["secrets"]["aescbcEncryptionSecret"] = "an old key"
    monkeypatch.setitem(MADE["talos:machine/secrets:Secrets"], "machineSecrets", held)
    configs = run_program(prod, False, GIVEN).engine.of("bedplate-native:talos:MachineConfig")
    keys = {name: json.loads(plain(inputs["pki"])[0])["cluster"] for name, inputs in configs.items()}
    assert {name for name, cluster in keys.items() if cluster.get("aescbcEncryptionSecret") == "an old key"} == {
        f"talos-{name}" for name, machine in prod["machines"].items() if machine["role"] == "controlplane"
    }


def test_the_bootstrap_queries_every_control_plane_and_waits_for_none_of_the_others(prod):
    """Otherwise it could create a second cluster, or a control plane that is down could block it."""
    done = ran(prod)
    inputs = plain(done.engine.of("bedplate-native:talos:Bootstrap")["talos-etcd"])
    planes = {name: each["address"] for name, each in prod["machines"].items() if each["role"] == "controlplane"}
    assert {inputs["machine"]: inputs["node"], **inputs["others"]} == planes
    assert not any(
        "-cp-2" in name or "-cp-3" in name
        for name in done.graph.reachable("bedplate-native:talos:Bootstrap::talos-etcd")
    )


def test_a_kubeconfig_is_written_once_etcd_is_bootstrapped(prod):
    needs = ran(prod).graph.needs["bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig"]
    assert "bedplate-native:talos:Bootstrap::talos-etcd" in needs


def test_no_resource_of_the_talos_plugin_has_timeouts(prod):
    """The plugin's bridge does not return the timeouts, and every create then fails."""
    done = ran(prod)
    talos = {key: args.inputs for key, args in done.engine.resources.items() if key[0].startswith("talos:")}
    # It makes the PKI and generates configs: it calls no machine.
    assert {kind for kind, _ in talos} == {"talos:machine/secrets:Secrets"}
    assert [key for key, inputs in talos.items() if "timeouts" in inputs] == []


def test_boot_files_are_deleted_before_they_are_replaced(prod):
    """The old and the new one have the same name on the boot server."""
    requests = ran(prod).graph.requests
    for kind in ("profile:Profile", "group:Group"):
        assert requests[f"matchbox:index/{kind}::metal-wk-1"].deleteBeforeReplace


def test_a_platform_with_no_boot_server_is_planned_without_one(dev):
    engine = ran(changed(dev, {"boot": None})).engine
    assert not any(typ.startswith(("matchbox:", "pulumi:providers:matchbox")) for typ, _ in engine.resources)


def test_a_thousand_vms_are_registered(dev):
    """No part of the program is quadratic, and no two names are equal."""
    vm = dev["vms"]["web"]
    dev["vms"] = {f"vm-{n}": copy.deepcopy(vm) for n in random.Random(1).sample(range(1000), 300)}
    assert len(ran(dev).engine.of("kubernetes:kubevirt.io/v1:VirtualMachine")) == 300


def test_no_machine_gets_its_config_before_its_identity_is_verified(prod):
    """The config contains the PKI."""
    graph = ran(prod).graph
    for name in prod["machines"]:
        assert f"bedplate-native:talos:Identity::talos-{name}" in graph.reachable(
            f"bedplate-native:talos:MachineConfig::talos-{name}"
        )


def test_a_reinstalled_machine_gets_its_config_again(prod):
    before = ran(prod).graph.requests
    after = ran(changed(prod, {"machines.wk-1.install.generation": 7})).graph.requests
    """By an update: the provider has to know that there was a config under another generation."""
    urn = "bedplate-native:talos:MachineConfig::talos-{}".format
    given = [graph[urn(name)].object["generation"] for graph in (before, after) for name in ("wk-1", "wk-2")]
    contract = CONTRACTS["bedplate-native:talos:MachineConfig"]
    assert given == [1, 1, 7, 1] and "generation" not in contract.ignored_in_diff


def test_interrupted_helm_records_are_removed_before_the_release(dev):
    done = ran(dev)
    hooks = done.graph.requests["kubernetes:helm.sh/v3:Release::cilium-release"].hooks
    assert (list(hooks.before_create), list(hooks.before_update)) == (
        ["cilium-before-install"],
        ["cilium-before-upgrade"],
    )
    assert done.hooks.keys() == {"cilium-before-install", "cilium-before-upgrade"}


def test_machines_are_upgraded_one_after_the_other_control_planes_first(prod):
    graph = ran(prod).graph
    order = ["cp-2", "cp-3", "cp-1", "wk-1", "wk-2"]
    release = "bedplate-native:talos:Release::talos-{}".format
    for earlier, later in itertools.pairwise(order):
        assert release(earlier) in graph.needs[release(later)]
    for name in order:
        assert f"bedplate-native:talos:MachineConfig::talos-{name}" in graph.needs[release(name)]
    # And the cluster does not wait for the upgrade of a machine.
    assert not {release(name) for name in order} & graph.reachable("kubernetes:helm.sh/v3:Release::cilium-release")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_upgrade_waits_for_the_etcd_snapshot(stack, request):
    """Kubernetes is upgraded by configs, and Talos by TalosVersion."""
    raw = request.getfixturevalue(stack)
    graph = ran(raw).graph
    saved = "bedplate-native:talos:Snapshot::talos-snapshot"
    for name in raw["machines"]:
        assert saved in graph.reachable(f"bedplate-native:talos:MachineConfig::talos-{name}")
        assert saved in graph.needs[f"bedplate-native:talos:Release::talos-{name}"]
    # A version that the change guard refuses causes no snapshot.
    assert "bedplate-native:talos:Guard::talos-guard" in graph.needs[saved]


def test_a_snapshot_first_queries_the_machine_that_is_upgraded_last(prod):
    [inputs] = (
        ran(changed(prod, {"talos.bootstrap": "cp-2", "talos.snapshots": {"folder": "/srv/snapshots"}}))
        .engine.of("bedplate-native:talos:Snapshot")
        .values()
    )
    assert inputs["nodes"] == [prod["machines"][name]["address"] for name in ("cp-2", "cp-1", "cp-3")]
    assert (inputs["folder"], inputs["wanted"]) == ("/srv/snapshots", True)


def test_snapshots_before_upgrades_are_in_the_folder_of_manual_snapshots(dev):
    from runner.snapshot import _default
    from toolchain import Layout

    [inputs] = ran(dev).engine.of("bedplate-native:talos:Snapshot").values()
    assert _default("dev", Layout.of()).parent == Layout.of().checkout / inputs["folder"]


def test_processor_flags_are_checked_where_virtual_machines_run(prod, dev):
    def checked(raw):
        return {
            name
            for name, inputs in ran(raw).engine.of("bedplate-native:talos:Release").items()
            if inputs["virtualization"]
        }

    assert checked(prod) == {"talos-wk-1", "talos-wk-2"}
    assert checked(dev) == (set() if dev["kubevirt"].get("emulation") else {"talos-cp-1"})
    assert checked(changed(prod, {"kubevirt.emulation": True})) == set()
