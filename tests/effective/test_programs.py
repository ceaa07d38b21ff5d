"""What Talos makes of a config in each of its releases: flags, the kubelet's settings, kernel arguments."""

import pytest

from core.effective import Effective, effective
from core.effective.flags import Policy
from core.model import parse
from tests.conftest import changed, stack_platform
from tests.effective.platforms import DELETE, document, patched


def machine(*patches, name: str = "cp-1", **more) -> Effective:
    return effective(patched(*patches, **more), name)


def api(*flags: dict, **more) -> Effective:
    return machine(*({"cluster": {"apiServer": {"extraArgs": each}}} for each in flags), **more)


def test_talos_own_flags_are_there_whatever_the_config_says():
    flags = machine({"cluster": {"apiServer": DELETE}}).programs["kube-apiserver"].flags
    assert flags["anonymous-auth"].values == ("false",) and flags["anonymous-auth"].origin == "Talos v1.14.2"
    assert "service-account-extend-token-expiration" not in flags


def test_a_config_overrides_a_flag_and_is_its_origin():
    flag = api({"profiling": "true"}).programs["kube-apiserver"].flags["profiling"]
    assert (flag.values, flag.origin, flag.policy) == (("true",), "platform.talos.patches[0]", Policy.OVERRIDABLE)


def test_the_last_patch_is_the_origin():
    assert api({"v": "1"}, {"v": "2"}).programs["kube-apiserver"].flags["v"].origin == "platform.talos.patches[1]"
    assert api({"v": "2"}, {"v": "2"}).programs["kube-apiserver"].flags["v"].origin == "platform.talos.patches[0]"


def test_additive_flags_keep_talos_own_values():
    flag = api({"enable-admission-plugins": "EventRateLimit, NodeRestriction"}).programs["kube-apiserver"].flags
    assert flag["enable-admission-plugins"].values == ("NodeRestriction,EventRateLimit",)


@pytest.mark.parametrize(
    ("talos", "flag", "denied"),
    [
        ("v1.12.4", "tls-min-version", False),
        ("v1.13.9", "tls-min-version", False),
        ("v1.14.2", "tls-min-version", True),
        ("v1.12.4", "etcd-servers", True),
        ("v1.14.2", "authorization-config", True),
        ("v1.14.2", "authentication-config", False),
    ],
)
def test_denied_flags_follow_the_release(talos, flag, denied):
    program = api({flag: "x"}, version=talos).programs["kube-apiserver"]
    assert (flag in program.denied) == denied
    assert (program.flags.get(flag) is not None and program.flags[flag].values == ("x",)) != denied


def test_the_form_of_the_config_decides_about_authentication():
    legacy = machine(contract="v1.13").programs["kube-apiserver"]
    documents = machine(document("KubeAPIServerConfig", extraArgs={"authentication-config": "x"}), contract="v1.14")
    program = documents.programs["kube-apiserver"]
    assert "anonymous-auth" in legacy.flags and "authentication-config" not in legacy.flags
    assert "anonymous-auth" not in program.flags and "authentication-config" in program.denied


def test_authorization_by_flags_replaces_the_file():
    flags = api({"authorization-mode": "Webhook"}).programs["kube-apiserver"].flags
    assert flags["authorization-mode"].values == ("Node,RBAC,Webhook",) and "authorization-config" not in flags


def test_releases_differ_as_talos_releases_do():
    old, new = (machine(version=talos).programs for talos in ("v1.12.4", "v1.14.2"))
    assert old["kube-apiserver"].flags["tls-min-version"].values == ("VersionTLS12",)
    assert new["kube-apiserver"].flags["tls-min-version"].values == ("VersionTLS13",)
    assert "tls-cipher-suites" in old["kube-apiserver"].flags and "tls-cipher-suites" not in new["kube-apiserver"].flags
    assert old["kube-controller-manager"].flags["controllers"].values == ("*,tokencleaner",)
    assert new["etcd"].flags["feature-gates"].values == ("InitialCorruptCheck=true", "CompactHashCheck=true")
    assert "listen-client-http-urls" not in old["etcd"].flags


def test_a_worker_runs_a_kubelet_alone():
    assert set(machine(name="wk-1").programs) == {"kubelet"}
    assert len(machine().programs) == 5


def test_a_disabled_controller_manager_does_not_run():
    patch = {"machine": {"controlPlane": {"controllerManager": {"disabled": True}}}}
    assert "kube-controller-manager" not in machine(patch).programs


def test_the_kubelet_keeps_talos_defaults_where_a_zero_counts_for_nothing():
    settings = machine(
        {
            "machine": {
                "kubelet": {"extraConfig": {"address": "", "streamingConnectionIdleTimeout": "0s", "failSwapOn": True}}
            }
        }
    )
    assert settings.kubelet["address"] == "0.0.0.0"
    assert settings.kubelet["failSwapOn"] is True
    assert settings.kubelet_origin("failSwapOn") == "platform.talos.patches[0]"
    assert settings.kubelet_origin("address") == "Talos v1.14.2"


def test_the_kubelets_locked_settings_stay_talos_own():
    patch = {"machine": {"kubelet": {"extraConfig": {"authorization": {"mode": "AlwaysAllow"}}}}}
    assert machine(patch).kubelet["authorization"] == {"mode": "Webhook"}


def test_a_node_that_is_not_registered_lets_everybody_in():
    patch = {"machine": {"kubelet": {"skipNodeRegistration": True}}}
    settings = machine(patch)
    assert settings.kubelet["authorization"] == {"mode": "AlwaysAllow"}
    assert "kubeconfig" not in settings.programs["kubelet"].flags


def test_seccomp_follows_the_config():
    off = {"machine": {"kubelet": {"defaultRuntimeSeccompProfileEnabled": DELETE}}}
    assert machine().kubelet["seccompDefault"] is True and "seccompDefault" not in machine(off).kubelet


@pytest.mark.parametrize("contract", ["v1.12", "v1.13", "v1.14"])
def test_control_planes_are_registered_with_their_taint(contract):
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert machine(contract=contract).kubelet["registerWithTaints"] == [taint]
    assert "registerWithTaints" not in machine(contract=contract, name="wk-1").kubelet
    assert "registerWithTaints" not in machine(contract=contract, schedulable_control_planes=True).kubelet


@pytest.mark.parametrize("contract", ["v1.12", "v1.14"])
def test_both_forms_make_the_same_programs(contract):
    """Beside what the form itself decides."""
    form = {"anonymous-auth", "authentication-config"}
    one, other = (machine(contract=each).programs for each in ("v1.13", contract))
    for name in one:
        left, right = ({f: v.values for f, v in each[name].flags.items() if f not in form} for each in (one, other))
        assert left == right, name


def test_each_kernel_argument_has_its_origin():
    def origins(name, **more) -> dict[str, str]:
        return {each.text: each.origin for each in machine(name=name, **more).kernel or ()}

    shared = origins("cp-1", schematic={"kernel_args": ["a=b"]})
    assert shared["a=b"] == "platform.talos.schematic.kernel_args"
    assert shared["pti=on"] == "the default of Talos v1.14.2"
    own = {"machines.wk-1.schematic": {"kernel_args": ["c=d"]}}
    made = effective(parse(changed(stack_platform("prod"), own)), "wk-1").kernel or ()
    assert [each.origin for each in made if each.text == "c=d"] == ["platform.machines.wk-1.schematic.kernel_args"]


def test_a_schematic_that_is_only_known_by_its_id_says_nothing_of_its_arguments():
    assert machine(schematic="37" * 32).kernel is None


def test_every_value_has_an_origin():
    made = machine({"machine": {"env": {"a": "b"}}})
    assert made.origin(("v1alpha1", ""), "machine", "env", "a") == "platform.talos.patches[0]"
    assert made.origin(("v1alpha1", ""), "cluster", "discovery", "enabled").startswith("Bedplate")
    assert made.origin(("v1alpha1", ""), "machine", "type") == "the default of Talos' generator of contract v1.12"
    assert made.origin(("v1alpha1", ""), "machine", "nothing") == ""


def six(**more) -> Effective:
    """A machine with both IP versions."""
    networks = {"pods": ["10.244.0.0/16", "fd00:20::/56"], "services": ["10.96.0.0/16", "fd00:30::/112"]}
    raw = stack_platform("dev")
    raw["network"] |= networks | {"nodes": ["192.168.10.0/24", "fd00:10::/64"]}
    raw["machines"]["cp-1"] |= more
    return effective(parse(raw), "cp-1")


def test_a_node_with_both_ip_versions_has_an_address_of_each():
    programs = six(ipv6="fd00:10::11").programs
    assert programs["kubelet"].flags["node-ip"].values == ("192.168.10.11,fd00:10::11",)
    assert programs["kube-apiserver"].flags["advertise-address"].values == ("192.168.10.11",)
    assert programs["kube-apiserver"].flags["service-cluster-ip-range"].values == ("10.96.0.0/16,fd00:30::/112",)
    assert programs["kube-controller-manager"].flags["node-cidr-mask-size-ipv6"].values == ("64",)
    assert programs["etcd"].flags["listen-client-urls"].values == ("https://[::1]:2379,https://192.168.10.11:2379",)


def test_an_address_that_only_the_machine_knows_is_not_guessed():
    assert six().programs["kubelet"].flags["node-ip"].values == ()
    assert "--node-ip" not in " ".join(six().programs["kubelet"].arguments())


def test_the_arguments_are_in_talos_order():
    assert machine(name="wk-1").programs["kubelet"].arguments()[0] == (
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubeconfig"
    )


@pytest.mark.parametrize("contract", ["v1.12", "v1.14"])
@pytest.mark.parametrize("text", ["x", "", "10.0.0.0/64", "!"])
@pytest.mark.parametrize(
    ("legacy", "kind"),
    [
        (("cluster", "network", "podSubnets"), ("KubeNetworkConfig", "podSubnets")),
        (("cluster", "network", "serviceSubnets"), ("KubeNetworkConfig", "serviceSubnets")),
        (("cluster", "etcd", "advertisedSubnets"), None),
        (("cluster", "etcd", "listenSubnets"), None),
        (("machine", "kubelet", "nodeIP", "validSubnets"), ("KubeNodeConfig", "nodeIP", "validSubnets")),
    ],
)
def test_a_text_that_is_no_network_selects_nothing_and_raises_nothing(legacy, kind, text, contract):
    """A patch may hold any text, and the faults of all patches are reported, not those before the first such text."""
    *path, last = legacy if contract == "v1.12" or kind is None else kind[1:]
    patch = {last: [text]}
    for part in reversed(path):
        patch = {part: patch}
    patch = document(kind[0], **patch) if contract == "v1.14" and kind else patch
    made = machine(patch, contract=contract)
    assert set(made.programs) >= {"kubelet", "etcd", "kube-apiserver", "kube-controller-manager"}
    assert isinstance(made.kubelet["clusterDNS"], list)
