"""What Talos' config generator leaves out of the configs that it makes."""

import json
from collections.abc import Mapping

from core.machineconfig.documents import credentials


def completed(config: str, aescbc_key: str, registries: Mapping[str, Mapping[str, str]]) -> str:
    """A generated config with the AES-CBC key of an old cluster and the machine's registry credentials.

    registries: registry host to its `username` and `password`.
    """
    with_key = with_aescbc_key(config, aescbc_key)
    return "\n---\n".join([with_key.rstrip("\n"), *map(json.dumps, credentials(registries))]) + "\n"


def with_aescbc_key(config: str, key: str) -> str:
    """A control plane's config with the AES-CBC key; unchanged if the key is empty.

    From contract v1.3 on the generator drops the key even if it is given one. Without the key the Kubernetes API
    cannot read the Secrets that it wrote with it.
    """
    if not key:
        return config
    import yaml

    documents = list(yaml.safe_load_all(config))
    documents[0]["cluster"]["aescbcEncryptionSecret"] = key
    return str(yaml.safe_dump_all(documents, sort_keys=False, width=1_000_000))
