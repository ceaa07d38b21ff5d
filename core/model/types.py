"""The types of a stack file's texts: names, versions, sizes. A text of the wrong form is refused with a remedy."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from core.facts import kernel_arguments
from core.facts.versions import CURRENT

from .pattern import Pattern


class Model(BaseModel):
    """Frozen and closed: nothing changes after parsing, and a misspelt key is an error, not a default."""

    # Deferred, because a whole platform's schema contains those of all its parts: built once, where it is first used.
    # The docstrings of fields are descriptions for the JSON Schema alone: schema.py reads them, because reading them
    # here takes each command longer than judging a stack file.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


K = TypeVar("K", bound=str)
V = TypeVar("V")


def _natural(name: str) -> tuple[tuple[int, str | int], ...]:
    """A sort key that puts cp-2 before cp-10: each run of digits counts as one number."""
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", name) if p)


def _in_natural_order(entries: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({name: entries[name] for name in sorted(entries, key=lambda name: (_natural(name), name))})


def sorted_deep(value: Any) -> Any:
    """A value whose mappings, at any depth, have their keys in one order, whatever the order in the file."""
    if isinstance(value, Mapping):
        return {key: sorted_deep(value[key]) for key in sorted(value, key=str)}
    return [sorted_deep(each) for each in value] if isinstance(value, list) else value


# Sorted, so that the order in the file never shows in the plan; read-only, so that no layer changes another's view.
ByName = Annotated[Mapping[K, V], AfterValidator(_in_natural_order), PlainSerializer(dict)]

Name = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a DNS label",
        "host names and names of Kubernetes objects are made from it",
        "use at most 63 of a-z, 0-9 and -, e.g. cp-1",
    ),
]

Architecture = Literal["amd64", "arm64"]
"""The processor architectures that Talos is made for, as Talos and container images name them."""

# No pattern: a class that does not exist is reported together with the names of those that do.
ClassName = Annotated[str, WithJsonSchema({"type": "string"})]

Place = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
        "a valid name of a place",
        "with location.zone it becomes the value of a node label",
        "use at most 63 of A-Z a-z 0-9 _ . -, e.g. r12",
    ),
]

# Source: Linux, dev_valid_name and net.ipv4.conf: sysctls of all and default hold for every link.
LinkName = Annotated[
    str,
    Pattern(
        r"(?!(lo|all|default)$)[A-Za-z][A-Za-z0-9_.-]{0,14}",
        "a valid name of a network link",
        "the kernel allows at most 15 characters, and keeps lo, all and default for itself",
        "write e.g. eth0 or enp1s0",
    ),
]

_NUMBER = "(0|[1-9][0-9]*)"


def _release(example: str) -> Pattern:
    """The form of a component's releases, with one of them as the example."""
    with_v = example.startswith("v")
    return Pattern(
        rf"{'v' * with_v}{_NUMBER}\.{_NUMBER}\.{_NUMBER}",
        "an exact release" if with_v else "an exact chart version",
        "with a moving version, two plans of one file would differ",
        f"write all three numbers{'' if with_v else ' without a v'}, e.g. {example}",
    )


TalosVersion = Annotated[str, _release(CURRENT["talos"])]
KubernetesVersion = Annotated[str, _release(CURRENT["kubernetes"])]
KubeVirtVersion = Annotated[str, _release(CURRENT["kubevirt"])]
CdiVersion = Annotated[str, _release(CURRENT["cdi"])]
ChartVersion = Annotated[str, _release(CURRENT["cilium"])]

Contract = Annotated[
    str,
    Pattern(
        r"v\d+\.\d+",
        "a configuration contract",
        "a contract names the schema of the machine config, and each Talos minor has one",
        f"write e.g. {CURRENT['contract']}",
    ),
]

SchematicId = Annotated[
    str,
    Pattern(
        r"[0-9a-f]{64}",
        "a schematic id",
        "Image Factory names images by the SHA-256 of their schematic",
        "write its 64 hexadecimal digits",
    ),
]

Extension = Annotated[
    str,
    Pattern(
        r"siderolabs/[a-z0-9][a-z0-9._-]*",
        "the name of a system extension",
        "Image Factory builds images only from the extensions of its own catalogue",
        "write e.g. siderolabs/intel-ucode, without a version: the version follows Talos",
    ),
]

OverlayName = Annotated[
    str,
    Pattern(
        r"[a-z0-9][a-z0-9_-]*",
        "the name of an overlay",
        "Image Factory selects a board's overlay by this name",
        "write e.g. rpi_generic",
    ),
]

KernelArgument = Annotated[
    str,
    Pattern(
        kernel_arguments.PATTERN,
        "one kernel argument",
        "boot loaders split a line at blanks and run what follows ; && || or a line break",
        "write one argument per list entry, e.g. console=ttyS1,115200, and blanks within double quotes only; "
        "docs/stack-file.md lists the characters",
    ),
]

Line = Annotated[
    str,
    Pattern(r".{1,200}", "a line of text", "it is shown in plans", "write at most 200 characters that can be printed"),
]
