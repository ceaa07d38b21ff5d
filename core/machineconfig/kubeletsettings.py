"""Which settings the kubelet has, and of which type: Talos converts those of a config strictly, once the machine runs.

Source: KubeletConfiguration in k8s.io/kubelet, config/v1beta1, at the version that each Talos release is built with:
v0.35.0 in v1.12 (the same fields as v0.35.3 in v1.13), and v0.37.0 in v1.14. The kubelet's own release decides
nothing: Talos writes the file, and the kubelet skips what it does not know. The files are in core/facts/shapes/.
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from core.facts.document_fields import PATCH, SHAPES, Problem, Shape, is_whole, noun
from core.facts.versions import Minor, spell

_NOUNS = {
    "bool": "true or false",
    "text": "a text in quotes",
    "int": "a whole number",
    "uint": "a whole number from 0 on",
    "number": "a number",
    "duration": "a duration in quotes",
}
# By name of the field, as the kubelet's own defaults are, and by type for all others.
_EXAMPLES = {
    "allowedUnsafeSysctls": '["net.core.somaxconn"]',
    "containerLogMaxFiles": "5",
    "containerLogMaxSize": '"10Mi"',
    "cpuManagerPolicy": '"static"',
    "enforceNodeAllocatable": '["pods"]',
    "eventBurst": "100",
    "eventRecordQPS": "50",
    "evictionHard": '{memory.available: "100Mi"}',
    "evictionSoft": '{memory.available: "300Mi"}',
    "evictionSoftGracePeriod": '{memory.available: "1m30s"}',
    "featureGates": "{NodeSwap: true}",
    "healthzPort": "10248",
    "imageGCHighThresholdPercent": "85",
    "imageGCLowThresholdPercent": "80",
    "kubeAPIBurst": "100",
    "kubeAPIQPS": "50",
    "kubeReserved": '{cpu: "100m", memory: "256Mi"}',
    "maxOpenFiles": "1000000",
    "maxPods": "110",
    "memory.available": '"100Mi"',
    "memoryManagerPolicy": '"Static"',
    "memorySwap": '{swapBehavior: "NoSwap"}',
    "memoryThrottlingFactor": "0.9",
    "nodeStatusMaxImages": "50",
    "podPidsLimit": "8192",
    "registerWithTaints": '[{key: "example.com/gpu", effect: "NoSchedule"}]',
    "registryBurst": "10",
    "registryPullQPS": "5",
    "reservedSystemCPUs": '"0-1"',
    "tlsCipherSuites": '["TLS_AES_128_GCM_SHA256"]',
    "tlsMinVersion": '"VersionTLS13"',
    "topologyManagerPolicy": '"best-effort"',
    "topologyManagerScope": '"container"',
}
_BY_TYPE = {"bool": "true", "text": '"…"', "int": "1", "uint": "1", "number": "0.5", "duration": '"30s"'}
# Source: Go's time.ParseDuration.
_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)


@cache
def settings(release: Minor) -> dict[str, Shape]:
    """The fields of the KubeletConfiguration of a Talos release, each with its type."""
    known = "v1.14" if release >= (1, 14) else "v1.12"
    read: dict[str, Shape] = json.loads((SHAPES / f"kubelet-{known}.json").read_text(encoding="utf-8"))
    return read


def problems(written: Mapping[str, Any], release: Minor) -> Iterator[Problem]:
    """What Talos can't convert of the kubelet's settings in a patch. The places are relative to the settings."""
    yield from _fields((), written, settings(release), release)


def _fields(
    path: tuple[str, ...], value: Mapping[str, Any], shape: Mapping[str, Shape], release: Minor
) -> Iterator[Problem]:
    if value.get(PATCH) == "delete":
        return
    for key, inner in value.items():
        below = shape.get(str(key), shape.get("*"))
        if below is None:
            what = f"is not a setting of the kubelet that Talos {spell(release)} has"
            yield Problem((*path, str(key)), what, _meant(str(key), shape))
        else:
            yield from _value((*path, str(key)), inner, below, release)


def _meant(key: str, shape: Mapping[str, Shape]) -> str:
    folded = {name.casefold(): name for name in shape}
    near = get_close_matches(key.casefold(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return "look the setting up in Kubernetes' reference of KubeletConfiguration, v1beta1"


def _value(path: tuple[str, ...], value: Any, shape: Shape, release: Minor) -> Iterator[Problem]:
    if value is None or shape == "any" or (isinstance(value, Mapping) and value.get(PATCH) == "delete"):
        return
    if isinstance(shape, str):
        if not _fits(value, shape):
            yield _wrong(path, value, shape, _NOUNS[shape])
    elif "[]" in shape:
        if not isinstance(value, list | tuple):
            yield _wrong(path, value, shape, "a list")
            return
        for number, inner in enumerate(value):
            yield from _value((*path, str(number)), inner, shape["[]"], release)
    elif not isinstance(value, Mapping):
        yield _wrong(path, value, shape, "a mapping")
    else:
        yield from _fields(path, value, shape, release)


def _wrong(path: tuple[str, ...], value: Any, shape: Shape, wanted: str) -> Problem:
    name = next(part for part in reversed(path) if not part.isdigit())
    example = _example(name, shape)
    if path[-1].isdigit():
        # The fault is in an entry; the whole list is the example.
        example = _EXAMPLES.get(name, f"[{example}]")
    return Problem(path, f"is {noun(value)}, and the kubelet takes {wanted} here", f"write {name}: {example}")


def _example(name: str, shape: Shape) -> str:
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    if isinstance(shape, str):
        return _BY_TYPE.get(shape, "…")
    if "[]" in shape:
        return f"[{_example('', shape['[]'])}]"
    key, below = next(iter(shape.items()))
    return f"{{{'…' if key == '*' else key}: {_example('' if key == '*' else key, below)}}}"


def _fits(value: Any, shape: str) -> bool:
    """Whether Talos' converter takes the value. Unlike YAML's reader, it makes no text of a number.

    Source: k8s.io/apimachinery, pkg/runtime/converter.go, fromUnstructured.
    """
    if shape == "bool":
        return isinstance(value, bool)
    if shape == "text":
        return isinstance(value, str)
    if shape == "duration":
        return isinstance(value, str) and bool(_DURATION.fullmatch(value))
    if shape == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return is_whole(value) and (shape == "int" or value >= 0)
