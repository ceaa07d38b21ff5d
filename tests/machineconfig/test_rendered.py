"""Whole configs in each contract as files to read: the generator's part, the documents, and where each secret goes."""

import base64
from typing import Any

import pytest
import yaml
from conftest import stack_platform

from core.model import parse
from tests.machineconfig.contracts import at
from tests.machineconfig.rendering import NAMED, rendered
from tests.machineconfig.test_documents import CONTRACTS, write_golden

MACHINES = [("dev", "cp-1"), ("prod", "cp-1"), ("prod", "wk-1")]
WORKER_SECRETS = {"(machine token)", "(bootstrap token)", "(cluster id)", "(cluster secret)"}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(("stack", "name"), MACHINES)
def test_whole_configs_are_golden(stack, name, contract):
    """UPDATE_GOLDEN=1 writes the golden files again; review their difference."""
    documents = rendered(at(contract, stack_platform(stack)), name, NAMED)
    write_golden(f"whole-{stack}-{contract}-{name}", yaml.safe_dump_all(documents.values(), sort_keys=True))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_worker_holds_no_key_of_an_authority(contract):
    """Whoever takes a worker over must not be able to sign certificates, nor to read Secrets in a copy of etcd."""
    platform = at(contract, stack_platform("prod"))
    worker, plane = (yaml.safe_dump_all(rendered(platform, name, NAMED).values()) for name in ("wk-1", "cp-1"))
    keys = [f"key of {name}" for name in ("etcd", "k8s", "k8s_aggregator", "os")]
    for secret in (*map(hidden, keys), hidden("key of service accounts")):
        assert not any(form in worker for form in secret), secret
        assert any(form in plane for form in secret), secret
    for secret in ("(secretbox secret)", "(secret from before v1.3)"):
        assert secret not in worker and secret in plane
    assert all(secret in worker for secret in WORKER_SECRETS)


def hidden(name: str) -> tuple[str, str]:
    """A secret of NAMED in both forms: as text, and in base64."""
    encoded = next(text for text in texts(NAMED) if text.startswith("K") and decoded(text) == f"({name})")
    return f"({name})", encoded


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    return [value]


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def test_workload_isolation_is_written_out_and_off_with_kubevirt():
    """In contract v1.14 Talos' generator turns it on, and KubeVirt is not proven to work with it."""
    with_vms = at("v1.14", stack_platform("dev"))
    without = at(
        "v1.14", {key: value for key, value in stack_platform("dev").items() if key not in ("kubevirt", "vms")}
    )
    for platform, isolated in ((with_vms, False), (without, True)):
        documents = rendered(platform, "cp-1", NAMED)
        assert documents["SecurityProfileConfig", ""]["workloadIsolation"] is isolated


def test_signed_images_are_verified_from_contract_v1_13_on():
    raw = stack_platform("dev")
    raw["talos"] |= {"contract": "v1.13", "images": [{"image": "registry.example.com/*", "deny": True}]}
    for contract in ("v1.13", "v1.14"):
        raw["talos"]["contract"] = contract
        documents = rendered(parse(raw), "cp-1", NAMED)
        assert documents["ImageVerificationConfig", ""]["rules"] == [{"image": "registry.example.com/*", "deny": True}]
