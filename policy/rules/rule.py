"""A rule as data: its name, why it exists, how to comply, and a function from a resource to violations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

from core.facts.kernel_arguments import EXCEPTION as MARK
from core.native.machine import MACHINE_CONFIG, TALOS_VERSION

from .exceptions import excused
from .field import Field, UnjudgeableField
from .patches import MachineConfig, merge

Severity = Literal["low", "medium", "high", "critical"]
# opt-in: off until a stack's policy config enables it, because a small platform can't comply.
Level = Literal["mandatory", "advisory", "opt-in"]
MACHINE = MACHINE_CONFIG.token
# Types whose kernel arguments carry the mark of a recorded exception, to the input that lists the arguments.
MARKED = {"matchbox:index/profile:Profile": "args", TALOS_VERSION.token: "kernelArguments"}
NAME = re.compile(r"[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The resource options that rules read."""

    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    provider: str | None = None  # the provider's name; None where the engine sends none


class Inputs(Mapping[str, Any]):
    """A resource's inputs, decoded when first read: for most resources, most rules only read the type."""

    def __init__(self, decode: Callable[[], tuple[dict[str, Any], frozenset[str]]]) -> None:
        self._decode = decode

    @cached_property
    def _decoded(self) -> tuple[dict[str, Any], frozenset[str]]:
        return self._decode()

    @property
    def secrets(self) -> frozenset[str]:
        """The inputs without plain text: each of their leaves is marked secret, or not known yet."""
        return self._decoded[1]

    def __getitem__(self, key: str) -> Any:
        return self._decoded[0][key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded[0])

    def __len__(self) -> int:
        return len(self._decoded[0])


# Not frozen: cached_property stores what rules share, such as the merged machine config.
@dataclass(kw_only=True)
class Resource:
    """One resource as the engine sends it to the pack: plain data, with secrets decrypted."""

    type: str
    name: str
    props: Mapping[str, Any] = field(repr=False)
    options: Options = Options()

    @cached_property
    def kind(self) -> str:
        """The kind as `kind_of` writes it."""
        return kind_of(self.type)

    @property
    def inputs(self) -> Field:
        """The inputs as a field, whose path is empty."""
        return Field(self.props)

    def in_clear(self, *names: str) -> list[str]:
        """The inputs of these that are set and not marked secret; empty if the engine did not send the marks."""
        if not isinstance(self.props, Inputs):
            return []
        return [name for name in names if self.inputs[name].given and name not in self.props.secrets]

    @cached_property
    def machine(self) -> MachineConfig:
        """The machine configuration that the resource's patches add up to."""
        return merge(self.inputs["configPatches"])

    @cached_property
    def whole(self) -> MachineConfig:
        """The machine's whole configuration but for the PKI: what the generator writes, with the patches over it."""
        texts = (*self.inputs["base"].items(), *self.inputs["configPatches"].items())
        return merge(Field([text.value for text in texts], "configPatches"))

    @property
    def config(self) -> MachineConfig:
        """The whole configuration where the base is an input; else what the patches add up to."""
        return self.whole if self.inputs["base"].given else self.machine

    @property
    def known_controlplane(self) -> bool:
        """Whether it is a control plane's whole configuration, in which what is absent is not set."""
        return self.inputs["base"].given and self.whole.v1alpha1.at("machine", "type").value == "controlplane"

    @cached_property
    def excepted(self) -> frozenset[str]:
        """Controls for which the stack file records an exception for this machine, its boot profile or its image."""
        if self.type == MACHINE:
            return self.machine.excepted
        listed = self.props.get(MARKED[self.type]) if self.type in MARKED else None
        marked = isinstance(listed, list) and any(
            isinstance(argument, str) and argument.startswith(MARK) for argument in listed
        )
        return frozenset({"KSPP"} if marked else ())

    @cached_property
    def namespace(self) -> str:
        """The object's namespace; empty for cluster-scoped objects and other resources."""
        return self._identity("namespace") or ""

    @cached_property
    def object_name(self) -> str:
        """The object's name in Kubernetes, or the resource's name."""
        return self._identity("name") or self.name

    def _identity(self, key: str) -> str | None:
        """Messages contain names, so a value that is not a valid name is ignored."""
        metadata = self.props.get("metadata") if self.type.startswith("kubernetes:") else None
        value = metadata.get(key) if isinstance(metadata, Mapping) else None
        return value if isinstance(value, str) and NAME.fullmatch(value) else None

    def __str__(self) -> str:
        kind = self.kind.rsplit(":", 1)[-1]
        return "/".join(part for part in (self.namespace, kind, self.object_name) if part)


def is_patch(token: str) -> bool:
    """Whether the token is of a patch, such as kubernetes:apps/v1:DeploymentPatch."""
    return token.startswith("kubernetes:") and token.endswith("Patch")


@cache
def kind_of(token: str) -> str:
    """The token without its version: kubernetes:apps/v1:Deployment is apps:Deployment; other types stay as they are."""
    if not token.startswith("kubernetes:"):
        return token
    _, group, kind = (*token.split(":", 2), "", "")[:3]
    return f"{group.split('/')[0]}:{kind.removesuffix('Patch') if is_patch(token) else kind}"


Check = Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the pack: its texts, the kinds that it judges, and its check."""

    name: str
    why: str
    remedy: str
    severity: Severity
    kinds: frozenset[str]  # as kind_of() returns them; empty means every resource
    check: Check  # yields what is wrong and where; its text must never contain a value
    controls: tuple[str, ...] = ()  # "CIS 5.2.2", "PSS baseline", "KSPP", ...
    level: Level = "mandatory"
    partial: bool = False  # also judges patch resources; a rule that requires a field can't
    inputless: bool = False  # also judges resources without inputs, by their type and options

    def applies(self, token: str) -> bool:
        """Whether the rule judges resources of this type token."""
        return (not self.kinds or kind_of(token) in self.kinds) and (self.partial or not is_patch(token))

    def can_judge(self, resource: Resource) -> bool:
        """False for a resource that `--target` excludes: the engine sends it without inputs."""
        return self.inputless or bool(resource.props)

    def complaints(self, resource: Resource) -> Iterator[str]:
        """Each violation as the user reads it. No resource's content can make this raise."""
        if (
            not self.applies(resource.type)
            or not self.can_judge(resource)
            or excused(self.name, resource)
            or self.recorded(resource)
        ):
            return
        for what in self.judge(resource):
            yield f"{resource}: {what}. Fix: {self.remedy}"

    def recorded(self, resource: Resource) -> bool:
        """Whether the stack file has an exception for this machine to each of the rule's controls."""
        return bool(self.controls) and set(self.controls) <= resource.excepted

    def judge(self, resource: Resource) -> Iterator[str]:
        """What the check yields. A field that can't be read is a violation as well, and never raises."""
        try:
            yield from self.check(resource)
        except UnjudgeableField as reason:
            # Skipping the rule here would let any unknown value pass a mandatory rule.
            yield str(reason)
        except Exception as error:
            yield f"this rule can't read its structure ({type(error).__name__})"


@dataclass(frozen=True)
class RuleGroup:
    """Rules about the same kinds of resource."""

    kinds: frozenset[str]
    partial: bool = False

    def rule(
        self,
        name: str,
        severity: Severity,
        check: Check,
        why: str,
        remedy: str,
        *controls: str,
        level: Level = "mandatory",
        partial: bool | None = None,
    ) -> Rule:
        """A rule about the group's kinds; `partial` overrides the group's."""
        return Rule(
            name=name,
            severity=severity,
            kinds=self.kinds,
            check=check,
            why=why,
            remedy=remedy,
            controls=controls,
            level=level,
            partial=self.partial if partial is None else partial,
        )
