"""A cluster's secrets in a file: every fault is reported in one line, without a value."""

import base64
import copy
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from core.credentials.signing import private_key, signed
from operations.adopt.bundle import Bundle, BundleError, read

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FORM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
TAKE = "take the whole file that talosctl gen secrets wrote"
AGAIN = (
    "write the file again: talosctl gen secrets --from-controlplane-config CONFIG -o FILE, with a control plane's "
    "config"
)


def b64(data):
    return base64.b64encode(data).decode()


def authority(key=None, *, begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=3650), ca=True, label=True):
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "talos")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    certificate = built.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    pem = key.private_bytes(*FORM)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        pem = pem.replace(b"PRIVATE KEY", b"ED25519 PRIVATE KEY")
    return {"crt": b64(certificate.public_bytes(serialization.Encoding.PEM)), "key": b64(pem)}


@pytest.fixture(scope="module")
def whole():
    account = rsa.generate_private_key(65537, 2048).private_bytes(*FORM)
    return {
        "cluster": {"id": b64(b"i" * 32), "secret": b64(b"s" * 32)},
        "secrets": {"bootstraptoken": "abcdef.0123456789abcdef", "secretboxencryptionsecret": b64(b"k" * 32)},
        "trustdinfo": {"token": "ghijkl.0123456789ghijkl"},
        "certs": {
            "etcd": authority(),
            "k8s": authority(),
            "k8saggregator": authority(),
            "k8sserviceaccount": {"key": b64(account)},
            "os": authority(ed25519.Ed25519PrivateKey.generate()),
        },
    }


def changed(whole, **edits):
    bundle = copy.deepcopy(whole)
    for path, value in edits.items():
        *parents, leaf = path.split("__")
        at = bundle
        for part in parents:
            at = at[part]
        if value is None:
            del at[leaf]
        else:
            at[leaf] = value
    return bundle


def faults(of):
    with pytest.raises(BundleError) as faulty:
        read(of if isinstance(of, str) else yaml.safe_dump(of), NOW)
    return faulty.value.faults


def test_a_complete_bundle_is_read_with_the_plugins_names(whole):
    imported = read(yaml.safe_dump(whole), NOW)
    pair = lambda name: {"cert": whole["certs"][name]["crt"], "key": whole["certs"][name]["key"]}  # noqa: E731
    assert imported.material == {
        "certs": {
            "etcd": pair("etcd"),
            "k8s": pair("k8s"),
            "k8sAggregator": pair("k8saggregator"),
            "os": pair("os"),
            "k8sServiceaccount": {"key": whole["certs"]["k8sserviceaccount"]["key"]},
        },
        "cluster": whole["cluster"],
        "secrets": {"bootstrapToken": "abcdef.0123456789abcdef", "secretboxEncryptionSecret": b64(b"k" * 32)},
        "trustdinfo": whole["trustdinfo"],
    }
    assert imported.ends.keys() == {"etcd", "k8s", "k8sAggregator", "os"}
    assert whole["certs"]["os"]["key"] not in repr(imported) and isinstance(imported, Bundle)


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        (
            {"aescbcencryptionsecret": b64(b"a" * 32)},
            {"secretboxEncryptionSecret": "", "aescbcEncryptionSecret": b64(b"a" * 32)},
        ),
        (
            {"aescbcencryptionsecret": b64(b"a" * 16), "secretboxencryptionsecret": b64(b"k" * 32)},
            {"secretboxEncryptionSecret": b64(b"k" * 32), "aescbcEncryptionSecret": b64(b"a" * 16)},
        ),
    ],
)
def test_the_encryption_key_of_a_cluster_from_before_v1_3_is_imported(whole, keys, kept):
    """Without it the API could not read the Secrets that it wrote with this key."""
    raw = changed(whole, secrets={"bootstraptoken": "abcdef.0123456789abcdef", **keys})
    assert read(yaml.safe_dump(raw), NOW).material["secrets"] == {
        "bootstrapToken": "abcdef.0123456789abcdef",
        **kept,
    }


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (
            {"certs__etcd__crt": None},
            f"certs.etcd.crt: is missing, and no peer would trust what the authority signed; {TAKE}",
        ),
        (
            {"certs__etcd__crt": "hunter2"},
            "certs.etcd.crt: is no certificate (PEM in base64), and no peer would trust what the authority signed; "
            f"{TAKE}",
        ),
        (
            {"certs__k8s__key": ""},
            f"certs.k8s.key: is missing, so nothing could be signed; a worker's config has no keys; {AGAIN}",
        ),
        (
            {"certs__os__key": "hunter2="},
            f"certs.os.key: is no private key (PEM in base64), so nothing could be signed; {TAKE}",
        ),
        (
            {"certs__k8sserviceaccount": None},
            "certs.k8sserviceaccount.key: is missing, so nothing could be signed; a worker's config has no keys; "
            f"{AGAIN}",
        ),
        (
            {"certs__k8sserviceaccount__key": b64(b"hunter2")},
            f"certs.k8sserviceaccount.key: is no private key (PEM in base64), so nothing could be signed; {TAKE}",
        ),
        ({"cluster__id": ""}, f"cluster.id: is missing, and members would not find each other; {TAKE}"),
        ({"cluster": None}, f"cluster.id: is missing, and members would not find each other; {TAKE}"),
        (
            {"trustdinfo__token": None},
            f"trustdinfo.token: is missing, and no machine would get its certificate; {TAKE}",
        ),
        (
            {"secrets__bootstraptoken": "hunter2"},
            f"secrets.bootstraptoken: is no token (6 characters, a dot, 16 characters), so no node could join; {TAKE}",
        ),
        (
            {"secrets__secretboxencryptionsecret": None},
            "secrets: has neither secretboxencryptionsecret nor aescbcencryptionsecret (clusters from before Talos "
            "v1.3), so the API could not decrypt its own Secrets; " + TAKE,
        ),
        (
            {"secrets__secretboxencryptionsecret": b64(b"hunter2")},
            "secrets.secretboxencryptionsecret: is no key of 32 bytes in base64, so the API could not decrypt its "
            f"own Secrets; {TAKE}",
        ),
        (
            {"secrets__aescbcencryptionsecret": "hunter2!"},
            "secrets.aescbcencryptionsecret: is no key of 16 or 24 or 32 bytes in base64, so the API could not "
            f"decrypt its own Secrets; {TAKE}",
        ),
    ],
)
def test_each_missing_or_invalid_part_is_reported(whole, edits, message):
    reported = faults(changed(whole, **edits))
    assert message in reported and "hunter2" not in "".join(reported)
    # If the whole section is missing, each of its parts is reported.
    assert len(reported) == (2 if edits == {"cluster": None} else 1)


def test_all_faults_are_reported_together(whole):
    reported = faults(changed(whole, certs=None, secrets=None, trustdinfo=None))
    assert len(reported) == 4 * 2 + 1 + 1 + 2 and reported == [*dict.fromkeys(reported)]


def test_a_key_that_does_not_fit_its_certificate_is_reported(whole):
    """Every part parses, but all other machines would refuse what this one signs."""
    other = changed(whole, certs__etcd__key=whole["certs"]["k8s"]["key"])
    assert faults(other) == [
        f"certs.etcd.key: belongs to another certificate, so every peer refuses what it signs; {AGAIN}"
    ]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"ends": NOW - timedelta(hours=1)},
            "certs.etcd.crt: expired on 2026-11-25, so no peer trusts what it signs; rotate it first: talosctl "
            "rotate-ca",
        ),
        (
            {"begins": NOW + timedelta(days=2)},
            "certs.etcd.crt: is not valid before 2026-11-28, so no peer trusts what it signs until then; check the "
            "clock of this machine",
        ),
        (
            {"ca": False},
            f"certs.etcd.crt: is not the certificate of an authority, so it cannot sign those of machines; {TAKE}",
        ),
    ],
)
def test_a_certificate_that_is_no_authority_is_reported(whole, how, message):
    assert faults(changed(whole, certs__etcd=authority(**how))) == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"is not a bundle of secrets, which has cluster, secrets, trustdinfo and certs; {TAKE}"),
        ("- hunter2", f"is not a bundle of secrets, which has cluster, secrets, trustdinfo and certs; {TAKE}"),
        ("a: hunter2: b", f"is not YAML in line 1, so nothing was read; {TAKE}"),
        ("a: !!python/object:os.system hunter2", f"is not YAML in line 1, so nothing was read; {TAKE}"),
        (
            "version: v1alpha1\nmachine: {token: hunter2}\n---\nkind: HostnameConfig",
            f"is a machine config, which holds only some of the secrets; {AGAIN}",
        ),
        ("a: 1\n---\nb: 2", f"is not a bundle of secrets, which has cluster, secrets, trustdinfo and certs; {TAKE}"),
    ],
)
def test_another_kind_of_file_is_recognised_and_reported(text, message):
    assert faults(text) == [message]


@pytest.mark.parametrize("kind", ["os", "k8s"])
def test_a_client_is_signed_by_the_authority(whole, kind):
    """Talos' authority has an Ed25519 key, Kubernetes' an ECDSA key."""
    pair = read(yaml.safe_dump(whole), NOW).material["certs"][kind]
    client = signed(pair, NOW)
    ca, certificate = (
        x509.load_pem_x509_certificate(base64.b64decode(client[part]))
        for part in ("caCertificate", "clientCertificate")
    )
    certificate.verify_directly_issued_by(ca)
    assert certificate.public_key() == private_key(base64.b64decode(client["clientKey"])).public_key()
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)
    assert certificate.subject.rfc4514_string() == "O=os:admin"
    assert base64.b64decode(client["clientKey"]).startswith(b"-----BEGIN ED25519 PRIVATE KEY-----")


def test_a_client_certificate_expires_no_later_than_its_authority(whole):
    pair = authority(ends=NOW + timedelta(days=30))
    client = signed({"cert": pair["crt"], "key": pair["key"]}, NOW)
    assert x509.load_pem_x509_certificate(
        base64.b64decode(client["clientCertificate"])
    ).not_valid_after_utc == NOW + timedelta(days=30)
