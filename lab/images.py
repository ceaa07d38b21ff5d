"""Container images made from built binaries: one plain layer each, the same bytes every time.

No image builder is needed for this: a layer is a tar file, and two small JSON documents say so.
The store is a directory with `blobs/<sha256>` and `index.json`; `lab.registry` serves it.
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import speed

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


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
        """The name as a mirror is asked for it: without the registry's host."""
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


def with_libraries(program: Path) -> dict[str, Path]:
    """A dynamically linked program of this machine and every library it loads, by path."""
    listed = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, check=True, timeout=speed.deadline(20)
    )
    found = {"usr/sbin/" + program.name: program}
    for line in listed.stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                found[word.lstrip("/")] = Path(word)
    return found


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
        """Make the images that are missing or stale; returns their names."""
        self.blobs.mkdir(parents=True, exist_ok=True)
        index, made = self.index(), []
        for image in images:
            mark, known = image.fingerprint(), index.get(image.path)
            if known and known["fingerprint"] == mark and (self.blobs / known["digest"].partition(":")[2]).exists():
                continue
            index[image.path] = {**self._build(image), "fingerprint": mark, "name": image.name}
            made.append(image.name)
        if made:
            fresh = self._index.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(index, indent=1, sort_keys=True))
            fresh.replace(self._index)
        return made

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


def platform_images(
    binaries: Mapping[str, Path],
    *,
    kubernetes: str,
    etcd: str,
    coredns: str,
    nft: Path | None = None,
    stand_ins: Mapping[str, Sequence[str]] | None = None,
    talosctl: Sequence[str] = (),
) -> list[Image]:
    """Every image a Talos platform pulls on its own, plus the rehearsal's, from what was built.

    stand_ins: image -> what to run in it, the first word being the name of a program in lab-tools.
    talosctl: images that are the one that was built.
    Images whose binary is not there are left out: the registry then says which one a node asked for.
    """
    tools = binaries["lab-tools"]
    roots = {str(AUTHORITIES).lstrip("/"): AUTHORITIES} if AUTHORITIES.exists() else {}

    def simple(name: str, binary: str, *, user: str = "", **more: Any) -> list[Image]:
        if binary not in binaries:
            return []
        inside = f"usr/local/bin/{binary}"
        files = {inside: binaries[binary], **roots, **more.pop("files", {})}
        return [Image(name=name, entrypoint=[f"/{inside}"], files=files, user=user, **more)]

    kubelet_tools = {f"usr/bin/{name}": tools for name in ("mount", "umount")}
    made = [
        *simple(f"registry.k8s.io/etcd:{etcd}", "etcd"),
        # Talos' kubelet looks for containerd's socket under /var/run.
        *simple(
            f"ghcr.io/siderolabs/kubelet:{kubernetes}",
            "kubelet",
            files=kubelet_tools,
            links={"var/run": "../run", "bin": "usr/bin", "sbin": "usr/sbin"},
            directories=["run", "usr/sbin"],
        ),
        *(
            image
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
            for image in simple(f"registry.k8s.io/{name}:{kubernetes}", name)
        ),
        *simple(f"registry.k8s.io/coredns/coredns:{coredns}", "coredns", links={"coredns": "usr/local/bin/coredns"}),
        Image(name="registry.k8s.io/pause:3.10", entrypoint=["/pause"], files={"pause": tools}),
        Image(name="bedplate.local/hello:v1", entrypoint=["/hello"], files={"hello": tools}, user="65532"),
    ]
    for name, entrypoint in (stand_ins or {}).items():
        made.append(Image(name=name, entrypoint=entrypoint, user="65532", files={entrypoint[0].lstrip("/"): tools}))
    for name in talosctl:
        made += simple(name, "talosctl")
    if nft is not None:
        made += simple(f"registry.k8s.io/kube-proxy:{kubernetes}", "kube-proxy", files=with_libraries(nft))
    if "bridge" in binaries:
        plugins = {f"opt/cni/bin/{name}": binaries[name] for name in ("bridge", "host-local", "loopback")}
        made.append(
            Image(name="bedplate.local/standin:v1", entrypoint=["/standin"], files={"standin": tools, **plugins})
        )
    return made
