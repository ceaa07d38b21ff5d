"""What rules are tested with: changes that break them, and the resources of the program."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.facts.versions import CURRENT
from policy.rules import RULES
from policy.rules.rule import Inputs, Options, Resource, Rule
from policy.rules.serve import decode
from tests.conftest import run_program, stack_platform
from tests.diskvms import with_disk

RULE = {rule.name: rule for rule in RULES}
DROP = object()


@dataclass(frozen=True)
class Case:
    """One change to a resource that complies, and the one rule that must report it."""

    rule: str
    subject: str  # a resource of good.py
    change: Mapping[str, Any]  # dotted path -> value; DROP removes; "options.x" and "type" change the registration
    says: str  # the violation without its object and remedy
    also: tuple[str, ...] = ()  # other rules that the change breaks too
    more: tuple[str, ...] = ()  # further violations of the same rule

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


def patched(rule: str, document: Mapping[str, Any], says: str, *more: str, also: tuple[str, ...] = ()) -> Case:
    """A case in which the machine has one more patch."""
    return Case(rule, "machine", {"configPatches[+]": json.dumps(document)}, says, also, more)


class Shown(dict[str, Any]):
    """A change as the engine sends it, with the names of inputs that are marked secret."""

    def __init__(self, *secrets: str, **values: Any) -> None:
        super().__init__(values)
        self.secrets = frozenset(secrets)


def changed(resource: Resource, change: Mapping[str, Any]) -> Resource:
    props: Any = copy.deepcopy(dict(resource.props))
    made = replace(resource, props=props)
    for path, value in change.items():
        if path == "type":
            made = replace(made, type=value)
        elif path.startswith("options."):
            made = replace(made, options=replace(made.options, **{path.removeprefix("options."): value}))
        else:
            _set(props, path, value)
    if isinstance(change, Shown):
        return replace(made, props=Inputs(lambda: (props, change.secrets)))
    return made


def _set(at: Any, path: str, value: Any) -> None:
    *parents, leaf = _steps(path)
    for step in parents:
        at = at[step] if isinstance(at, list) else at.setdefault(step, {})
    if leaf == "+":
        at.append(value)
    elif value is DROP:
        del at[leaf]
    else:
        at[leaf] = value


def _steps(path: str) -> list[Any]:
    """a.b[0] -> a, b, 0; a.b[+] -> a, b, +."""
    steps: list[Any] = []
    for part in path.split("."):
        name, *places = part.replace("]", "").split("[")
        steps.append(name)
        steps += [place if place == "+" else int(place) for place in places]
    return steps


def complaints(resource: Resource, rules: tuple[Rule, ...] = RULES) -> dict[str, list[str]]:
    """The violations of each rule by its name, without the object and the remedy that every message has."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        for message in rule.complaints(resource):
            assert message.startswith(f"{resource}: ") and message.endswith(f". Fix: {rule.remedy}"), message
            found.setdefault(rule.name, []).append(
                message.removeprefix(f"{resource}: ").removesuffix(f". Fix: {rule.remedy}")
            )
    return found


VOLUMES = {"storage": {"local": {}}, "cdi": {"version": CURRENT["cdi"]}}
"""What a platform has that makes volumes of its own and fills them."""


@functools.cache
def planned(stack: str) -> tuple[Resource, ...]:
    """Every resource that the program registers for a stack, as the engine sends it to the pack.

    stack: one of the repository; volumes, the smaller one with volumes and a VM in a VLAN; or disks, the larger one
    with a VM that has disks and an address.
    """
    if stack == "volumes":
        networks = {"lan": {"link": "lan0", "vlan": 20}}
        made = with_disk(stack_platform("dev"), disk={"size": "20Gi", "from": {"blank": True}}, nics={"lan": {}})
        return resources({**made, **VOLUMES, "vm_networks": networks})
    if stack == "disks":
        more = {"ports": [443], "expose": {"load_balancer": True}, "firmware": {"efi": True, "tpm": True}}
        copied = {"size": "1Gi", "from": {"claim": {"name": "golden", "namespace": "images"}}}
        return resources(with_disk(stack_platform("prod"), disks={"copied": copied}, **more))
    return resources(stack_platform(stack))


def resources(platform: dict[str, Any]) -> tuple[Resource, ...]:
    """Every resource that the program registers for a platform, as the engine sends it to the pack."""
    return tuple(seen(request) for request in run_program(platform).graph.requests.values())


def seen(request: Any) -> Resource:
    message = type(request.object)()
    message.CopyFrom(request.object)
    options = Options(
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        provider=request.provider.rsplit("::", 2)[-2] if request.provider else None,
    )
    return Resource(type=request.type, name=request.name, props=Inputs(lambda: decode(message)), options=options)
