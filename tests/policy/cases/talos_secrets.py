"""Secrets, disk keys and registries that must not pass."""

from tests.policy.cases.machine_patches import document
from tests.policy.support import patched

KEY = "-----BEGIN " + "EC PRIVATE KEY-----"

LAST = "configPatches[4]"
CASES = (
    patched("talos-patches-hold-no-secrets", {"machine": {"token": "t"}}, "machine.token contains a secret"),
    patched(
        "talos-patches-hold-no-secrets",
        {"cluster": {"secretboxEncryptionSecret": "t"}},
        "cluster.secretboxEncryptionSecret contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("RegistryAuthConfig", name="r", username="u", password="p"),
        "RegistryAuthConfig.password contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"registries": {"config": {"r": {"auth": {"auth": "x"}}}}}},
        "machine.registries.config.<0>.auth.auth contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("VolumeConfig", name="EPHEMERAL", encryption={"keys": [{"static": {"passphrase": "p"}}]}),
        "VolumeConfig.encryption.keys[0].static.passphrase contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("WireguardConfig", name="wg", peers=[{"presharedKey": "p"}]),
        "WireguardConfig.peers[0].presharedKey contains a secret",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"files": [{"content": KEY, "path": "/var/x"}]}},
        f"{LAST} contains a private key",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"env": {"https_proxy": "http://user:hunter2@proxy.example.com:3128"}}},
        f"{LAST} contains an address with a password",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        {"machine": {"env": {"VAULT_TOKEN": "hunter2"}}},
        f"{LAST} contains a password or a key",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("ExtensionServiceConfig", name="nut", environment=["UPS_PASSWORD=hunter2"]),
        f"{LAST} contains a password or a key",
    ),
    patched(
        "talos-patches-hold-no-secrets",
        document("HCloudVIPConfig", name="10.0.0.1", link="eth0", apiToken="hunter2"),
        "HCloudVIPConfig.apiToken contains a secret",
    ),
    patched(
        "talos-encrypts-secrets-at-rest",
        {"cluster": {"secretboxEncryptionSecret": {"$patch": "delete"}}},
        "cluster.secretboxEncryptionSecret is deleted",
    ),
    patched(
        "talos-encrypts-secrets-at-rest",
        document("KubeEtcdEncryptionConfig", **{"$patch": "delete"}),
        "KubeEtcdEncryptionConfig is deleted",
    ),
    patched(
        "talos-state-key-is-not-static",
        document("VolumeConfig", name="STATE", encryption={"keys": [{"slot": 1, "static": {}}]}),
        "VolumeConfig.encryption.keys[1].static stores STATE's key unencrypted on the same disk",
    ),
    patched(
        "talos-state-key-is-not-static",
        {"machine": {"systemDiskEncryption": {"state": {"keys": [{"static": {}}]}}}},
        "machine.systemDiskEncryption.state.keys[0].static stores STATE's key unencrypted on the same disk",
    ),
    patched(
        "talos-disk-keys-are-secret",
        document("VolumeConfig", name="EPHEMERAL", encryption={"keys": [{"nodeID": {}}]}),
        "VolumeConfig.encryption.keys are all derived from the machine's UUID, which is not secret",
    ),
    patched(
        "talos-mirrors-use-tls",
        document("RegistryMirrorConfig", name="x", endpoints=[{"url": "http://m"}]),
        "RegistryMirrorConfig.endpoints[0].url is not https",
    ),
    patched(
        "talos-mirrors-use-tls",
        {"machine": {"registries": {"mirrors": {"x": {"endpoints": ["http://m"]}}}}},
        "machine.registries.mirrors.<0>.endpoints[0] is not https",
    ),
    patched(
        "talos-registries-are-verified",
        document("RegistryTLSConfig", name="x", insecureSkipVerify=True),
        "RegistryTLSConfig.insecureSkipVerify must not be true",
    ),
    patched(
        "talos-registries-are-verified",
        {"machine": {"registries": {"config": {"x": {"tls": {"insecureSkipVerify": True}}}}}},
        "machine.registries.config.<0>.tls.insecureSkipVerify must not be true",
    ),
)
