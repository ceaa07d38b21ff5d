"""The images of Cilium: those that its chart names and that the platform's values use."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.cilium_images import OWN, REPOSITORY, cilium_images
from core.manifests import cilium
from core.model import Platform

# Image to the value of the chart that names its repository.
# Source: cilium/cilium, install/kubernetes/cilium/values.yaml at 1.19 and 1.20.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "agent": ("image",),
    "operator": ("operator", "image"),
    "envoy": ("envoy", "image"),
    "relay": ("hubble", "relay", "image"),
    "ui": ("hubble", "ui", "frontend", "image"),
    "ui-backend": ("hubble", "ui", "backend", "image"),
    "certgen": ("certgen", "image"),
}


def is_known(platform: Platform) -> bool:
    """Whether the images of the chart are known: the release knows the chart's version and contents."""
    return platform.cilium.chart == "cilium" and platform.cilium.version in cilium_images()


def images_of(platform: Platform) -> Iterator[str]:
    """The images that the platform's values use. Of a chart that is not known: those with Cilium's own version."""
    values = cilium.values(platform)
    known = cilium_images().get(platform.cilium.version, {}) if is_known(platform) else _guessed(platform)
    for name in used(values):
        if name in known:
            yield _moved(known[name], _at(values, *_VALUES[name], "repository"), suffix=name == "operator")


def used(values: Mapping[str, Any]) -> list[str]:
    """The names of the images that a release of the chart uses with these values."""
    names = ["agent", "operator"]
    if _at(values, "envoy", "enabled") is not False:
        names.append("envoy")
    if _at(values, "hubble", "enabled") is not False:
        # The job that makes the certificates of Hubble.
        names.append("certgen")
        if _at(values, "hubble", "relay", "enabled"):
            names.append("relay")
        if _at(values, "hubble", "ui", "enabled"):
            names += ["ui", "ui-backend"]
    return names


def _guessed(platform: Platform) -> dict[str, str]:
    return {name: f"{REPOSITORY}/{image}:v{platform.cilium.version}" for name, image in OWN.items()}


def _moved(image: str, repository: Any, suffix: bool) -> str:
    """The image in another repository, if the values name one. suffix: the chart adds -generic to that one."""
    if not isinstance(repository, str):
        return image
    rest = image.rpartition("/")[2].partition(":")[2]
    return f"{repository}{'-generic' if suffix else ''}:{rest}"


def _at(values: Mapping[str, Any], *path: str) -> Any:
    value: Any = values
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
