"""Patches that are right by themselves, and that Talos refuses beside what else a machine's config has."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.machineconfig.documents.reach import controlplane_fields
from core.machineconfig.merge import LEGACY, Documents
from core.machineconfig.sources import Source
from core.model.faults import Fault, fault

from .owning import touches
from .section import at

_REFUSED = "Talos refuses a config with both"


@dataclass(frozen=True)
class _Switch:
    """A field that is true, by the kind of its document."""

    kind: str
    path: tuple[str, ...]

    def on(self, documents: Documents) -> bool:
        """Whether it is true in a config."""
        key = (self.kind, "") if self.kind else LEGACY
        return at(documents.get(key), *self.path) is True


# Source: siderolabs/talos, pkg/machinery/config/types/network/resolver.go, V1Alpha1ConflictValidate.
_SEARCH = ("machine", "network", "disableSearchDomain")
# Source: siderolabs/talos, pkg/machinery/config/types/v1alpha1/v1alpha1_validation.go and types/network/kubespan.go.
_KUBESPAN = (_Switch("", ("machine", "network", "kubespan", "enabled")), _Switch("KubeSpanConfig", ("enabled",)))
_DISCOVERY = _Switch("", ("cluster", "discovery", "enabled"))


def beside(source: Source, now: Documents) -> Iterator[Fault]:
    """What one patch sets that can't stand beside the rest of the config. now: the config with all patches."""
    kind = str(source.document.get("kind", ""))
    if not kind and touches(source.document, _SEARCH) == _SEARCH and ("ResolverConfig", "") in now:
        yield fault(
            (*source.place, *_SEARCH),
            "stands beside a ResolverConfig, which network.resolvers makes",
            _REFUSED,
            "write searchDomains: {disableDefault: true} in a document of kind ResolverConfig",
        )
    discovered = _DISCOVERY.on(now) or any(each == "DiscoveryServiceConfig" for each, _ in now)
    for switch in _KUBESPAN if not discovered else ():
        if kind == switch.kind and touches(source.document, switch.path) == switch.path and switch.on(now):
            yield fault(
                (*source.place, *switch.path),
                "turns KubeSpan on where discovery is off",
                "KubeSpan finds its peers by discovery, so Talos refuses it without",
                "remove it: cilium.encryption encrypts between machines",
            )


# What the API server puts into tokens, and which tokens it accepts, by the kind of the document.
_TOKENS = {
    "": tuple(("cluster", "apiServer", "extraArgs", flag) for flag in ("service-account-issuer", "api-audiences")),
    "KubeAPIServerConfig": tuple(("extraArgs", flag) for flag in ("service-account-issuer", "api-audiences")),
    "KubeServiceAccountConfig": (("issuer", "issuerURL"), ("accepted",)),
}


def on_one_control_plane(source: Source) -> Iterator[Fault]:
    """What every control plane must have alike, in a patch that one machine alone gets."""
    if source.place[:1] != ("machines",):
        return
    for path in _TOKENS.get(str(source.document.get("kind", "")), ()):
        if touches(source.document, path) == path:
            yield fault(
                (*source.place, *path),
                "sets on one control plane which tokens of service accounts the API accepts",
                "the other control planes would refuse the tokens that it issues",
                "move it to talos.patches",
            )


def on_workers(source: Source) -> Iterator[Fault]:
    """What only control planes have, in a patch that workers alone get."""
    for path in controlplane_fields(source.document):
        yield fault(
            (*source.place, *path),
            "is read on control planes alone",
            "Talos refuses such fields on workers, or ignores them",
            "move it to talos.patches, which give control planes what only they have",
        )
