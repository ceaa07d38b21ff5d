"""Images in Kubernetes objects: of containers, of disks, and in arguments and variables that name one."""

from collections.abc import Iterator, Mapping
from typing import Any

# A DataVolume names an image as an address of this scheme.
_SCHEME = "docker://"
# Arguments and variables by which a program gets the name of an image that it starts later.
_ARGUMENT = "-image="
_VARIABLE = "_IMAGE"


def found(manifest: Any) -> Iterator[str]:
    """Every image that an object names, in the order of the object; the same one twice where it is named twice."""
    if isinstance(manifest, Mapping):
        for key, value in manifest.items():
            if key == "image" and isinstance(value, str):
                yield value
            elif key == "url" and isinstance(value, str) and value.startswith(_SCHEME):
                yield value.removeprefix(_SCHEME)
            elif key == "env" and isinstance(value, list):
                yield from _variables(value)
            else:
                yield from found(value)
    elif isinstance(manifest, list | tuple):
        for each in manifest:
            yield from found(each)
    elif isinstance(manifest, str) and manifest.startswith("--") and _ARGUMENT in manifest:
        yield manifest.partition("=")[2]


def _variables(env: list[Any]) -> Iterator[str]:
    for each in env:
        if isinstance(each, Mapping) and str(each.get("name")).endswith(_VARIABLE) and each.get("value"):
            yield str(each["value"])
