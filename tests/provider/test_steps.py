"""Steps between two releases: what runs at the moment of each step has to support it."""

import pytest

from provider import steps

BEFORE = {"talos": "v1.13.2", "kubernetes": "v1.35.4", "cilium": "1.19.6", "kubevirt": "v1.8.4"}


def wrong(before=None, **changed):
    was = {**BEFORE, **(before or {})}
    return [f"{error.property}: {error.reason}" for error in steps.refused({**was, **changed}, was)]


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        ({}, {}),
        ({}, {"cilium": "1.19.7"}),
        ({}, {"cilium": "1.20.0"}),
        ({}, {"kubevirt": "v1.9.0"}),
        # Talos 1.13 knows Kubernetes 1.36, so both may move at once.
        ({"kubevirt": "v1.9.0"}, {"talos": "v1.14.2", "kubernetes": "v1.36.2"}),
        ({"talos": "v1.12.7", "kubernetes": "v1.34.1"}, {"talos": "v1.13.2", "kubernetes": "v1.35.0"}),
        # Only the OS moves, or only Kubernetes.
        ({"talos": "v1.12.7"}, {"talos": "v1.13.2"}),
        ({"kubevirt": "v1.9.0"}, {"kubernetes": "v1.36.2"}),
        # Each of the two releases of Cilium supports each of the two Kubernetes.
        ({"cilium": "1.19.6", "kubevirt": "v1.9.0"}, {"cilium": "1.20.1", "kubernetes": "v1.36.0"}),
        # KubeVirt comes or goes, or a state of an earlier release knows nothing of it.
        ({"kubevirt": None}, {"kubevirt": "v1.8.4"}),
        ({}, {"kubevirt": None}),
        ({"cilium": None, "kubevirt": None}, {"cilium": "1.17.0", "kubernetes": "v1.36.0"}),
        # A platform gets its first disks, or loses its last.
        ({}, {"cdi": "v1.65.0"}),
        ({"cdi": "v1.65.0"}, {"cdi": None}),
        ({"cdi": "v1.65.0"}, {"cdi": "v1.66.0"}),
        # A release that is in no table is the model's to refuse.
        ({"cilium": "1.21.0"}, {"cilium": "1.22.0", "kubernetes": "v1.36.0", "kubevirt": None}),
    ],
)
def test_a_step_that_what_runs_supports_passes(before, changed):
    assert wrong(before, **changed) == []


def later(runs, supported, new, kept):
    return (
        f"kubernetes: {runs} still runs when Kubernetes becomes {new}, and supports {supported}; its programs could "
        f"stop on the first machine; keep talos.kubernetes at {kept} in this up, and raise it in the next"
    )


def back(name, was, now):
    return (
        f"{name}: {name}.version goes from {was} back to {now}; the older version may not read what the newer one "
        f"wrote; write {was} or a newer one"
    )


def skips(name, was, now, between):
    return (
        f"{name}: {name}.version goes from {was} to {now} and skips a minor version; each minor version migrates data "
        f"only from the one before; write the last of {between} first"
    )


@pytest.mark.parametrize(
    ("before", "changed", "text"),
    [
        (
            {"talos": "v1.12.7", "kubevirt": "v1.9.0"},
            {"talos": "v1.13.2", "kubernetes": "v1.36.0"},
            later("Talos v1.12.7", "1.30 to 1.35", "v1.36.0", "v1.35.4"),
        ),
        (
            {"talos": "v1.13.8", "kubernetes": "v1.36.1", "kubevirt": None},
            {"talos": "v1.14.2", "kubernetes": "v1.37.0"},
            later("Talos v1.13.8", "1.31 to 1.36", "v1.37.0", "v1.36.1"),
        ),
        (
            {},
            {"kubernetes": "v1.36.0", "kubevirt": "v1.9.1"},
            later("KubeVirt v1.8.4", "1.34 to 1.35", "v1.36.0", "v1.35.4"),
        ),
        (
            {"cilium": "1.18.3", "kubernetes": "v1.33.1", "kubevirt": None},
            {"cilium": "1.19.6", "kubernetes": "v1.34.0"},
            later("Cilium 1.18.3", "1.30 to 1.33", "v1.34.0", "v1.33.1"),
        ),
        (
            {"cilium": "1.19.6", "kubernetes": "v1.31.1", "kubevirt": None},
            {"cilium": "1.20.0", "kubernetes": "v1.32.0"},
            "cilium: Cilium 1.20.0 may start before Kubernetes has become v1.32.0, and supports 1.32 to 1.36; it could "
            "fail with v1.31.1; keep cilium.version at 1.19.6 in this up, and raise it in the next",
        ),
        (
            {"cdi": "v1.65.0"},
            {"cdi": "v1.64.0"},
            back("cdi", "v1.65.0", "v1.64.0"),
        ),
        (
            {"cdi": "v1.65.0"},
            {"cdi": "v1.67.0"},
            skips("cdi", "v1.65.0", "v1.67.0", "v1.66"),
        ),
        (
            {},
            {"cilium": "1.18.9"},
            back("cilium", "1.19.6", "1.18.9"),
        ),
        (
            {},
            {"cilium": "1.19.5"},
            back("cilium", "1.19.6", "1.19.5"),
        ),
        (
            {"cilium": "1.18.9"},
            {"cilium": "1.20.0"},
            skips("cilium", "1.18.9", "1.20.0", "1.19"),
        ),
        (
            {"kubevirt": "v1.7.2"},
            {"kubevirt": "v1.9.0"},
            skips("kubevirt", "v1.7.2", "v1.9.0", "v1.8"),
        ),
        (
            {},
            {"kubevirt": "v1.8.3"},
            back("kubevirt", "v1.8.4", "v1.8.3"),
        ),
    ],
)
def test_a_step_that_what_runs_does_not_support_is_refused(before, changed, text):
    assert wrong(before, **changed) == [text]


def test_a_plan_shows_the_order_of_several_steps():
    now = {**BEFORE, "talos": "v1.14.2", "kubernetes": "v1.35.6", "cilium": "1.20.0"}
    assert steps.described(now, BEFORE) == (
        "changes in this order: Kubernetes v1.35.4 -> v1.35.6 (with the machines' configs, one control plane after the "
        "other, then the workers); Talos v1.13.2 -> v1.14.2 (after all configs, one machine after the other); Cilium "
        "1.19.6 -> 1.20.0 (once the Kubernetes API answers, while the machines change)"
    )


@pytest.mark.parametrize("changed", [{}, {"talos": "v1.14.2"}, {"cilium": "1.20.0"}, {"kubevirt": None}])
def test_one_step_needs_no_order(changed):
    assert steps.described({**BEFORE, **changed}, BEFORE) is None
