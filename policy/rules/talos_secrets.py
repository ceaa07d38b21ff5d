"""Rules for secrets in machine configurations: patches, disk keys, encryption at rest, and registries."""

from __future__ import annotations

import json
from collections.abc import Iterator

from core import standins
from core.facts import secret_looks, secret_places
from core.facts.secret_places import LEGACY, Holds

from .field import Field
from .rule import Resource, Rule
from .talos import APPLY


def no_secrets(resource: Resource) -> Iterator[str]:
    """Yields each secret in plain text in a patch, by its place."""
    machine = resource.config
    yield from _at_places(machine.v1alpha1, LEGACY)
    for kind in sorted(secret_places.known_kinds() - secret_places.NONE):
        for document in machine.of(kind):
            yield from _at_places(document, kind)
    for patch in resource.inputs["configPatches"].items():
        yield from sorted({f"{patch.path} contains {what}" for what in _looks(patch)})


def _at_places(document: Field, kind: str) -> Iterator[str]:
    for place in secret_places.places(kind):
        if place.holds is not Holds.TEXT:
            for field in _fields(document, place.path):
                if field.given and not standins.is_one(field.value):
                    yield f"{field.path} contains a secret"


def _fields(field: Field, path: tuple[str, ...]) -> Iterator[Field]:
    """The fields at a path of the table of places."""
    if not path or path[0] == "**":
        yield field
    elif path[0] == "[]":
        yield from (found for item in field.items() for found in _fields(item, path[1:]))
    elif path[0] == "*":
        yield from (found for _, item in field.entries() for found in _fields(item, path[1:]))
    else:
        yield from _fields(field[path[0]], path[1:])


def _looks(patch: Field) -> Iterator[str]:
    """What the texts of a patch contain that looks like a secret."""
    try:
        document = json.loads(patch.value) if isinstance(patch.value, str) else None
    except (ValueError, RecursionError):
        return  # Another rule reports it.
    kind = document.get("kind", LEGACY) if isinstance(document, dict) else LEGACY
    for path, text in secret_places.texts(document):
        if standins.is_one(text) or not isinstance(kind, str):
            continue
        is_variable = bool(path) and secret_places.holds(kind, path) is Holds.TEXT
        name = secret_looks.called(document, path) or str(path[-1]) if path else ""
        what = secret_looks.kind_of_variable(name, text) if is_variable else secret_looks.kind_by_form(text)
        yield from [what] if what else []


def encrypts_at_rest(resource: Resource) -> Iterator[str]:
    """Yields a deleted encryption of Secrets in etcd."""
    secretbox = resource.config.v1alpha1.at("cluster", "secretboxEncryptionSecret")
    if secretbox.deleted:
        yield f"{secretbox.path} is deleted"
    if any(document.deleted for document in resource.config.of("KubeEtcdEncryptionConfig")):
        yield "KubeEtcdEncryptionConfig is deleted"


def _volumes(resource: Resource) -> Iterator[tuple[bool, Field]]:
    """Each volume's encryption, and whether the volume is STATE."""
    for kind in ("VolumeConfig", "UserVolumeConfig", "RawVolumeConfig", "SwapVolumeConfig"):
        for document in resource.config.of(kind):
            yield document["name"].text() == "STATE", document["encryption"]
    legacy = resource.config.v1alpha1.at("machine", "systemDiskEncryption")
    yield True, legacy["state"]
    yield False, legacy["ephemeral"]


def no_static_state_key(resource: Resource) -> Iterator[str]:
    """Yields static keys of the STATE volume, and an encryption of any volume that a patch takes away."""
    for state, encryption in _volumes(resource):
        if encryption.deleted or encryption["keys"].deleted:
            yield f"{encryption.path} is deleted, so whoever has the disk reads it"
            continue
        for key in encryption["keys"].items():
            if state and key["static"].given:
                yield f"{key.path}.static stores STATE's key unencrypted on the same disk"


def real_disk_keys(resource: Resource) -> Iterator[str]:
    """Yields volumes whose keys all derive from the machine's UUID."""
    for _, encryption in _volumes(resource):
        keys = encryption["keys"].items()
        if keys and all(key["nodeID"].given for key in keys):
            yield f"{encryption.path}.keys are all derived from the machine's UUID, which is not secret"


def _mirror_endpoints(resource: Resource) -> Iterator[Field]:
    for document in resource.config.of("RegistryMirrorConfig"):
        yield from (endpoint["url"] for endpoint in document["endpoints"].items())
    for _, mirror in resource.config.v1alpha1.at("machine", "registries", "mirrors").entries():
        yield from mirror["endpoints"].items()


def mirrors_by_tls(resource: Resource) -> Iterator[str]:
    """Yields registry mirrors without https."""
    for endpoint in _mirror_endpoints(resource):
        if not (endpoint.text() or "").startswith("https://"):
            yield f"{endpoint.path} is not https"


def registries_verified(resource: Resource) -> Iterator[str]:
    """Yields registries whose certificate is not verified."""
    places = [document["insecureSkipVerify"] for document in resource.config.of("RegistryTLSConfig")]
    for _, registry in resource.config.v1alpha1.at("machine", "registries", "config").entries():
        places.append(registry.at("tls", "insecureSkipVerify"))
    yield from (f"{place.path} must not be true" for place in places if place.flag())


RULES = (
    Rule(
        name="talos-patches-hold-no-secrets",
        severity="critical",
        kinds=APPLY,
        check=no_secrets,
        why="Patches are plain text in every plan, log and state.",
        remedy="remove it if the PKI supplies it; otherwise encrypt it in the stack file: config set --path --secret",
    ),
    Rule(
        name="talos-encrypts-secrets-at-rest",
        severity="critical",
        kinds=APPLY,
        check=encrypts_at_rest,
        controls=("CIS 1.2.27", "CIS 1.2.28"),
        why="Without it every Secret is readable in etcd's files and snapshots.",
        remedy="remove the deletion from the patch",
    ),
    Rule(
        name="talos-state-key-is-not-static",
        severity="critical",
        kinds=APPLY,
        check=no_static_state_key,
        why="A static key for STATE is stored unencrypted in META, beside what it encrypts; no key is no better.",
        remedy="use a tpm or kms key, and delete no encryption in a patch",
    ),
    Rule(
        name="talos-disk-keys-are-secret",
        severity="low",
        kinds=APPLY,
        check=real_disk_keys,
        level="advisory",
        why="A key derived from the machine's UUID protects a discarded disk, but not a stolen machine.",
        remedy="add a tpm or kms key",
    ),
    Rule(
        name="talos-mirrors-use-tls",
        severity="high",
        kinds=APPLY,
        check=mirrors_by_tls,
        why="Anyone who can intercept an http mirror chooses the images that every node runs.",
        remedy="serve the mirror over https and trust its CA with RegistryTLSConfig or TrustedRootsConfig",
    ),
    Rule(
        name="talos-registries-are-verified",
        severity="high",
        kinds=APPLY,
        check=registries_verified,
        why="Without verification, any host on the path can impersonate the registry.",
        remedy="give the registry's CA in RegistryTLSConfig",
    ),
)
