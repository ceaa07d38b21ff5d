"""Settings of the kubelet in patches are those that Talos can convert, before a machine runs."""

import os

import pytest

from core.effective.faults import faults
from core.machineconfig.kubeletsettings import problems, settings
from tests.effective.platforms import DELETE, document, patched
from tests.machineconfig import kubelet

UNKNOWN = {
    "maxPodz": "did you mean maxPods?",
    "ReadOnlyPort": "did you mean readOnlyPort?",
    "MaxPods": "did you mean maxPods?",
    "podPidLimit": "did you mean podPidsLimit?",
    "evictionhard": "did you mean evictionHard?",
    "seccomp-default": "did you mean seccompDefault?",
    "max-pods": "did you mean maxPods?",
    "xyz": "look the setting up in Kubernetes' reference of KubeletConfiguration, v1beta1",
}
# The setting, the value, where the fault is, what it is and what to write.
MISTYPED = {
    "a text for a number": ("maxPods", "200", "maxPods", "is a text, and the kubelet takes a whole number here",
                            "write maxPods: 110"),
    "a switch for a number": ("podPidsLimit", True, "podPidsLimit", "is true or false", "write podPidsLimit: 8192"),
    "a fraction for a number": ("kubeAPIQPS", 1.5, "kubeAPIQPS", "is a number, and the kubelet takes a whole number",
                                "write kubeAPIQPS: 50"),
    "a list for a number": ("maxOpenFiles", [1], "maxOpenFiles", "is a list", "write maxOpenFiles: 1000000"),
    "a text for a switch": ("seccompDefault", "true", "seccompDefault", "takes true or false here",
                            "write seccompDefault: true"),
    "a number for a switch": ("failSwapOn", 0, "failSwapOn", "is a number", "write failSwapOn: true"),
    "a number for a text": ("containerLogMaxSize", 10, "containerLogMaxSize", "takes a text in quotes here",
                            'write containerLogMaxSize: "10Mi"'),
    "a switch for a text": ("tlsMinVersion", False, "tlsMinVersion", "is true or false", '"VersionTLS13"'),
    "a number for a duration": ("syncFrequency", 30, "syncFrequency", "takes a duration in quotes here",
                                'write syncFrequency: "30s"'),
    "a duration without a unit": ("imageMinimumGCAge", "30", "imageMinimumGCAge", "takes a duration",
                                  'write imageMinimumGCAge: "30s"'),
    "a duration in days": ("imageMaximumGCAge", "2d", "imageMaximumGCAge", "takes a duration", '"30s"'),
    "a text for a list": ("allowedUnsafeSysctls", "kernel.msg*", "allowedUnsafeSysctls", "takes a list here",
                          'write allowedUnsafeSysctls: ["net.core.somaxconn"]'),
    "a number in a list": ("enforceNodeAllocatable", [1], "enforceNodeAllocatable.0", "is a number",
                           'write enforceNodeAllocatable: ["pods"]'),
    "a text for a mapping": ("evictionHard", "memory.available<100Mi", "evictionHard", "takes a mapping here",
                             'write evictionHard: {memory.available: "100Mi"}'),
    "a number in a mapping": ("evictionHard", {"memory.available": 500}, "evictionHard.memory.available",
                              "is a number", 'write memory.available: "100Mi"'),
    "a text for a feature gate": ("featureGates", {"NodeSwap": "true"}, "featureGates.NodeSwap", "is a text",
                                  "write NodeSwap: true"),
    "a misspelt nested field": ("memorySwap", {"swapBehaviour": "NoSwap"}, "memorySwap.swapBehaviour",
                                "is not a setting", "did you mean swapBehavior?"),
    "a nested number in quotes": ("shutdownGracePeriodByPodPriority", [{"priority": "1"}],
                                  "shutdownGracePeriodByPodPriority.0.priority", "is a text", "write priority: 1"),
    "a nested field of a list": ("registerWithTaints", [{"key": "a", "efect": "NoSchedule"}],
                                 "registerWithTaints.0.efect", "is not a setting", "did you mean effect?"),
    "a verbosity below zero": ("logging", {"verbosity": -1}, "logging.verbosity", "takes a whole number from 0 on",
                               "write verbosity: 1"),
}  # fmt: skip
RIGHT = {
    "a number": {"maxPods": 200},
    "a whole number with a point": {"maxPods": 200.0},
    "a number below zero": {"oomScoreAdj": -999},
    "switches": {"seccompDefault": True, "failSwapOn": False},
    "a text": {"containerLogMaxSize": "50Mi", "topologyManagerPolicy": "best-effort"},
    "durations": {"syncFrequency": "1m30s", "imageMaximumGCAge": "0", "cpuCFSQuotaPeriod": "1.5ms",
                  "runtimeRequestTimeout": "2h"},
    "lists": {"allowedUnsafeSysctls": ["kernel.msg*"], "enforceNodeAllocatable": []},
    "mappings": {"evictionHard": {"memory.available": "500Mi"}, "featureGates": {"Any": True}},
    "nested fields": {"memorySwap": {"swapBehavior": "LimitedSwap"}, "logging": {"verbosity": 2},
                      "crashLoopBackOff": {"maxContainerRestartPeriod": "1m"}},
    "a list of mappings": {"registerWithTaints": [{"key": "a", "effect": "NoSchedule"}],
                           "reservedMemory": [{"numaNode": 0, "limits": {"memory": "1Gi"}}]},
    "a quantity as a number": {"reservedMemory": [{"numaNode": 0, "limits": {"memory": 1}}]},
    "a fraction": {"memoryThrottlingFactor": 0.8},
    "nothing": {"maxPods": None},
    "a deleted setting": {"evictionSoft": DELETE},
}  # fmt: skip


def places(extra, contract):
    """A patch with settings in one contract, and the path of the settings."""
    if contract == "v1.14":
        return document("KubeletConfig", config=extra), "platform.talos.patches.0.config"
    return {"machine": {"kubelet": {"extraConfig": extra}}}, "platform.talos.patches.0.machine.kubelet.extraConfig"


def said(extra, contract):
    patch, start = places(extra, contract)
    found = [str(each) for each in faults(patched(patch, contract=contract))]
    assert all(each.startswith(f"{start}.") for each in found)
    return [each.removeprefix(f"{start}.") for each in found]


@pytest.mark.parametrize("contract", ["v1.12", "v1.14"])
@pytest.mark.parametrize("setting", UNKNOWN)
def test_a_setting_that_the_kubelet_does_not_have_is_refused(setting, contract):
    assert said({setting: 200}, contract) == [
        f"{setting}: is not a setting of the kubelet that Talos 1.14 has; Talos 1.14 takes the config and then starts "
        f"no kubelet with it; {UNKNOWN[setting]}"
    ]


@pytest.mark.parametrize("contract", ["v1.12", "v1.14"])
@pytest.mark.parametrize("case", MISTYPED)
def test_a_value_of_another_type_is_refused_with_an_example_of_the_setting(case, contract):
    setting, value, place, what, instead = MISTYPED[case]
    (line,) = said({setting: value}, contract)
    assert line.startswith(f"{place}: ") and what in line and line.endswith(instead)


@pytest.mark.parametrize("contract", ["v1.12", "v1.14"])
@pytest.mark.parametrize("case", RIGHT)
def test_what_talos_converts_is_not_refused(case, contract):
    assert said(RIGHT[case], contract) == []


def test_all_faults_of_one_patch_are_said():
    assert len(said({"maxPodz": 1, "maxPods": "1", "failSwapOn": "no"}, "v1.12")) == 3


@pytest.mark.parametrize(
    "setting", ["apiVersion", "kind", "authentication", "staticPodPath", "readOnlyPort", "clusterDNS"]
)
def test_what_talos_or_a_key_sets_is_refused_once_whatever_its_value_is(setting):
    assert len(said({setting: 5}, "v1.12")) == 1


@pytest.mark.parametrize("setting", ["memoryReservationPolicy", "defaultPodSysctls", "tlsCurvePreferences"])
def test_each_talos_has_its_own_settings(setting):
    assert setting in settings((1, 14)) and setting not in settings((1, 13))
    (problem,) = problems({setting: None}, (1, 12))
    assert problem.what == "is not a setting of the kubelet that Talos 1.12 has"


def test_a_message_holds_no_value():
    for setting, value, *_ in MISTYPED.values():
        for problem in problems({setting: "canary" if isinstance(value, str) else value}, (1, 14)):
            assert "canary" not in problem.what + problem.instead


@pytest.mark.programs
@pytest.mark.parametrize("file", kubelet.VERSIONS)
def test_the_settings_are_those_of_the_kubelets_source(file):
    """If not: python -m tests.machineconfig.kubelet writes them."""
    try:
        derived = kubelet.derived(kubelet.VERSIONS[file])
    except kubelet.NoSource as reason:
        text = f"the kubelet's source is not to be had: {reason}"
        pytest.fail(text) if os.environ.get("CI") == "true" else pytest.skip(text)
    assert kubelet.SHAPES.joinpath(file).read_text(encoding="utf-8") == kubelet.lines(derived)
