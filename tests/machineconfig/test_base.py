"""The whole config that Bedplate renders, compared field by field with what Talos' own generator makes of it.

The judges are Talos' machinery of two releases (toolchain/parts/config-judge*): v1.12.0 generates contract v1.12, and
v1.14.1 generates all three.
"""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import stack_platform
from hypothesis import HealthCheck, Phase, given, settings
from strategies import platforms

from core.facts.contracts import given as given_in
from core.facts.contracts import replaced
from core.facts.versions import minor
from core.machineconfig.base import base
from core.machineconfig.merge import LEGACY, Documents, merge
from core.machineconfig.pki import pki
from core.machineconfig.written import as_written
from core.model import Platform, parse
from tests.machineconfig.contracts import at
from tests.machineconfig.judge import Judge, refused
from tests.machineconfig.rendering import rendered

pytestmark = pytest.mark.engine

# libyaml where the wheel contains it: ten times as fast.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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


@pytest.fixture(scope="module")
def held(bundle) -> dict[str, Any]:
    return material(bundle)


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
    documents = merge(yaml.load_all(text, LOADER), minor(contract)).documents
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


PLATFORMS = 1000
# The judge of each contract: the release whose code the Talos plugin has, and the newest one.
JUDGES = (("config-judge-v112", "v1.12"), ("config-judge", "v1.13"), ("config-judge", "v1.14"))


@settings(max_examples=PLATFORMS, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(raw=platforms())
def test_a_machines_whole_config_is_what_talos_generates_and_merges(generators, held, raw):
    """One machine of each role of a thousand platforms in each contract, field by field, the PKI included."""
    platform = parse(raw)
    first = {machine.role: name for name, machine in reversed(platform.machines.items())}
    questions = [(binary, at(contract, platform), name) for binary, contract in JUDGES for name in first.values()]
    for binary, turned, name in questions:
        generators[binary].put(turned, name, show=True)
    for binary, turned, name in questions:
        answer = generators[binary].answer()
        assert refused(answer) == [], (turned.talos.contract, name)
        documents = rendered(turned, name, held)
        contract = turned.talos.contract
        assert written(documents) == generated(answer["config"], contract), (contract, name)
        kinds = {kind for kind, _ in documents}
        twice = [
            path
            for path, instead in replaced(minor(contract)).items()
            # The generated patches are of contract v1.12. The model refuses them in a later one.
            if given_in(documents[LEGACY], path) and kinds.intersection(instead) and not patched(turned, path)
        ]
        assert twice == [], (contract, name)


def patched(platform: Platform, path: str) -> bool:
    """Whether a patch for all machines sets a field of the large document."""
    return any(given_in(patch, path) for patch in platform.talos.patches)


@pytest.mark.parametrize(
    "aescbc", ["", "YW4gb2xkIGtleSBvZiBhbiBvbGQgY2x1c3RlcgAAAAA="], ids=["new", "from before v1.3"]
)
@pytest.mark.parametrize("secretbox", [True, False])
def test_another_contract_keeps_every_key_and_how_secrets_are_encrypted(bundle, aescbc, secretbox):
    """Another name, order or provider would make the Secrets in etcd unreadable."""
    held = material(bundle)
    held["secrets"]["aescbc_encryption_secret"] = aescbc
    if not secretbox:
        held["secrets"]["secretbox_encryption_secret"] = None
    platform = parse(stack_platform("prod"))
    for role in ("controlplane", "worker"):
        name = machine_of(platform, role)
        old, middle, new = (rendered(at(contract, platform), name, held) for contract in ("v1.12", "v1.13", "v1.14"))
        assert in_use(old) == in_use(middle) == in_use(new), role
        assert in_use(old)["tokens"] == [held["trustdinfo"]["token"], held["secrets"]["bootstrap_token"]]


def in_use(documents: Documents) -> dict[str, Any]:
    """What a machine takes from its config, by either form: PEM as text, and the API server's encryption.

    Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/internal/k8stemplates/apiserver.go for the
    fields, and internal/app/machined/pkg/controllers/secrets/root.go.
    """
    legacy = documents[LEGACY]
    machine, cluster = legacy["machine"], legacy["cluster"]
    identity = documents.get(("DiscoveryIdentityConfig", ""), {})
    authority = documents.get(("KubeAPIServerCAConfig", ""), {})
    account = documents.get(("KubeServiceAccountConfig", ""), {}).get("issuer", {})
    aggregator = documents.get(("KubeAggregatorCAConfig", ""), {}).get("issuingCA", {})
    encryption = documents.get(("KubeEtcdEncryptionConfig", ""), {}).get("config")
    issuing = authority.get("issuingCA", {})
    return {
        "tokens": [machine["token"], cluster["token"]],
        "talos": machine["ca"],
        "etcd": cluster.get("etcd", {}).get("ca"),
        "cluster": [cluster.get("id") or identity.get("clusterID"), cluster.get("secret") or identity["clusterSecret"]],
        "kubernetes": [
            _pem(cluster, "ca", "crt") or issuing.get("cert") or authority["acceptedCAs"][0],
            _pem(cluster, "ca", "key") or issuing.get("key", ""),
        ],
        "aggregator": [_pem(cluster, "aggregatorCA", part) or aggregator.get(key, "") for part, key in PAIR],
        "account": _pem(cluster, "serviceAccount", "key") or account.get("privateKey", ""),
        "issuer": account.get("issuerURL") or (_endpoint(cluster) if "serviceAccount" in cluster else None),
        "encryption": encryption or (_encryption(cluster) if "serviceAccount" in cluster else None),
    }


PAIR = (("crt", "cert"), ("key", "key"))


def _pem(cluster: dict[str, Any], name: str, part: str) -> str:
    return base64.b64decode(cluster.get(name, {}).get(part) or "").decode()


def _endpoint(cluster: dict[str, Any]) -> str:
    return str(cluster["controlPlane"]["endpoint"])


def _encryption(cluster: dict[str, Any]) -> dict[str, Any]:
    """Talos' template for the fields: fixed names, secretbox first, and what is not encrypted last."""
    providers: list[dict[str, Any]] = []
    if secret := cluster.get("secretboxEncryptionSecret"):
        providers.append({"secretbox": {"keys": [{"name": "key2", "secret": secret}]}})
    if secret := cluster.get("aescbcEncryptionSecret"):
        providers.append({"aescbc": {"keys": [{"name": "key1", "secret": secret}]}})
    return {"resources": [{"resources": ["secrets"], "providers": [*providers, {"identity": {}}]}]}
