"""Container images made from built binaries: one plain layer each, the same bytes every time.

No image builder is needed for this: a layer is a tar file, and two small JSON documents say so.
The store is a directory with `blobs/<sha256>` and `index.json`; `lab.registry` serves it.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .locks import exclusive

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: `files` maps paths inside to files here, `links` to link targets."""

    name: str
    entrypoint: Sequence[str]
    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""

    @property
    def path(self) -> str:
        """The name by which a mirror serves it: without the registry's host."""
        host, _, rest = self.name.partition("/")
        # Docker's rule: a first part with neither dot nor port is no host, but a folder of docker.io.
        return rest if set(".:") & set(host) else self.name

    def fingerprint(self) -> str:
        """Changes when anything that goes into the image may have changed."""
        files = []
        for target, source in sorted(self.files.items()):
            stat = source.stat()
            files.append([target, str(source.resolve()), stat.st_size, stat.st_mtime_ns])
        recipe = [
            1,
            self.name,
            list(self.entrypoint),
            list(self.command),
            self.user,
            files,
            sorted(self.links.items()),
            sorted(self.directories),
        ]
        return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, 0
    return entry


def _write_layer(image: Image, target: Path) -> None:
    """The layer's tar: parents before children, owned by root, with no times in it."""
    parents: set[str] = {"tmp", *image.directories}
    for path in [*image.files, *image.links, *parents]:
        parents.update(str(parent) for parent in Path(path).parents if str(parent) != ".")
    parents -= set(image.links)
    small = {
        "etc/passwd": b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n",
        "etc/group": b"root:x:0:\nnonroot:x:65532:\n",
        "etc/nsswitch.conf": b"hosts: files dns\n",
    }
    parents.add("etc")
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(parents):
            tar.addfile(_entry(path, tarfile.DIRTYPE, 0o1777 if path == "tmp" else 0o755))
        for path, raw in sorted(small.items()):
            entry = _entry(path, tarfile.REGTYPE, 0o644)
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
        for path, destination in sorted(image.links.items()):
            entry = _entry(path, tarfile.SYMTYPE, 0o777)
            entry.linkname = destination
            tar.addfile(entry)
        for path, source in sorted(image.files.items()):
            with source.open("rb") as content:
                entry = _entry(path, tarfile.REGTYPE, 0o755 if os.access(source, os.X_OK) else 0o644)
                entry.size = os.fstat(content.fileno()).st_size
                tar.addfile(entry, content)


class Store:
    """Images on disk, ready to be served."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = directory / "blobs"
        self._index = directory / "index.json"

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
            fresh = self._index.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(index, indent=1, sort_keys=True))
            fresh.replace(self._index)
        return built

    def _put(self, raw: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(raw).hexdigest()
        fresh = self.blobs / f".{digest}.{os.getpid()}"
        fresh.write_bytes(raw)
        fresh.replace(self.blobs / digest)
        return {"digest": f"sha256:{digest}", "size": len(raw)}

    def _build(self, image: Image) -> dict[str, Any]:
        scratch = self.blobs / f".layer.{os.getpid()}"
        _write_layer(image, scratch)
        with scratch.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = scratch.stat().st_size
        scratch.replace(self.blobs / digest)
        config: dict[str, Any] = {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": list(image.entrypoint),
                "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        if image.command:
            config["config"]["Cmd"] = list(image.command)
        if image.user:
            config["config"]["User"] = image.user
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self._put(json.dumps(config, sort_keys=True).encode())},
            "layers": [{"mediaType": LAYER, "digest": f"sha256:{digest}", "size": size}],
        }
        return self._put(json.dumps(manifest, sort_keys=True).encode())
