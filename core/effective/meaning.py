"""What a field of a machine's config comes to: a flag of a program, a setting of the kubelet, or the field itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.machineconfig.differences import fields_that_differ
from core.machineconfig.merge import LEGACY, Key
from core.machineconfig.redaction import shown_value
from core.machineconfig.written import duration

from .flags import Flag
from .normal import place
from .runs import Runs
from .section import Section, at

Path = tuple[str, ...]
Origin = Callable[[Key, Path], str]
"""What sets the value at a path of a document, as a report names it; empty where nothing does."""

# Program to the kind of document with its flags, and to the path of its section in the large document.
_SECTIONS: Mapping[str, tuple[str, Path]] = {
    "etcd": ("", ("cluster", "etcd")),
    "kube-apiserver": ("KubeAPIServerConfig", ("cluster", "apiServer")),
    "kube-controller-manager": ("KubeControllerManagerConfig", ("cluster", "controllerManager")),
    "kube-scheduler": ("KubeSchedulerConfig", ("cluster", "scheduler")),
    "kubelet": ("KubeletConfig", ("machine", "kubelet")),
}
_KUBELET = _SECTIONS["kubelet"]
# What Talos makes of fields of the config: flags and settings of the kubelet, each to the kind and the path of a field.
_NETWORK = ("KubeNetworkConfig", ("cluster", "network"))
_ENDPOINT = ("KubeClusterConfig", ("cluster", "controlPlane"), "endpoint")
_NODE = ("KubeNodeConfig", ("machine", "kubelet"))
_MADE_OF: Mapping[str, tuple[str, Path, str]] = {
    "service-cluster-ip-range": (*_NETWORK, "serviceSubnets"),
    "cluster-cidr": (*_NETWORK, "podSubnets"),
    "clusterDNS": (*_NETWORK, "serviceSubnets"),
    "clusterDomain": (*_NETWORK, "dnsDomain"),
    "service-account-issuer": _ENDPOINT,
    "api-audiences": _ENDPOINT,
    "node-ip": (*_NODE, "nodeIP"),
    "advertise-address": (*_NODE, "nodeIP"),
    "advertise-client-urls": ("", ("cluster", "etcd"), "advertisedSubnets"),
    "initial-advertise-peer-urls": ("", ("cluster", "etcd"), "advertisedSubnets"),
    "listen-client-urls": ("", ("cluster", "etcd"), "advertisedSubnets"),
    "listen-client-http-urls": ("", ("cluster", "etcd"), "advertisedSubnets"),
    "listen-peer-urls": ("", ("cluster", "etcd"), "advertisedSubnets"),
    "seccompDefault": (*_KUBELET, "defaultRuntimeSeccompProfileEnabled"),
    "staticPodPath": (*_KUBELET, "disableManifestsDirectory"),
    "registerWithTaints": ("KubeNodeConfig", ("cluster",), "taints"),
}


@dataclass(frozen=True)
class Effect:
    """One thing that a machine runs otherwise than before. Holds no secret."""

    what: str
    """A flag such as kube-apiserver --profiling, a setting such as kubelet maxPods, or a kernel argument."""
    before: str
    after: str
    origin: str
    """What sets the new value: a key or a patch of the stack file, or the default of a release; empty if nothing."""


def target(key: Key, path: Path) -> tuple[str, Path]:
    """The program and the flag, or the kubelet and the setting, that a field sets; an empty text and its own path."""
    kind = "" if key == LEGACY else key[0]
    for program, (of, legacy) in _SECTIONS.items():
        below = legacy if kind == "" else ()
        if kind not in ("", of) or path[: len(below)] != below:
            continue
        rest = path[len(below) :]
        if len(rest) == 2 and rest[0] == "extraArgs":
            return f"{program} --{rest[1]}", ()
        settings = "extraConfig" if kind == "" else "config"
        if program == "kubelet" and len(rest) > 1 and rest[0] == settings:
            return "kubelet", rest[1:]
        if program == "kubelet" and rest == ("clusterDNS",):
            return "kubelet", rest
    return "", path


def in_effect(runs: Runs, key: Key, path: Path) -> Any:
    """The value that a field has in effect. It is the same for two configs if the field makes no difference."""
    name, below = target(key, path)
    if name == "kubelet":
        return _seconds(at(runs.kubelet, *below))
    if name:
        program, _, flag = name.partition(" --")
        made = runs.programs.get(program)
        return made and (made.denied.get(flag), made.flags.get(flag, Flag((), "")).values)
    document = runs.documents.get(key)
    return document if document is None else at(document, *place(key, path))


def _seconds(value: Any) -> Any:
    """A setting of the kubelet, a duration such as 1m0s as that many seconds."""
    return duration(value)


def effects(before: Runs, after: Runs, origin: Origin) -> Iterator[Effect]:
    """What a machine runs otherwise under another config or release. origin: of the new config."""
    for name in sorted({*before.programs, *after.programs}):
        yield from _flags(name, before, after, origin)
    for path, was, now in fields_that_differ(dict(before.kubelet), dict(after.kubelet)):
        if _seconds(was) != _seconds(now):
            texts = shown_value(path, was), shown_value(path, now)
            yield Effect(f"kubelet {'.'.join(path)}", *texts, _setting_origin(after, path, now, origin))


def _flags(name: str, before: Runs, after: Runs, origin: Origin) -> Iterator[Effect]:
    was, now = before.programs.get(name), after.programs.get(name)
    if was is None or now is None:
        yield Effect(name, "runs" if was else "(none)", "runs" if now else "(none)", "")
        return
    for flag in sorted({*was.flags, *now.flags}):
        old, new = was.flags.get(flag), now.flags.get(flag)
        if (old.values if old else None) != (new.values if new else None):
            texts = _shown(flag, old), _shown(flag, new)
            upgraded = _upgraded(before, after) if old is None or new is None else ""
            source = _flag_origin(name, flag, after, upgraded, origin)
            yield Effect(f"{name} --{flag}", *texts, source if new or upgraded else "")


def _upgraded(before: Runs, after: Runs) -> str:
    """The default that moves with another release, as an origin; empty where both run the same releases."""
    if before.talos != after.talos:
        return _default(after)
    return f"{_default(after)} with Kubernetes {after.kubernetes}" if before.kubernetes != after.kubernetes else ""


def _shown(flag: str, given: Flag | None) -> str:
    if given is None:
        return "(none)"
    if not given.values:
        return "(known to the machine alone)"
    return shown_value((flag,), given.values[0] if len(given.values) == 1 else list(given.values))


def _flag_origin(program: str, flag: str, after: Runs, upgraded: str, origin: Origin) -> str:
    """upgraded: the default of another release, if only that can be why the flag is there, or is not any more."""
    kind, legacy = _SECTIONS[program]
    section = after.config.section(kind, *legacy)
    if flag in section.mapping("extraArgs"):
        return origin(section.key, (*section.path, "extraArgs", flag))
    made_of = _made_of(flag, after, origin)
    return upgraded or (_default(after) if made_of is None else made_of)


def _setting_origin(after: Runs, path: Path, now: Any, origin: Origin) -> str:
    kind, legacy = _KUBELET
    section = after.config.section(kind, *legacy)
    settings = "config" if section.key != LEGACY else "extraConfig"
    if at(section.value, settings, *path) == now:
        return origin(section.key, (*section.path, settings, *path)) if now is not None else ""
    made_of = _made_of(path[0], after, origin)
    return _default(after) if made_of is None else made_of


def _made_of(name: str, after: Runs, origin: Origin) -> str | None:
    """The origin of the field that Talos makes a flag or a setting of; None where it makes it of none that is set."""
    kind, legacy, field = _MADE_OF.get(name, ("", (), ""))
    section: Section = after.config.section(kind, *legacy)
    return origin(section.key, (*section.path, field)) if field and section.get(field) is not None else None


def _default(runs: Runs) -> str:
    return f"the default of Talos {runs.talos}"


def kernel_effects(before: Iterable[str], after: Mapping[str, str], removed: str) -> Iterator[Effect]:
    """Kernel arguments that differ.

    before: texts. after: each text to its origin. removed: the origin of one that is not there any more.
    """
    for text in sorted({*before} ^ {*after}):
        states = ("(none)", "set") if text in after else ("set", "(none)")
        shown = shown_value((text.partition("=")[0],), text)
        yield Effect(f"kernel argument {shown}", *states, after.get(text, removed))
