"""The files core/machineconfig/shapes/kubelet-*.json, derived from the Go source of the kubelet's configuration.

`python -m tests.machineconfig.kubelet` writes both, after a change of VERSIONS.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.facts.document_fields import SHAPES, Shape

VERSIONS = {"kubelet-v1.12.json": "v0.35.0", "kubelet-v1.14.json": "v0.37.0"}
"""File to the version of Kubernetes' modules that those Talos releases are built with."""
ROOT = "KubeletConfiguration"
# Import name in the source to module and folder.
_PACKAGES = {
    "": ("kubelet", "config/v1beta1"),
    "metav1": ("apimachinery", "pkg/apis/meta/v1"),
    "v1": ("api", "core/v1"),
    "logsapi": ("component-base", "logs/api/v1"),
    "tracingapi": ("component-base", "tracing/api/v1"),
}
_BASIC = {"bool": "bool", "string": "text", "float64": "number"}
# Types with a converter of their own.
_OWN: dict[str, Shape] = {
    "metav1.Duration": "duration",
    "v1.ResourceList": {"*": "any"},
    **dict.fromkeys(("metav1.Time", "TimeOrMetaDuration", "resource.QuantityValue"), "any"),
}
_TYPE = re.compile(r"^type (\w+) (?:struct \{(.*?)^\}|(\S+)$)", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r'^\t(?:\w+ +)?(\S+) +`json:"([^",]*)', re.MULTILINE)


class NoSource(Exception):
    """The modules are neither on this machine nor to be had."""


def folders(version: str) -> dict[str, Path]:
    """Module to the folder with its source, of Go's cache or its proxy. Raises NoSource where both lack one."""
    modules = sorted({module for module, _ in _PACKAGES.values()})
    named = [f"k8s.io/{module}@{version}" for module in modules]
    command = [shutil.which("go") or "go", "mod", "download", "-json", *named]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd="/", check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSource(f"go mod download: {type(error).__name__}") from None
    if done.returncode:
        raise NoSource(f"go mod download: {done.stderr or done.stdout}")
    texts = re.findall(r'"Dir": (".*")', done.stdout)
    return dict(zip(modules, (Path(json.loads(text)) for text in texts), strict=True))


def derived(version: str) -> dict[str, Shape]:
    """What the file of a version holds: the name of each field to its type."""
    made = _Source(folders(version)).struct("", ROOT, ())
    assert made
    return made


class _Source:
    """The types of each package: name to the body of a struct, and to what any other type is made of."""

    def __init__(self, modules: Mapping[str, Path]) -> None:
        self.structs: dict[tuple[str, str], str] = {}
        self.others: dict[tuple[str, str], str] = {}
        for package, (module, folder) in _PACKAGES.items():
            for file in (modules[module] / folder).glob("*types.go"):
                for name, body, other in _TYPE.findall(file.read_text(encoding="utf-8")):
                    (self.others if other else self.structs)[package, name] = other or body

    def struct(self, package: str, name: str, outer: tuple[str, ...]) -> dict[str, Any]:
        return dict(self._fields(package, name, outer))

    def _fields(self, package: str, name: str, outer: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        assert name not in outer, f"{name} contains itself"
        for kind, field in _FIELD.findall(self.structs[package, name]):
            if not field:  # The fields of an embedded struct are its own.
                yield from self._fields(*self._named(package, kind), (*outer, name))
            else:
                yield field, self.node(package, kind.removeprefix("*"), (*outer, name))

    def node(self, package: str, kind: str, outer: tuple[str, ...]) -> Shape:
        """A Go type as the file writes it."""
        if kind in _BASIC:
            return _BASIC[kind]
        if integer := re.fullmatch(r"(u?int)\d*", kind):
            return integer[1]
        if kind.startswith("[]"):
            return {"[]": self.node(package, kind[2:], outer)}
        if kind.startswith("map[string]"):
            return {"*": self.node(package, kind.removeprefix("map[string]"), outer)}
        if kind in _OWN:
            return _OWN[kind]
        named = self._named(package, kind)
        if named in self.structs:
            return self.struct(*named, outer)
        return self.node(named[0], self.others[named], outer)

    def _named(self, package: str, kind: str) -> tuple[str, str]:
        of, _, name = kind.rpartition(".")
        return of or package, name


def lines(shapes: Mapping[str, Shape]) -> str:
    """The file: one field a line, so that a difference shows which one changed."""
    rows = (
        f"{json.dumps(name)}: {json.dumps(shape, separators=(',', ':'), sort_keys=True)}"
        for name, shape in sorted(shapes.items())
    )
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    for file, version in VERSIONS.items():
        (SHAPES / file).write_text(lines(derived(version)), encoding="utf-8")
