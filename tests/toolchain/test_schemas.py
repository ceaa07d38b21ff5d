"""The plugins built here against the Python SDKs of the same version: equal but for what is listed."""

import importlib
import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

from runner.environment import tools
from toolchain import Layout, ensure

pytestmark = pytest.mark.engine

# This folder is no package: its name would hide the one that is tested.
_SPEC = importlib.util.spec_from_file_location("sdk_facts", Path(__file__).with_name("sdk_facts.py"))
sdk_facts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sdk_facts)

# What terraform-provider-talos 0.8.0 has otherwise than the SDK expects: disks are filtered by
# attributes, not selected by an expression, and described in fewer words. Nothing here uses it.
DISKS = "function talos:machine/getDisks:getDisks"
DESCRIBED = ("busPath", "modalias", "model", "name", "serial", "size", "type", "uuid", "wwid")
ONLY_BUILT = {
    f"{DISKS} gives disks[].name",
    f"{DISKS} gives disks[].type",
    *(f"{DISKS} {way} filters" for way in ("takes", "gives")),
    *(f"{DISKS} {way} filters.{name}" for way in ("takes", "gives") for name in DESCRIBED),
}
ONLY_EXPECTED = {
    *(
        f"{DISKS} gives disks[].{name}"
        for name in (
            "cdrom",
            "devPath",
            "ioSize",
            "prettySize",
            "readonly",
            "rotational",
            "secondaryDisks[]",
            "sectorSize",
            "subSystem",
            "symlinks[]",
            "transport",
        )
    ),
    *(f"{DISKS} {way} selector" for way in ("takes", "gives")),
}
OTHER_TYPE = {f"{DISKS} gives disks[].size": ("string", "integer")}

KEYS = {
    "certs.etcd.key",
    "certs.k8s.key",
    "certs.k8sAggregator.key",
    "certs.k8sServiceaccount.key",
    "certs.os.key",
    "cluster.secret",
    "secrets.aescbcEncryptionSecret",
    "secrets.bootstrapToken",
    "secrets.secretboxEncryptionSecret",
    "trustdinfo.token",
}


def schema_of(plugin: str) -> dict:
    """The schema that a built plugin tells about itself."""
    layout = Layout.of()
    binary = ensure({"pulumi", plugin}, layout)[plugin]
    command = [layout.bin / "pulumi", "package", "get-schema", binary]
    return json.loads(subprocess.check_output(command, env=tools(layout, os.environ)))


@pytest.fixture(scope="module")
def talos():
    built, secrets = sdk_facts.of_schema(schema_of("pulumi-resource-talos"))
    return built, secrets, sdk_facts.of_sdk(importlib.import_module("pulumiverse_talos"))


def test_the_talos_plugin_has_every_token_property_and_type_that_the_sdk_expects(talos):
    built, _, expected = talos
    assert built.keys() - expected.keys() == ONLY_BUILT
    assert expected.keys() - built.keys() == ONLY_EXPECTED
    both = built.keys() & expected.keys()
    assert {path: (built[path], expected[path]) for path in both if built[path] != expected[path]} == OTHER_TYPE


def test_the_comparison_covers_what_the_program_uses(talos):
    _, _, expected = talos
    for path, kind in {
        "resource talos:machine/secrets:Secrets takes talosVersion": "string?",
        "resource talos:machine/secrets:Secrets gives machineSecrets.certs.etcd.key": "string",
        "resource talos:machine/configurationApply:ConfigurationApply takes configPatches[]": "string?",
        "resource talos:machine/configurationApply:ConfigurationApply takes machineConfigurationInput": "string",
        "resource talos:machine/bootstrap:Bootstrap takes clientConfiguration.clientKey": "string",
        "resource talos:cluster/kubeconfig:Kubeconfig gives kubeconfigRaw": "string",
        "function talos:machine/getConfiguration:getConfiguration takes machineSecrets.trustdinfo.token": "string",
        "function talos:client/getConfiguration:getConfiguration gives talosConfig": "string",
    }.items():
        assert expected[path] == kind


def test_what_the_sdk_holds_secret_is_secret_in_the_talos_plugin(talos):
    _, secrets, _ = talos
    expected = sdk_facts.secrets_of_sdk(importlib.import_module("pulumiverse_talos"))
    apply = "resource talos:machine/configurationApply:ConfigurationApply"
    assert expected == {
        f"{apply} takes machineConfigurationInput",
        f"{apply} gives machineConfigurationInput",
        f"{apply} gives machineConfiguration",
        "resource talos:cluster/kubeconfig:Kubeconfig gives kubeconfigRaw",
    }
    assert expected <= secrets


def test_every_private_leaf_of_the_talos_plugin_is_secret_and_no_public_one(talos):
    built, secrets, _ = talos
    whole = {path for path in secrets if path.split(".")[0] == path}
    assert whole == {
        "resource talos:cluster/kubeconfig:Kubeconfig gives kubeconfigRaw",
        "resource talos:machine/configurationApply:ConfigurationApply gives machineConfiguration",
        "resource talos:machine/configurationApply:ConfigurationApply gives machineConfigurationInput",
        "resource talos:machine/configurationApply:ConfigurationApply takes machineConfigurationInput",
        "function talos:client/getConfiguration:getConfiguration gives talosConfig",
        "function talos:cluster/getKubeconfig:getKubeconfig gives kubeconfigRaw",
        "function talos:machine/getConfiguration:getConfiguration gives machineConfiguration",
    }
    private = {path for path in built if path.endswith(".clientKey") or path.split("machineSecrets.")[-1] in KEYS}
    assert len(private) == 47
    assert secrets - whole == private


def test_machine_secrets_are_one_type_wherever_they_go():
    schema = schema_of("pulumi-resource-talos")
    shared = "#/types/talos:machine/generated:"
    given = schema["resources"]["talos:machine/secrets:Secrets"]["properties"]
    taken = schema["functions"]["talos:machine/getConfiguration:getConfiguration"]["inputs"]["properties"]
    assert given["machineSecrets"]["$ref"] == taken["machineSecrets"]["$ref"] == shared + "MachineSecrets"
    for resource in ("bootstrap:Bootstrap", "configurationApply:ConfigurationApply"):
        inputs = schema["resources"][f"talos:machine/{resource}"]["inputProperties"]
        assert inputs["clientConfiguration"]["$ref"] == shared + "ClientConfiguration"


def test_the_matchbox_plugin_is_what_its_sdk_expects():
    built, secrets = sdk_facts.of_schema(schema_of("pulumi-resource-matchbox"))
    assert built == sdk_facts.of_sdk(importlib.import_module("pulumiverse_matchbox"))
    assert secrets == set()


def test_the_kubernetes_plugin_tells_the_version_of_its_sdk():
    schema = schema_of("pulumi-resource-kubernetes")
    assert schema["version"] == "4.25.0"
    assert "kubernetes:core/v1:Namespace" in schema["resources"]
