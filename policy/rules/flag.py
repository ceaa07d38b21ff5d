"""A command line flag of a Kubernetes component that Talos sets securely and a patch must not weaken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.facts.flag_names import canonical

from .field import Field
from .rule import Resource, Rule, Severity
from .talos import APPLY

Bad = Callable[[str], bool]

# Where each component's flags live: the legacy field, and the document that replaces it from contract v1.14.
PARTS = {
    "apiServer": (("cluster", "apiServer"), "KubeAPIServerConfig"),
    "controllerManager": (("cluster", "controllerManager"), "KubeControllerManagerConfig"),
    "scheduler": (("cluster", "scheduler"), "KubeSchedulerConfig"),
    "etcd": (("cluster", "etcd"), ""),
    "kubelet": (("machine", "kubelet"), "KubeletConfig"),
}


def components(resource: Resource, part: str) -> list[Field]:
    """The places that hold a component's flags: the v1alpha1 field, then each document of its kind."""
    legacy, document = PARTS[part]
    return [resource.config.v1alpha1.at(*legacy), *resource.config.of(document)]


def arguments(component: Field, flag: str) -> list[Field]:
    """A component's values of a flag, by whichever name the program reads as that flag."""
    flags = component["extraArgs"]
    return [Field(value.value, f"{flags.path}.{flag}") for name, value in flags.entries() if canonical(name) == flag]


def untrue(value: str) -> bool:
    """Whether a flag's value is anything but true."""
    return value.lower() not in ("true", "t", "1")


def unfalse(value: str) -> bool:
    """Whether a flag's value is anything but false."""
    return value.lower() not in ("false", "f", "0")


def anything(_: str) -> bool:
    """Accepts every value: for flags that must not be set at all."""
    return True


def below(least: int) -> Bad:
    """A test for values that are not a number, or smaller than `least`."""
    return lambda value: not value.isdecimal() or int(value) < least


def reachable(value: str) -> bool:
    """Whether an address can be reached from outside of the node."""
    return value not in ("127.0.0.1", "::1", "localhost")


def names(*bad: str) -> Bad:
    """A test for comma-separated lists that contain one of these words."""
    return lambda value: any(part.strip() in bad for part in value.split(","))


def weak_tls(value: str) -> bool:
    """Whether a minimum TLS version is older than 1.2."""
    return value not in ("VersionTLS12", "VersionTLS13")


def weak_ciphers(value: str) -> bool:
    """Whether a list of cipher suites contains one without forward secrecy or with CBC."""
    return any(
        not cipher.strip().startswith(("TLS_ECDHE_", "TLS_AES_", "TLS_CHACHA20_")) or "CBC" in cipher
        for cipher in value.split(",")
    )


@dataclass(frozen=True)
class Flag:
    """One command line flag that a patch must not weaken, and the rule that says so."""

    rule: str
    part: str
    flags: tuple[str, ...]  # names in extraArgs
    bad: Bad
    must: str  # the requirement as messages state it: "must stay false"
    why: str
    controls: tuple[str, ...]
    severity: Severity = "high"
    config: str | None = None  # the same setting in the kubelet's own configuration
    default: str | None = None  # what Kubernetes takes where neither Talos nor the config sets it, if that is bad

    def check(self, resource: Resource) -> Iterator[str]:
        """Yields each place where the flag has a forbidden value, or that it is not set where it must be."""
        found = components(resource, self.part)
        places = [place for component in found for place in self._places(component) if place.given]
        for place in places:
            if any(self.bad(value) for value in _values(place)):
                yield f"{place.path} {self.must}"
        if not places and self.default is not None and self._runs(resource):
            yield f"{found[-1].path}: {self.config or self.flags[0]} is not set, and {self.must}"

    def _places(self, component: Field) -> Iterator[Field]:
        yield from (place for flag in self.flags for place in arguments(component, flag))
        if self.config:
            yield from (component[body][self.config] for body in ("extraConfig", "config"))

    def _runs(self, resource: Resource) -> bool:
        """Whether the machine is known to run the component, by its whole configuration."""
        return resource.known_controlplane or (self.part == "kubelet" and resource.inputs["base"].given)


def _values(place: Field) -> list[str]:
    return [text for each in _each(place) if (text := each.scalar()) is not None]


def _each(place: Field) -> list[Field]:
    return place.items() if isinstance(place.value, list) else [place]


def flag_rules(flags: Iterable[Flag]) -> tuple[Rule, ...]:
    """One rule for each flag."""
    return tuple(
        Rule(
            name=flag.rule,
            why=flag.why,
            remedy="set this value, or remove the field from the patch to keep Talos' default",
            severity=flag.severity,
            kinds=APPLY,
            check=flag.check,
            controls=flag.controls,
        )
        for flag in flags
    )
