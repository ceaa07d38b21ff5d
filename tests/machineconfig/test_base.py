"""The whole config that Bedplate renders, compared field by field with what Talos' own generator makes of it.

The judges are Talos' machinery of two releases (toolchain/parts/config-judge*): v1.12.0 generates contract v1.12, and
v1.14.1 generates all three.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import stack_platform

from core.facts.versions import minor
from core.machineconfig.base import base
from core.machineconfig.merge import Documents, merge
from core.machineconfig.pki import pki
from core.machineconfig.written import as_written
from core.model import Platform
from tests.machineconfig.contracts import at
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.engine

GENERATORS = {"config-judge-v112": ("v1.12",), "config-judge": ("v1.12", "v1.13", "v1.14")}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """Secrets as talosctl writes them."""
    path = Path(tmp_path_factory.mktemp("secrets") / "secrets.yaml")
    subprocess.run(["talosctl", "gen", "secrets", "-o", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def generators(bundle) -> Iterator[dict[str, Judge]]:
    judges = {binary: Judge(binary, str(bundle)) for binary in GENERATORS}
    yield judges
    for judge in judges.values():
        judge.end()


def material(bundle: Path) -> dict[str, Any]:
    """The secrets of a file, in the shape in which the Talos plugin outputs them."""
    made = yaml.safe_load(bundle.read_text(encoding="utf-8"))
    certs, secrets = made["certs"], made["secrets"]
    pairs = {"etcd": "etcd", "k8s": "k8s", "k8s_aggregator": "k8saggregator", "os": "os"}
    return {
        "certs": {
            **{name: {"cert": certs[key]["crt"], "key": certs[key]["key"]} for name, key in pairs.items()},
            "k8s_serviceaccount": {"key": certs["k8sserviceaccount"]["key"]},
        },
        "cluster": {"id": made["cluster"]["id"], "secret": made["cluster"]["secret"]},
        "secrets": {
            "bootstrap_token": secrets["bootstraptoken"],
            "secretbox_encryption_secret": secrets["secretboxencryptionsecret"],
        },
        "trustdinfo": {"token": made["trustdinfo"]["token"]},
    }


def written(documents: Documents) -> Documents:
    return {key: as_written(key, document) for key, document in documents.items()}


def generated(text: str, contract: str) -> Documents:
    """What a generator wrote, with the one provider that it leaves out and that Bedplate writes (pki.encryption)."""
    documents = merge(yaml.safe_load_all(text), minor(contract)).documents
    kind = ("KubeEtcdEncryptionConfig", "")
    if kind in documents:
        documents[kind]["config"]["resources"][0]["providers"].append({"identity": {}})
    return written(documents)


def machine_of(platform: Platform, role: str) -> str:
    return next(name for name, machine in platform.machines.items() if machine.role == role)


@pytest.mark.parametrize("role", ["controlplane", "worker"])
@pytest.mark.parametrize(("binary", "contract"), [(b, c) for b, contracts in GENERATORS.items() for c in contracts])
def test_base_and_pki_are_what_talos_generates(generators, bundle, binary, contract, role):
    platform = at(contract, stack_platform("prod"))
    answer = generators[binary].ask(platform, machine_of(platform, role), show=True, bare=True)
    ours = merge([*base(platform, role), *pki(minor(contract), role, material(bundle))], minor(contract))
    assert ours.refused == ()
    assert written(ours.documents) == generated(answer["config"], contract)
