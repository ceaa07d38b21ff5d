"""Settings of the kubelet in patches, with which Talos starts no kubelet."""

from collections.abc import Iterator, Mapping

from core.facts.versions import Minor, spell
from core.machineconfig.kubeletsettings import problems
from core.machineconfig.sources import Source
from core.model.faults import Fault, fault

from .kubelet import LOCKED
from .owned import owned
from .owning import touches
from .section import at

# Where the settings stand, by the kind of the document.
_SETTINGS = {"": ("machine", "kubelet", "extraConfig"), "KubeletConfig": ("config",)}


def locked(source: Source) -> Iterator[Fault]:
    """Settings that Talos sets itself, apiVersion and kind among them."""
    settings = _path(source)
    for path in [(*settings, field) for field in sorted(LOCKED)] if settings else ():
        if touches(source.document, path) == path:
            what = "is a setting of the kubelet that no config may set"
            yield fault((*source.place, *path), what, "Talos sets it itself, and refuses a config with it", "remove it")


def unconvertible(source: Source, release: Minor) -> Iterator[Fault]:
    """Settings that the kubelet does not have, and values of another type than a setting's. release: of Talos.

    Settings that Talos or a key of the stack file sets are refused whatever their value is, so nothing is said here.
    """
    settings = _path(source)
    written = at(source.document, *settings) if settings else None
    if not isinstance(written, Mapping):
        return
    said = LOCKED | {row.path[-1] for row in owned() if row.path[:-1] == settings}
    others = {key: value for key, value in written.items() if key not in said}
    for problem in problems(others, release):
        why = f"Talos {spell(release)} takes the config and then starts no kubelet with it"
        yield fault((*source.place, *settings, *problem.path), problem.what, why, problem.instead)


def _path(source: Source) -> tuple[str, ...]:
    return _SETTINGS.get(str(source.document.get("kind", "")), ())
