"""For one edit of a stack file, the plan, the maintenance turn, the identity gate and `changes` agree, and are right.

A merge that replaces lists, lets an empty value overwrite, or ignores deletes would see no change in most of them.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import changed

from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.model import Platform, parse
from operations.drift.changes import compared
from provider.resources.identity import Identity
from provider.resources.maintenance_turn import MaintenanceTurn, _needed

Patches = list[dict[str, Any]]


def rules(*texts: str) -> dict[str, Any]:
    return {"machine": {"udev": {"rules": list(texts)}}}


def udev(value: Any) -> dict[str, Any]:
    return {"machine": {"udev": {"rules": value}}}


def volume(filesystem: str) -> dict[str, Any]:
    """`none` is the first value of its enumeration, so Talos treats it as unset."""
    return {"apiVersion": "v1alpha1", "kind": "UserVolumeConfig", "name": "own", "filesystem": {"type": filesystem}}


def dhcp(metric: int) -> dict[str, Any]:
    return {"apiVersion": "v1alpha1", "kind": "DHCPv4Config", "name": "own", "routeMetric": metric}


def ports(*numbers: int) -> dict[str, Any]:
    selector = {"ports": list(numbers), "protocol": "tcp"}
    return {"apiVersion": "v1alpha1", "kind": "NetworkRuleConfig", "name": "own", "portSelector": selector}


@dataclass(frozen=True)
class Edit:
    """The patches of all machines and of wk-1, before and after, and the paths that change on wk-1."""

    before: tuple[Patches, Patches]
    after: tuple[Patches, Patches]
    paths: list[str] = field(default_factory=list)
    reboots: bool = False


EDITS = {
    "a list that the machine adds to": Edit(
        ([rules("A")], [rules("B")]), ([rules("A2")], [rules("B")]), ["machine.udev.rules"], reboots=True
    ),
    "a list that the machine deletes and sets anew": Edit(
        ([rules("A")], [udev({"$patch": "delete"}), rules("B")]),
        ([rules("A")], [rules("B")]),
        ["machine.udev.rules"],
        reboots=True,
    ),
    "a list that the machine begins to delete": Edit(
        ([rules("A")], [rules("B")]),
        ([rules("A")], [udev({"$patch": "delete"}), rules("B")]),
        ["machine.udev.rules"],
        reboots=True,
    ),
    "a field of Talos' generator that the machine begins to delete": Edit(
        ([], []),
        ([], [{"machine": {"features": {"diskQuotaSupport": {"$patch": "delete"}}}}]),
        ["machine.features.diskQuotaSupport"],
        reboots=True,
    ),
    "a field that no document sets and the machine begins to delete": Edit(
        ([], []), ([], [{"machine": {"env": {"$patch": "delete"}}}])
    ),
    "a list that the machine deletes": Edit(
        ([rules("A")], [udev({"$patch": "delete"})]), ([rules("A2")], [udev({"$patch": "delete"})])
    ),
    "a value that the machine leaves empty": Edit(
        ([{"machine": {"env": {"a": "x"}}}], [{"machine": {"env": {"a": ""}}}]),
        ([{"machine": {"env": {"a": "y"}}}], [{"machine": {"env": {"a": ""}}}]),
        ["machine.env.a"],
        reboots=True,
    ),
    "a count that the machine sets to zero": Edit(([dhcp(100)], [dhcp(0)]), ([dhcp(200)], [dhcp(0)]), ["routeMetric"]),
    "a switch that the machine has off": Edit(
        (
            [{"machine": {"features": {"apidCheckExtKeyUsage": True}}}],
            [{"machine": {"features": {"apidCheckExtKeyUsage": False}}}],
        ),
        (
            [{"machine": {"features": {"apidCheckExtKeyUsage": False}}}],
            [{"machine": {"features": {"apidCheckExtKeyUsage": False}}}],
        ),
    ),
    "a word that Talos takes for unset": Edit(
        ([volume("xfs")], [volume("none")]), ([volume("ext4")], [volume("none")]), ["filesystem.type"]
    ),
    "a list that replaces": Edit(([ports(1)], [ports(2)]), ([ports(3)], [ports(2)])),
}


def platform_with(prod: dict[str, Any], of: tuple[Patches, Patches]) -> Platform:
    return parse(changed(prod, {"talos.patches": of[0], "machines.wk-1.patches": of[1]}))


@pytest.mark.parametrize("name", EDITS)
def test_the_plan_the_turn_the_gate_and_changes_agree_about_an_edit(prod, name):
    edit = EDITS[name]
    before, after = platform_with(prod, edit.before), platform_with(prod, edit.after)
    assert patches(before, "wk-1") != patches(after, "wk-1")
    had, gets = (
        {
            "machine": "wk-1",
            "node": "10.20.0.21",
            "kubernetes": "v1",
            "base": base_texts(platform, "worker"),
            "documents": patches(platform, "wk-1"),
        }
        for platform in (before, after)
    )

    urn = "urn:pulumi:prod::bedplate::bedplate-native:talos:MachineConfig::talos-wk-1"
    config = {"node": "10.20.0.21", "base": had["base"], "configPatches": had["documents"]}
    state = [{"type": "bedplate-native:talos:MachineConfig", "urn": urn, "inputs": config}]
    [change] = [each for each in compared(after, state) if each.machine == "wk-1"]
    assert [each.path for each in change.differences] == edit.paths
    assert (change.state, change.reboots) == ("changes" if edit.paths else "same", edit.reboots)

    description = Identity().describe_change(gets, had)
    assert all(path in str(description) for path in edit.paths) and bool(description) == bool(edit.paths)
    assert ("REBOOTS" in str(description)) is edit.reboots
    assert _needed(gets, had) == (edit.reboots, "")
    assert ("REBOOTS" in str(MaintenanceTurn().describe_change(gets, had))) is edit.reboots
    assert (MaintenanceTurn().describe_change(gets, had) is None) is not edit.reboots
