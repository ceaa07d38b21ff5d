"""The Talos plugin that the engine runs, and what it takes to have a stack make its secrets and nothing more."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from core.facts.versions import minor
from core.machineconfig.base import base
from core.machineconfig.documents import patches
from core.machineconfig.documents import plain as plain_document
from core.machineconfig.pki import pki
from core.machineconfig.whole import whole
from core.model import Platform
from tests.conftest import plain

# Providers are made whatever is targeted, and this one waits for an API that is not.
KNOWN_COMPLAINT = "kubernetes-provider' depends on"
SECRETS = ("--target", "**::talos-secrets", "--target", "**::talos", "--target", "**::metal")


def leaves(value: Any) -> Iterator[str]:
    """Every text in a value, whatever holds it."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


def rendered(platform: Platform, name: str, secrets: Mapping[str, Any]) -> str:
    """The whole config of a machine, with a PKI in the plugin's own spelling."""
    role, material = platform.machines[name].role, snake_case(secrets)
    return whole(
        {
            "base": [json.dumps(plain_document(document)) for document in base(platform, role)],
            "pki": [json.dumps(document) for document in pki(minor(platform.talos.contract), role, material)],
            "configPatches": patches(platform, name),
        }
    )


def snake_case(secrets: Any) -> Any:
    """The PKI with its keys as the SDK spells them."""
    if isinstance(secrets, Mapping):
        return {re.sub("([A-Z])", r"_\1", key).lower(): snake_case(each) for key, each in secrets.items()}
    return secrets


class TalosPlugin:
    """The plugin that the engine runs, asked directly for what the engine keeps secret."""

    def __init__(self, port: int) -> None:
        self._stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self._stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True, acceptResources=True))

    def configuration(self, platform: Platform, role: str, secrets: Mapping[str, Any]) -> str:
        """The config that the plugin generates for a role."""
        args = struct_pb2.Struct()
        args.update(
            {
                "clusterName": platform.name,
                "clusterEndpoint": platform.api,
                "machineType": role,
                "machineSecrets": secrets,
                "talosVersion": platform.talos.contract,
                "kubernetesVersion": platform.talos.kubernetes,
                "docs": False,
                "examples": False,
            }
        )
        answer = self._stub.Invoke(
            provider_pb2.InvokeRequest(tok="talos:machine/getConfiguration:getConfiguration", args=args)
        )
        assert not answer.failures, answer.failures
        return str(plain(json_format.MessageToDict(getattr(answer, "return"))["machineConfiguration"]))


@contextmanager
def running() -> Iterator[TalosPlugin]:
    """The plugin, until the end of the block."""
    (binary,) = _plugin_folders()
    process = subprocess.Popen([str(binary)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield TalosPlugin(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _plugin_folders() -> Iterator[Path]:
    return Path(os.environ["PULUMI_HOME"], "plugins").glob("resource-talos-v*/pulumi-resource-talos")
