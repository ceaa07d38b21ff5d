"""A rule is data: what it is called, why it exists, how to comply, and a function from a resource to complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

from .exceptions import excused
from .field import Fault, Field
from .patches import MachineConfig, merge

Severity = Literal["low", "medium", "high", "critical"]
# Asked: off until a stack's policy config turns it on, because a small platform can't comply.
Level = Literal["mandatory", "advisory", "opt-in"]
MACHINE = "talos:machine/configurationApply:ConfigurationApply"
NAME = re.compile(r"[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a resource is registered, as far as rules care."""

    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    provider: str | None = None  # the name of its provider; None where the engine names none


class Inputs(Mapping[str, Any]):
    """A resource's inputs, decoded when first read: most rules look at most resources' type alone."""

    def __init__(self, decode: Callable[[], tuple[dict[str, Any], frozenset[str]]]) -> None:
        self._decode = decode

    @cached_property
    def _decoded(self) -> tuple[dict[str, Any], frozenset[str]]:
        return self._decode()

    @property
    def secrets(self) -> frozenset[str]:
        """The inputs with nothing in the clear: each leaf marked secret, or not known yet."""
        return self._decoded[1]

    def __getitem__(self, key: str) -> Any:
        return self._decoded[0][key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded[0])

    def __len__(self) -> int:
        return len(self._decoded[0])


# Not frozen: cached_property keeps what rules share (a merged machine config) beside the inputs.
@dataclass(kw_only=True)
class Resource:
    """What the engine shows of one resource before it exists: plain data, secrets in the clear."""

    type: str
    name: str
    props: Mapping[str, Any] = field(repr=False)
    options: Options = Options()

    @cached_property
    def kind(self) -> str:
        return kind_of(self.type)

    @property
    def inputs(self) -> Field:
        return Field(self.props)

    def in_clear(self, *names: str) -> list[str]:
        """Which of these inputs are given and not marked secret; none where nobody can tell."""
        if not isinstance(self.props, Inputs):
            return []
        return [name for name in names if self.inputs[name].given and name not in self.props.secrets]

    @cached_property
    def machine(self) -> MachineConfig:
        return merge(self.inputs["configPatches"])

    @cached_property
    def namespace(self) -> str:
        return self._identity("namespace") or ""

    @cached_property
    def object_name(self) -> str:
        return self._identity("name") or self.name

    def _identity(self, key: str) -> str | None:
        """Names are shown in messages, so only what looks like a name counts as one."""
        metadata = self.props.get("metadata") if self.type.startswith("kubernetes:") else None
        value = metadata.get(key) if isinstance(metadata, Mapping) else None
        return value if isinstance(value, str) and NAME.fullmatch(value) else None

    def __str__(self) -> str:
        kind = self.kind.rsplit(":", 1)[-1]
        return "/".join(part for part in (self.namespace, kind, self.object_name) if part)


def is_patch(token: str) -> bool:
    """Kubernetes' own kinds have a twin that patches: kubernetes:apps/v1:DeploymentPatch."""
    return token.startswith("kubernetes:") and token.endswith("Patch")


@cache
def kind_of(token: str) -> str:
    """kubernetes:apps/v1:Deployment is apps:Deployment whatever its version; other types stay as they are."""
    if not token.startswith("kubernetes:"):
        return token
    _, group, kind = (*token.split(":", 2), "", "")[:3]
    return f"{group.split('/')[0]}:{kind.removesuffix('Patch') if is_patch(token) else kind}"


Check = Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    name: str
    why: str
    remedy: str
    severity: Severity
    kinds: frozenset[str]  # as kind_of() says them; empty means every resource
    check: Check  # yields what is wrong and where; must never put a value into the text
    controls: tuple[str, ...] = ()  # "CIS 5.2.2", "PSS baseline", "KSPP", ...
    level: Level = "mandatory"
    partial: bool = False  # also judges patches; a rule that asks for a field can't
    inputless: bool = False  # also judges what comes without inputs, by its type and options

    def applies(self, token: str) -> bool:
        return (not self.kinds or kind_of(token) in self.kinds) and (self.partial or not is_patch(token))

    def can_judge(self, resource: Resource) -> bool:
        """What `--target` leaves out of an update still arrives, stripped of all its inputs."""
        return self.inputless or bool(resource.props)

    def complaints(self, resource: Resource) -> Iterator[str]:
        """Every complaint as the user reads it. Nothing a resource contains can make this fail."""
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
        """Whether the stack file records an exception to all that this rule stands for, for this machine."""
        return bool(self.controls) and resource.type == MACHINE and set(self.controls) <= resource.machine.excepted

    def judge(self, resource: Resource) -> Iterator[str]:
        try:
            yield from self.check(resource)
        except Fault as fault:
            # A soft skip here would let any Output through a mandatory rule.
            yield str(fault)
        except Exception as error:
            yield f"this rule can't read its structure ({type(error).__name__})"
