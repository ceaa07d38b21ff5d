"""Stand-ins have the shape of what they stand in for and nothing else of it, and a secret that is left is found."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from core.state import unwrap_secret
from operations.review.redaction import UNKNOWN, Plan, Redaction, plan_of, sealed
from operations.review.stand_ins import StandIns, certificate_of

SERVER = "https://10.0.0.1:6443"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pem(key, traditional=False):
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def certificate(name, key, issuer=None, issuer_key=None):
    """A certificate, of an authority if no issuer is given."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer_key or key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=365))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        .sign(signer, digest)
    )
    return made, made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(params=["ed25519", "ec", "rsa"])
def pair(request):
    """An authority's key and certificate, and a client's."""
    make = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }[request.param]
    ca_key, key = make(), make()
    ca, ca_pem = certificate("ca", ca_key)
    _, client_pem = certificate("client", key, ca, ca_key)
    return [ca_pem, pem(ca_key), client_pem, pem(key)]


@pytest.mark.parametrize("encode", [str, lambda text: base64.b64encode(text.encode()).decode()], ids=["pem", "base64"])
def test_a_pair_stays_a_pair_that_its_authority_signed_with_names_and_dates_and_other_keys(pair, encode):
    texts = [encode(text) for text in pair]
    ca, ca_key, client, key = map(StandIns(texts).of, texts)
    assert not {ca, ca_key, client, key} & set(texts)
    opened = [text if encode is str else base64.b64decode(text).decode() for text in (ca_key, key)]
    private = [serialization.load_pem_private_key(text.encode(), None) for text in opened]
    certificates = [certificate_of(ca), certificate_of(client)]
    for one, other in zip(private, certificates, strict=True):
        assert one.public_key() == other.public_key()
    certificates[1].verify_directly_issued_by(certificates[0])
    assert [each.subject.rfc4514_string() for each in certificates] == ["CN=ca", "CN=client"]
    assert certificates[1].not_valid_after_utc == NOW + timedelta(days=365)


def test_talos_own_name_of_an_ed25519_key_stays():
    text = pem(ed25519.Ed25519PrivateKey.generate()).replace("PRIVATE KEY", "ED25519 PRIVATE KEY")
    made = StandIns([]).of(text)
    assert made.startswith("-----BEGIN ED25519 PRIVATE KEY-----") and made != text


def test_of_a_kubeconfig_only_names_and_addresses_stay(pair):
    ca, _, client, key = pair
    user = {"client-certificate-data": client, "client-key-data": key, "token": "SEKRET", "exec": {"command": "SEKRET"}}
    kubeconfig = yaml.safe_dump(
        {
            "kind": "Config",
            "clusters": [{"name": "prod", "cluster": {"server": SERVER, "certificate-authority-data": ca}}],
            "contexts": [{"name": "admin@prod", "context": {"cluster": "prod", "user": "admin@prod"}}],
            "users": [{"name": "admin@prod", "user": user}],
        }
    )
    made = yaml.safe_load(StandIns(pair).of(kubeconfig))
    assert made["clusters"][0]["cluster"]["server"] == SERVER
    assert made["contexts"] == yaml.safe_load(kubeconfig)["contexts"]
    assert "SEKRET" not in json.dumps(made)
    assert not [text for text in (ca, client, key) if json.dumps(text) in json.dumps(made)]


@pytest.mark.parametrize(
    "text", ["hunter2-is-a-password", "abcdef.0123456789abcdef", base64.b64encode(bytes(32)).decode(), "0" * 64]
)
def test_equal_secrets_have_equal_stand_ins_that_are_new_in_each_redaction(text):
    stand_ins = StandIns([])
    assert stand_ins.of(text) == stand_ins.of({"a": [text]})["a"][0] != text
    assert StandIns([]).of(text) != stand_ins.of(text)
    assert "hunter2" not in stand_ins.of(text)


def resource(name, **properties):
    return {"urn": f"urn:pulumi:dev::bedplate::{name}::{name}", "type": name, **properties}


def test_what_a_run_without_secrets_registers_replaces_a_stand_in_where_the_real_plan_changes_nothing():
    one = resource("one", inputs={"config": sealed("key: SEKRET-KEY-OF-THE-CLUSTER"), "password": sealed("SEKRET-OLD")})
    redaction = Redaction({"resources": [one]})
    [made] = redaction.deployment["resources"]
    assert "SEKRET" not in json.dumps(made)
    real = Plan([("update", one["urn"])], {}, {one["urn"]: frozenset({"password"})})
    ran = Plan([], inputs={one["urn"]: {"config": "key: stand-in", "password": "stand-in"}})
    redaction.settle(real, ran)
    [made] = redaction.deployment["resources"]
    assert unwrap_secret(made["inputs"]["config"]) == "key: stand-in"
    assert unwrap_secret(made["inputs"]["password"]) not in ("stand-in", "SEKRET-OLD")


def test_what_is_not_known_yet_replaces_nothing():
    one = resource("one", inputs={"config": sealed("SEKRET")})
    redaction = Redaction({"resources": [one]})
    before = json.dumps(redaction.deployment)
    redaction.settle(Plan([]), Plan([], inputs={one["urn"]: {"config": UNKNOWN}}))
    assert json.dumps(redaction.deployment) == before


@pytest.mark.parametrize(
    "plain",
    [
        {"outputs": {"log": "used SEKRET-PASSWORD twice"}},
        {"id": "SEKRET-PASSWORD"},
        {"outputs": {"users": [{"SEKRET-PASSWORD": 1}]}},
        {"outputs": {"patch": json.dumps({"key": "SEKRET-KEY\nOF TWO LINES"})}},
    ],
)
def test_a_secret_that_is_also_a_plain_value_is_found(plain):
    """A plugin that forgot a mark, or put the secret into a name, or into JSON."""
    held = {"password": sealed("SEKRET-PASSWORD"), "key": sealed("SEKRET-KEY\nOF TWO LINES")}
    resources = [resource("one", inputs=held), resource("two", **plain)]
    assert list(Redaction({"resources": resources}).leaks(Plan([]))) == [f"two: {next(iter(plain))}"]


def test_what_the_program_registers_without_secrets_is_no_leak():
    urn = resource("one")["urn"]
    resources = [resource("one", inputs={"host": sealed(SERVER)}, id=SERVER)]
    ran = Plan([], inputs={urn: {"host": SERVER}})
    assert list(Redaction({"resources": resources}).leaks(ran)) == []


def test_a_plan_is_read_with_its_changes_and_where_a_resource_was_before():
    steps = [
        {"op": "same", "urn": "a", "oldState": {"urn": "formerly-a"}},
        {"op": "update", "urn": "b", "diffReasons": ["config"], "detailedDiff": {"hosts[0].name": {}}},
        {"op": "replace", "urn": "c"},
    ]
    plan = plan_of({"steps": steps, "diagnostics": [{"severity": "error", "message": "error: no\n"}]})
    assert plan.before["a"] == "formerly-a"
    assert plan.changed == {"b": frozenset({"config", "hosts"}), "c": None}
    assert plan.errors == ("error: no",)
