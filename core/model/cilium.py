"""The `cilium` section: the pod network."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from core.facts import charts
from core.facts.versions import CURRENT

from .addresses import Network
from .faults import refuse
from .pattern import Pattern, Visible
from .ranges import Ranges
from .types import ChartVersion, Model, sorted_deep
from .urls import ChartsUrl

Chart = Annotated[
    str,
    Pattern(
        rf"{charts.NAME}|{charts.IN_CHECKOUT}|{charts.BY_DIGEST}",
        "a chart whose contents are pinned",
        "what a chart contains runs with all rights in the cluster, and Helm can read any file that a path reaches",
        "write a name in the repository, a path in the checkout that starts with ./, or oci://…@sha256:…",
    ),
]
ChartDigest = Annotated[
    str,
    Pattern(
        r"sha256:[0-9a-f]{64}",
        "the digest of a packed chart",
        "the chart is compared with it before Helm reads it",
        "write sha256: and the 64 digits that `sha256sum cilium-VERSION.tgz` prints",
    ),
]


def _values(value: Any) -> Any:
    if bad := next((path for path, inner in _leaves(value) if not isinstance(inner, bool | int | float | str)), None):
        refuse(
            f"{bad} is neither a text nor a number nor true or false" if bad else "is not a mapping",
            "Helm gets these values as YAML, and an empty one would delete what the chart sets",
            "write a value, or remove the key",
        )
    return sorted_deep(value)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is neither a mapping nor a list: its dotted path and itself."""
    if isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            name = str(key) if str(key).isprintable() else "a key"
            yield from _leaves(inner, f"{path}.{name[:40]}".removeprefix("."))
    elif path:
        yield path, value


class LoadBalancerSpec(Model):
    """Addresses for Services of type LoadBalancer."""

    pool: Ranges = Field(min_length=1, examples=["192.168.10.200-192.168.10.220"])
    """First to last address, announced on the node network that contains them; or a list of such ranges."""


class CiliumSpec(Model):
    """The pod network."""

    version: ChartVersion = Field(examples=[CURRENT["cilium"]])
    chart: Chart = "cilium"
    """The chart: its name in the repository; a folder or a packed chart of this checkout, as ./PATH without links; or
    an oci:// address with its digest."""
    repository: ChartsUrl | None = "https://helm.cilium.io"
    """The chart repository, which serves chart-version.tgz. Write null where chart is an oci:// address or a path."""
    digest: ChartDigest | None = None
    """SHA-256 of the packed chart. Unset: the one that this release knows of that version of Cilium."""
    encryption: Literal["wireguard", "none"] = "wireguard"
    """Encryption of packets between nodes."""
    hubble: bool = True
    """Observability of network flows."""
    load_balancer: LoadBalancerSpec | None = None
    node_ports: tuple[Network, ...] = ()
    """Networks of the machines in which the node ports of services are open. Empty: node ports are served at no
    address of a machine, because talos.firewall can't close them."""
    values: Annotated[Mapping[str, Any], BeforeValidator(_values), Visible] = {}
    """Further values of the chart, which no other field sets, e.g. bpf.mapDynamicSizeRatio."""
    mtu: Annotated[int, Field(ge=1280, le=65520, strict=True)] | None = None
    """Bytes of the largest packet of pods and VMs. Unset: Cilium takes the mtu of the link with the node's address,
    and guests that don't learn the smaller size of a tunnel's packets lose their larger ones."""

    @property
    def by_name(self) -> bool:
        """Whether the chart comes from the repository, and is neither in the checkout nor in a registry."""
        return not charts.is_pinned(self.chart)

    @property
    def sha256(self) -> str | None:
        """The 64 digits that a packed chart is compared with; None where there is nothing to compare."""
        if self.digest is not None:
            return self.digest.removeprefix("sha256:")
        return charts.CILIUM.get(self.version) if self.chart == "cilium" else None

    @property
    def source(self) -> str:
        """The address of the packed chart in the repository."""
        return f"{self.repository}/{self.chart}-{self.version}.tgz"
