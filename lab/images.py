"""Container images made from built binaries, the same bytes every time.

No image builder is needed for this: a layer is a tar file, and two small JSON documents say so.
The store is a directory with `blobs/<sha256>`, `index.json` and `layers.json`; `lab.registry` serves it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import layers
from .layers import Layer
from .locks import exclusive

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: `files` maps paths inside to files here, `links` to link targets; `below` are layers under them."""

    name: str
    entrypoint: Sequence[str]
    files: Mapping[str, Path] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Sequence[str] = ()
    shared: Sequence[str] = ("tmp",)
    capabilities: Mapping[str, bytes] = field(default_factory=dict)
    command: Sequence[str] = ()
    user: str = ""
    folder: str = ""
    below: Sequence[Layer] = ()

    @property
    def path(self) -> str:
        """The name by which a mirror serves it: without the registry's host."""
        host, _, rest = self.name.partition("/")
        # Docker's rule: a first part with neither dot nor port is no host, but a folder of docker.io.
        return rest if set(".:") & set(host) else self.name

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, the lowest first."""
        own = Layer(
            files=self.files,
            links=self.links,
            directories=self.directories,
            shared=self.shared,
            capabilities=self.capabilities,
            texts={} if self.below else _ACCOUNTS,
        )
        return (*self.below, own)

    def fingerprint(self) -> str:
        """Changes when anything that goes into the image may have changed."""
        about = [3, self.name, list(self.entrypoint), list(self.command), self.user, self.folder]
        recipe = [*about, [layer.recipe() for layer in self.layers]]
        return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


# What programs look up of users, where no layer below has it.
_ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n",
    "etc/group": b"root:x:0:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": b"hosts: files dns\n",
}


class Store:
    """Images on disk, ready to be served."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = directory / "blobs"
        self._index = directory / "index.json"
        self._layers = directory / "layers.json"

    def index(self) -> dict[str, dict[str, Any]]:
        """`path:tag` -> digest, media type and fingerprint."""
        try:
            loaded: dict[str, dict[str, Any]] = json.loads(self._index.read_text())
        except FileNotFoundError:
            return {}
        return loaded

    def digest(self, path: str) -> str:
        """The digest of the image `path:tag`; empty if there is none."""
        return str(self.index().get(path, {}).get("digest", ""))

    def keep(self, file: Path) -> str:
        """Serve a file by its SHA-256, which is returned: at /files/SHA-256/NAME."""
        self.blobs.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if not (self.blobs / digest).exists():
            fresh = self.blobs / f".{digest}.{os.getpid()}"
            shutil.copyfile(file, fresh)
            fresh.replace(self.blobs / digest)
        return digest

    def add(self, images: Iterable[Image]) -> list[str]:
        """Make the images that are missing or stale; returns their names. Labs that start at once take turns."""
        self.blobs.mkdir(parents=True, exist_ok=True)
        with exclusive(self.directory / ".lock"):
            return self._add(images)

    def _add(self, images: Iterable[Image]) -> list[str]:
        index, built = self.index(), []
        for image in images:
            mark, entry = image.fingerprint(), index.get(image.path)
            if entry and entry["fingerprint"] == mark and (self.blobs / entry["digest"].partition(":")[2]).exists():
                continue
            index[image.path] = {**self._build(image), "fingerprint": mark, "name": image.name}
            built.append(image.name)
        if built:
            _write(self._index, index)
        return built

    def _put(self, raw: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(raw).hexdigest()
        fresh = self.blobs / f".{digest}.{os.getpid()}"
        fresh.write_bytes(raw)
        fresh.replace(self.blobs / digest)
        return {"digest": f"sha256:{digest}", "size": len(raw)}

    def _layer(self, layer: Layer) -> dict[str, Any]:
        """The descriptor of a layer, which is written unless an image here has it already."""
        mark = layer.fingerprint()
        known: dict[str, dict[str, Any]] = json.loads(self._layers.read_text()) if self._layers.exists() else {}
        if mark in known and (self.blobs / known[mark]["digest"].partition(":")[2]).exists():
            return known[mark]
        scratch = self.blobs / f".layer.{os.getpid()}"
        layers.write(layer, scratch)
        with scratch.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        made = {"mediaType": LAYER, "digest": f"sha256:{digest}", "size": scratch.stat().st_size}
        scratch.replace(self.blobs / digest)
        _write(self._layers, {**known, mark: made})
        return made

    def _build(self, image: Image) -> dict[str, Any]:
        stack = [self._layer(layer) for layer in image.layers]
        config: dict[str, Any] = {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": list(image.entrypoint),
                "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            },
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in stack]},
        }
        for key, value in (("Cmd", list(image.command)), ("User", image.user), ("WorkingDir", image.folder)):
            if value:
                config["config"][key] = value
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self._put(json.dumps(config, sort_keys=True).encode())},
            "layers": stack,
        }
        return self._put(json.dumps(manifest, sort_keys=True).encode())


def _write(file: Path, content: object) -> None:
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(content, indent=1, sort_keys=True))
    fresh.replace(file)
