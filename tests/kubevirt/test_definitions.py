"""Every VM and disk of both stacks and of generated platforms, before a real API server with the real definitions."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import stack_platform

from core.manifests import golden
from core.manifests.kubevirt import kubevirt
from core.manifests.multus import multus, networks
from core.model import parse
from lab import prepare
from lab.speed import deadline
from lab.testing.kubeapi import KubernetesAPI
from tests.kubevirt.guests import disks, images, objects
from tests.kubevirt.test_admission import platform
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.engine

STACKS = ("dev", "prod")
GENERATED = 2
"""Platforms of 200 VMs each."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesAPI]:
    folder = tmp_path_factory.mktemp("api")
    with KubernetesAPI(folder, prepare.binaries("kubernetes-api")) as made:
        yield made


def kubectl(api: KubernetesAPI, *arguments: str, given: list[Any]) -> str:
    """What kubectl prints for a list of objects."""
    command = [str(prepare.binaries("kubectl")["kubectl"]), f"--kubeconfig={api.kubeconfig}", *arguments, "-f", "-"]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": given})
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline(240), input=text)
    assert done.returncode == 0, done.stderr[:3000]
    return done.stdout


def every() -> list[dict[str, Any]]:
    """All objects, in the namespace default: the others are not there."""
    platforms = [*(parse(stack_platform(stack)) for stack in STACKS), *map(platform, range(GENERATED))]
    made = [each for known in platforms for each in (*objects(known).values(), *disks(known), *networks(known))]
    made += [each for known in platforms[len(STACKS) :] for each in images(known)]
    made += [golden.data_source(known, "fedora") for known in platforms[len(STACKS) :]]
    return [_in_default(each) for each in (*made, *map(kubevirt, platforms))]


def _in_default(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": "default"}}


def test_every_object_is_one_of_the_real_definitions(api: KubernetesAPI, judge: Judge):
    (answer,) = judge.all([{"ask": "definitions"}])
    defined = [yaml.safe_load(text) for text in answer["definitions"]]
    defined.append(next(each for each in multus() if each["kind"] == "CustomResourceDefinition"))
    kubectl(api, "apply", "--server-side", given=defined)
    kubectl(api, "wait", "--for=condition=Established", "--timeout=60s", given=defined)
    made = every()
    # An unknown field or a wrong type is an error.
    options = ("--server-side", "--dry-run=server", "--validate=strict")
    shown = kubectl(api, "apply", *options, given=made)
    assert len(made) > 500 and shown.count("(server dry run)") == len(made)
