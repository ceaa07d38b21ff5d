"""What the real plugin, whose code knows contract v1.12, does with documents of later contracts in a plan."""

import os
import subprocess
from pathlib import Path

import grpc
import pytest
import yaml
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.speed import deadline

pytestmark = pytest.mark.engine

URN = "urn:pulumi:dev::bedplate::talos:machine/configurationApply:ConfigurationApply::talos-cp-1"
LATER = "apiVersion: v1alpha1\nkind: KubeletConfig\nimage: ghcr.io/siderolabs/kubelet:v1.35.4\n"
KNOWN = 'apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: cp-1\nauto: "off"\n'
CLIENT = {"caCertificate": "Y2E=", "clientCertificate": "Y3J0", "clientKey": "a2V5"}


@pytest.fixture(scope="module")
def plugin():
    (binary,) = Path(os.environ["PULUMI_HOME"], "plugins").glob("resource-talos-v*/pulumi-resource-talos")
    process = subprocess.Popen([str(binary)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        stub = provider_pb2_grpc.ResourceProviderStub(
            grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
        )
        stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=False, acceptResources=True))
        yield stub
    finally:
        process.terminate()
        process.wait(deadline(10))
        process.stdout.close()


def planned(plugin, config, patches):
    """The config that a plan shows for a machine."""
    inputs = struct_pb2.Struct()
    inputs.update(
        {
            "node": "10.20.0.11",
            "clientConfiguration": CLIENT,
            "machineConfigurationInput": config,
            "configPatches": patches,
            "applyMode": "auto",
        }
    )
    checked = plugin.Check(provider_pb2.CheckRequest(urn=URN, olds=struct_pb2.Struct(), news=inputs))
    assert not checked.failures, checked.failures
    created = plugin.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs, preview=True))
    return json_format.MessageToDict(created.properties)["machineConfiguration"]


def test_the_plugin_merges_a_document_of_its_contract(plugin):
    """Otherwise the refusals below would prove nothing."""
    assert [d["hostname"] for d in yaml.safe_load_all(planned(plugin, KNOWN, [KNOWN.replace("cp-1", "cp-2")]))] == [
        "cp-2"
    ]


@pytest.mark.parametrize(
    ("config", "patch"), [(KNOWN, LATER), (LATER, KNOWN)], ids=["in a patch", "in what is patched"]
)
def test_a_document_of_a_later_contract_is_refused(plugin, config, patch):
    """Therefore Bedplate refuses such a contract in the stack file, before the plugin does in the plan."""
    with pytest.raises(grpc.RpcError) as refused:
        planned(plugin, config, [patch])
    assert '"KubeletConfig" "v1alpha1": not registered' in refused.value.details()


def test_a_config_without_patches_is_not_parsed(plugin):
    """Without a patch the plugin passes the config on unparsed, so that another program can generate it."""
    assert planned(plugin, LATER, []) == LATER
