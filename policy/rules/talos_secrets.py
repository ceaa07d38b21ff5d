"""Rules for secrets in machine configurations: patches, disk keys, encryption at rest, and registries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .field import Field
from .rule import Resource, Rule
from .talos import APPLY

# Patches are plain text in plans and in state, so these fields belong in the PKI or in a secret input.
SECRET_FIELDS = (
    ("machine", "token"),
    ("machine", "ca", "key"),
    ("cluster", "token"),
    ("cluster", "secret"),
    ("cluster", "secretboxEncryptionSecret"),
    ("cluster", "aescbcEncryptionSecret"),
    ("cluster", "ca", "key"),
    ("cluster", "aggregatorCA", "key"),
    ("cluster", "serviceAccount", "key"),
    ("cluster", "etcd", "ca", "key"),
)
SECRET_DOCUMENT_FIELDS = {
    "RegistryAuthConfig": (("password",), ("auth",), ("identityToken",)),
    "RegistryTLSConfig": (("clientIdentity", "key"),),
    "WireguardConfig": (("privateKey",),),
    "KubeEtcdEncryptionConfig": (("config",),),
}
PEM_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def no_secrets(resource: Resource) -> Iterator[str]:
    """Yields each secret in a patch, by its place."""
    machine = resource.machine
    places = [machine.v1alpha1.at(*path) for path in SECRET_FIELDS]
    places += [
        document.at(*path)
        for kind, paths in SECRET_DOCUMENT_FIELDS.items()
        for document in machine.of(kind)
        for path in paths
    ]
    for _, registry in machine.v1alpha1.at("machine", "registries", "config").entries():
        places += [registry["auth"][key] for key in ("password", "auth", "identityToken")]
        places.append(registry.at("tls", "clientIdentity", "key"))
    for key in _disk_keys(resource):
        places.append(key.at("static", "passphrase"))
    places += [peer["presharedKey"] for wire in machine.of("WireguardConfig") for peer in wire["peers"].items()]
    yield from (f"{place.path} contains a secret" for place in places if place.given)
    for patch in resource.inputs["configPatches"].items():
        if isinstance(patch.value, str) and PEM_KEY.search(patch.value):
            yield f"{patch.path} contains a private key"


def encrypts_at_rest(resource: Resource) -> Iterator[str]:
    """Yields a deleted encryption of Secrets in etcd."""
    secretbox = resource.machine.v1alpha1.at("cluster", "secretboxEncryptionSecret")
    if secretbox.deleted:
        yield f"{secretbox.path} is deleted"
    if any(document.deleted for document in resource.machine.of("KubeEtcdEncryptionConfig")):
        yield "KubeEtcdEncryptionConfig is deleted"


def _volumes(resource: Resource) -> Iterator[tuple[bool, Field]]:
    """Each volume's encryption, and whether the volume is STATE."""
    for kind in ("VolumeConfig", "UserVolumeConfig", "RawVolumeConfig", "SwapVolumeConfig"):
        for document in resource.machine.of(kind):
            yield document["name"].text() == "STATE", document["encryption"]
    legacy = resource.machine.v1alpha1.at("machine", "systemDiskEncryption")
    yield True, legacy["state"]
    yield False, legacy["ephemeral"]


def _disk_keys(resource: Resource) -> Iterator[Field]:
    for _, encryption in _volumes(resource):
        yield from encryption["keys"].items()


def no_static_state_key(resource: Resource) -> Iterator[str]:
    """Yields static keys of the STATE volume."""
    for state, encryption in _volumes(resource):
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
    for document in resource.machine.of("RegistryMirrorConfig"):
        yield from (endpoint["url"] for endpoint in document["endpoints"].items())
    for _, mirror in resource.machine.v1alpha1.at("machine", "registries", "mirrors").entries():
        yield from mirror["endpoints"].items()


def mirrors_by_tls(resource: Resource) -> Iterator[str]:
    """Yields registry mirrors without https."""
    for endpoint in _mirror_endpoints(resource):
        if not (endpoint.text() or "").startswith("https://"):
            yield f"{endpoint.path} is not https"


def registries_verified(resource: Resource) -> Iterator[str]:
    """Yields registries whose certificate is not verified."""
    places = [document["insecureSkipVerify"] for document in resource.machine.of("RegistryTLSConfig")]
    for _, registry in resource.machine.v1alpha1.at("machine", "registries", "config").entries():
        places.append(registry.at("tls", "insecureSkipVerify"))
    yield from (f"{place.path} must not be true" for place in places if place.flag())


RULES = (
    Rule(
        name="talos-patches-hold-no-secrets",
        severity="critical",
        kinds=APPLY,
        check=no_secrets,
        why="Patches are plain text in every plan, log and state.",
        remedy="remove it if the PKI resource supplies it, or pass it as a secret input outside the patches",
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
        why="A static key for STATE is stored unencrypted in META, beside what it encrypts.",
        remedy="use a tpm or kms key",
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
