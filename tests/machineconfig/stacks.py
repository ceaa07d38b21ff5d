"""Random stacks of machine config patches, made from the types that Talos' own code reports."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.document_fields import PATCH
from core.facts.versions import Minor
from core.machineconfig.deletes import Element, split
from core.machineconfig.merge import LEGACY, Document, Documents, key_of, merge

Shape = Mapping[str, Any]
"""One type, as the judge reports it: type, kind, pointer, replace, fields, elem and more."""

BASE: Document = {"version": "v1alpha1", "machine": {}, "cluster": {}}
IDENTITY = {"apiVersion", "kind", "name", "version"}
_KEY = "LS0tLS1CRUdJTg=="
# Type to sample values, for types that are read from a text. The zero value is among them if it has a name.
TEXTS: dict[str, list[Any]] = {
    "block.ByteSize": ["1GiB", "200MB", "5GB"],
    "block.Size": ["10GB", "50%", "20GB", "25%"],
    "block.EncryptionProviderType": ["luks2"],
    "block.FilesystemType": ["none", "ext4", "xfs"],
    "block.VolumeType": ["partition", "disk", "directory"],
    "cel.Expression": ["true", "1 == 1", "2 > 1"],
    "meta.Addr": ["10.0.0.1", "10.0.0.2"],
    "meta.AddrPort": ["10.0.0.1:1", "10.0.0.2:2"],
    "meta.Prefix": ["10.0.0.0/8", "10.1.0.0/16"],
    "meta.ArgValue": ["", "x", "y", ["p"], ["q", "r"]],
    "meta.URL": ["https://a.example:1/p?q=1", "https://b.example", "http://c.example/r", "https://u@d.example"],
    "v1alpha1.Endpoint": ["https://a.example:1/p", "https://b.example:6443", "https://u:v@d.example/s"],
    "nethelpers.ADLACPActive": ["off", "on"],
    "nethelpers.ADSelect": ["stable", "count"],
    "nethelpers.ARPAllTargets": ["any", "all"],
    "nethelpers.ARPValidate": ["none", "active"],
    "nethelpers.AutoHostnameKind": ["off", "stable"],
    "nethelpers.BondMode": ["balance-rr", "802.3ad"],
    "nethelpers.BondXmitHashPolicy": ["layer2", "layer3+4"],
    "nethelpers.ClientIdentifier": ["none", "mac", "duid"],
    "nethelpers.DNSProtocol": ["Do53", "DoT"],
    "nethelpers.DefaultAction": ["accept", "block"],
    "nethelpers.FailOverMAC": ["follow", "active"],
    "nethelpers.HardwareAddr": ["02:00:00:00:00:01", "02:00:00:00:00:02"],
    "nethelpers.LACPRate": ["slow", "fast"],
    "nethelpers.PrimaryReselect": ["always", "better"],
    "nethelpers.Protocol": ["tcp", "udp"],
    "nethelpers.RoutingRuleAction": ["unicast", "blackhole"],
    "nethelpers.RoutingTable": ["unspec", "main", "local"],
    "nethelpers.VLANProtocol": ["802.1q", "802.1ad"],
    "nethelpers.WOLMode": ["phy", "magic"],
    "netip.Addr": ["10.0.0.1"],
    "netip.AddrPort": ["10.0.0.1:1"],
    "netip.Prefix": ["10.0.0.0/8", "10.1.0.0/16"],
    "network.Addr": ["10.0.0.1", "10.0.0.2"],
    "network.AddrPort": ["10.0.0.1:1"],
    "network.Prefix": ["10.0.0.0/8", "10.1.0.0/16"],
    "network.PortRange": [80, "90-91"],
    "storage.LVMLogicalVolumeType": ["linear", "raid1"],
    "storage.MDLevel": ["raid1"],
    "storage.MDMetadata": ["1.0", "1.2"],
    "v1alpha1.Base64Bytes": ["", "YQ==", "Yg=="],
    "v1alpha1.DiskSize": ["1GB", "2GB"],
    "v1alpha1.InstallDiskSizeMatcher": ["> 1GB", "<= 2TB"],
    "time.Duration": ["0s", "5s", "1m0s", "0"],
    "x509.PEMEncodedCertificate": [{"crt": _KEY}],
    "x509.PEMEncodedCertificateAndKey": [{"crt": _KEY, "key": "YQ=="}, {"crt": "Yg=="}, {"key": "Yw=="}, {}],
    "x509.PEMEncodedKey": [{"key": "YQ=="}, {"key": "Yg=="}, {}],
    "v1alpha1.FileMode": [0, 0o600],
    "runtime.EtcFileMode": [0, 0o600, 0o644],
}
_FREE: dict[str, list[Any]] = {
    "n": [0, 1, 2],
    "t": ["", "x", "y"],
    "f": [True, False],
    "l": [[], ["x"], ["y", 1]],
    "m": [{}, {"n": 1}, {"n": 0, "t": "z"}, {"l": ["u"], "f": False}],
}


class Stacks:
    """A source of stacks of one release's types. The same seed yields the same stacks."""

    def __init__(self, shapes: Mapping[str, Shape], seed: int) -> None:
        self._shapes = shapes
        self._kinds = sorted(set(shapes) - {""})
        self._random = random.Random(seed)
        self._focus: dict[tuple[str, ...], list[str]] = {}

    def make(self) -> list[Document]:
        """Two to seven patches over BASE. They share few fields of few documents, so that they collide often."""
        self._focus = {}
        pick = self._random
        kinds = [pick.choice(self._kinds) for _ in range(2)] if pick.random() < 0.6 else []
        kinds = ["", *kinds] if not kinds or pick.random() < 0.4 else kinds
        stack: list[Document] = [BASE]
        for _ in range(pick.randint(2, 7)):
            kind = pick.choice(kinds)
            documents = merge(stack).documents
            patch = self._patch(kind)
            if pick.random() < 0.25:
                patch = self._with_delete(documents, kind, patch)
            stack.append(patch)
        return stack[1:]

    def _patch(self, kind: str) -> Document:
        body = self._struct((kind,), self._shapes[kind], 0)
        if not kind:
            return body or {"machine": {}}
        names = ["one", "one", "one", "other"]
        named = {"name": self._random.choice(names)} if "name" in self._shapes[kind]["fields"] else {}
        return {**body, "apiVersion": "v1alpha1", "kind": kind, **named}

    def _struct(self, path: tuple[str, ...], shape: Shape, depth: int) -> Document:
        pick = self._random
        every = sorted(set(shape.get("fields") or ()) - (set() if depth else IDENTITY))
        if path not in self._focus:
            self._focus[path] = pick.sample(every, min(len(every), 3 if depth < 2 else 4))
        chosen = [name for name in self._focus[path] if pick.random() < 0.7]
        fields = {name: self._value((*path, name), shape["fields"][name], depth + 1) for name in chosen}
        return {name: value for name, value in fields.items() if value is not Ellipsis}

    def _value(self, path: tuple[str, ...], shape: Shape, depth: int) -> Any:
        pick = self._random
        kind, elem = shape["kind"], shape.get("elem")
        if pick.random() < 0.02 and kind != "interface":
            return None
        texts = TEXTS.get(shape["type"])
        if texts and (shape.get("atom") or not shape["type"].startswith("nethelpers.")):
            return pick.choice(texts)
        assert not shape.get("atom") or kind in ("slice", "map"), f"no values are known for {shape['type']}"
        if kind == "bool":
            return pick.random() < 0.5
        if kind == "string":
            return pick.choice(["", "a", "b", "c"])
        if kind == "interface":
            return self._free(path[-1])
        if kind == "slice":
            assert elem
            return [v for _ in range(pick.randint(0, 2)) if (v := self._value((*path, "[]"), elem, depth)) is not None]
        if kind in ("map", "struct") and elem and not shape.get("fields"):
            keys = pick.sample(sorted(_FREE) if elem["kind"] == "interface" else ["a", "b"], pick.randint(0, 2))
            entries = {key: self._value((*path, key), elem, depth) for key in keys}
            return {key: value for key, value in entries.items() if value is not None}
        if kind == "struct":
            return self._struct(path, shape, depth)
        return pick.choice([0, 1, 2])

    def _free(self, key: str) -> Any:
        """Free content. A key nearly always has values of one type, because Talos refuses to merge two types."""
        pick = self._random
        return pick.choice(_FREE[pick.choice(sorted(_FREE)) if pick.random() < 0.03 or key not in _FREE else key])

    def _with_delete(self, documents: Documents, kind: str, patch: Document) -> Document:
        """The patch with a delete, nearly always of something that exists in the documents."""
        pick = self._random
        name = str(patch.get("name", ""))
        document = documents.get((kind, name) if kind else LEGACY)
        identity: Document = {key: patch[key] for key in ("apiVersion", "kind", "name") if kind and key in patch}
        if kind and pick.random() < (0.3 if document else 0.05):
            return {**identity, PATCH: "delete"}
        if document is None and pick.random() < 0.9:
            return patch
        targets = list(places(document or {}))
        if not targets or pick.random() < 0.05:
            target: tuple[Any, ...] = (pick.choice(sorted(set(self._shapes[kind]["fields"]) - IDENTITY)),)
        else:
            target = pick.choice(targets)
        if not kind and len(target) == 1 and pick.random() < 0.9:
            return patch
        return _deleting({} if pick.random() < 0.5 else patch, target) | identity


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document that a delete can name: keys, and list elements by their first key."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if path or key not in IDENTITY:
                yield (*path, str(key))
                yield from places(inner, (*path, str(key)))
    if isinstance(value, list):
        for element in value:
            if isinstance(element, Mapping) and element:
                key = min(element)
                yield (*path, Element(key, element[key]))


def _deleting(patch: Mapping[str, Any], target: tuple[Any, ...]) -> Document:
    """The patch with a delete at a path, in place of what the patch has there."""
    head, *rest = target
    inner: Any
    if not rest:
        inner = {PATCH: "delete"}
    elif isinstance(rest[0], Element):
        inner = [{PATCH: "delete", rest[0].key: rest[0].value}]
    else:
        below = patch.get(head)
        inner = _deleting(below if isinstance(below, Mapping) else {}, tuple(rest))
    return {**patch, head: inner}


def text(documents: Documents) -> str:
    """Documents as one text that Talos reads, even if everything below machine: and cluster: was deleted."""
    whole = [document if "kind" in document else {"machine": None, **document} for document in documents.values()]
    return "\n---\n".join(map(json.dumps, whole))


def deletes_nothing(stack: list[Document], release: Minor) -> bool:
    """Whether a patch deletes something missing. Talos refuses some of these deletes, and v1.12 all of them."""
    for number, patch in enumerate(stack):
        document = merge(stack[:number], release).documents.get(key_of(patch))
        if any(not _there(document, path) for path in split(patch).deletes):
            return True
    return False


def _there(value: Any, path: tuple[Any, ...]) -> bool:
    if value is None or not path:
        return value is not None
    head, *rest = path
    if isinstance(head, Element):
        return isinstance(value, list) and any(head.names(element) for element in value)
    return isinstance(value, Mapping) and _there(value.get(head), tuple(rest))
