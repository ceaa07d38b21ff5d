"""A guest's cloud-config: a mapping whose keys cloud-init knows, because it ignores all others silently."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from core.facts.cloudconfig import ELSEWHERE, LISTS, MAPPINGS, MOST_BYTES, misspelt

from .faults import refuse
from .pattern import Visible


def _cloud_config(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for key, inner in value.items():
        if key.startswith("#"):
            refuse(f"{_short(key)} is not a key", "Bedplate writes the line #cloud-config itself", "remove it")
        if key in ELSEWHERE:
            refuse(
                f"{key} is not a key of a cloud-config",
                f"cloud-init reads it from its {ELSEWHERE[key]}, which KubeVirt writes",
                "remove it",
            )
        _has_its_type(key, inner)
    meant = {key: known for key in value if (known := misspelt(key))}
    if meant:
        verb = "is not a key" if len(meant) == 1 else "are not keys"
        refuse(
            f"{' and '.join(map(_short, meant))} {verb} of a cloud-config",
            "cloud-init ignores what it does not know, and the guest would start without it",
            f"did you mean {' and '.join(meant.values())}?",
        )
    if (size := _bytes(value)) > MOST_BYTES:
        refuse(
            f"has {size >> 10} KiB",
            f"the VM gets it in a Secret, and Kubernetes stores none of more than {MOST_BYTES >> 10} KiB",
            "put large files and long lists into the image, or have the guest load them from a server",
        )
    return value


def _bytes(value: Any) -> int:
    """The least that a value takes in YAML: its names and scalars, each with what separates it from the next."""
    if isinstance(value, Mapping):
        return sum(_bytes(key) + _bytes(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value))
    return len(str(value).encode("utf-8", "surrogatepass")) + 2


def _has_its_type(key: str, value: Any) -> None:
    if value is None:
        return
    if key in LISTS and not isinstance(value, list | tuple):
        refuse(f"{key} is not a list", "cloud-init would skip it with an error", f"write {key}: […]")
    if key in MAPPINGS and not isinstance(value, Mapping):
        refuse(f"{key} is not a mapping", "cloud-init would skip it with an error", f"write {key}: {{…}}")


def _short(key: str) -> str:
    return ascii(key) if len(key) <= 40 else "one of its keys"


CloudConfig = Annotated[Mapping[str, Any], Visible, AfterValidator(_cloud_config)]
