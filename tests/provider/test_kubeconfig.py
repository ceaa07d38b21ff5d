"""The kubeconfig that the provider makes: from the PKI alone, kept as long as it is good, and said when it is not."""

import asyncio
import base64
import datetime
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from clients.kubernetes import Access, get
from core.credentials.kubeconfig import Kubeconfig, parse
from core.credentials.signing import ADMIN, LABEL, MASTERS, TALOS_LABEL, signed
from core.native import UNKNOWN
from provider.resources import RESOURCES, kubeconfig
from tests.provider.certificates import Pki, pem, private_pem
from tests.provider.kubernetes_server import Api

KIND = RESOURCES["bedplate-native:kubernetes:Kubeconfig"]
SERVER = "https://10.20.0.10:6443"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
KEYS = {
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    # Kubernetes' authority of clusters that Talos created before v0.9, and of many adopted ones.
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time is that of the certificates, however long the other tests took."""
    monkeypatch.setattr(kubeconfig, "now", lambda: NOW)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def authority(kind="ecdsa", begins=-800 * DAY, ends=3650 * DAY, usable=True):
    """An authority as the PKI has it, and its certificate."""
    key = KEYS[kind]()
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "kubernetes")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        # Talos' identifier is not always the hash of the key.
        .add_extension(x509.SubjectKeyIdentifier(b"its own identifier"), critical=False)
    )
    certificate = built.sign(key, None if kind == "ed25519" else hashes.SHA256())
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    written = key.private_bytes(serialization.Encoding.PEM, *form)
    written = written.replace(LABEL, TALOS_LABEL) if kind == "ed25519" else written
    return {"cert": encoded(pem(certificate)), "key": encoded(written.decode())}, certificate


def given(pair, **others):
    return {"cluster": "dev", "server": SERVER, "authority": pair, **others}


def create(inputs):
    identity, outputs = asyncio.run(KIND.create(inputs, print))
    assert identity == "dev" and outputs.keys() == inputs.keys() | {"kubeconfig"}
    return outputs


def update(inputs, state):
    return asyncio.run(KIND.update("dev", state, inputs, print))


def aged(pair, days):
    """A state whose certificate expires in some days."""
    made = signed(pair, NOW + (days - 365) * DAY, organization=MASTERS, name=ADMIN)
    texts = [base64.b64decode(made[name]).decode() for name in ("caCertificate", "clientCertificate", "clientKey")]
    return {**given(pair), "kubeconfig": Kubeconfig("dev", SERVER, *texts).text()}


@pytest.mark.parametrize("kind", KEYS)
def test_the_certificate_is_an_administrators_of_this_authority_for_a_year(kind):
    pair, issuer = authority(kind)
    made = parse(create(given(pair))["kubeconfig"])
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    certificate.verify_directly_issued_by(issuer)
    assert certificate.subject.rfc4514_string() == "CN=admin,O=system:masters"
    assert (made.cluster, made.server, made.authority) == ("dev", SERVER, pem(issuer))
    lasts = certificate.not_valid_after_utc - NOW
    assert 364 * DAY < lasts <= 365 * DAY
    # A server whose clock is a little behind takes it too.
    assert NOW - certificate.not_valid_before_utc > datetime.timedelta(minutes=4)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert identifier.key_identifier == b"its own identifier"
    key = serialization.load_pem_private_key(made.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()


def test_a_server_that_trusts_the_authority_admits_it(tmp_path):
    server = Api(tmp_path, [200])
    pair = {"cert": encoded(pem(server.pki.ca)), "key": encoded(private_pem(server.pki.key))}
    made = create({**given(pair), "server": f"https://localhost:{server.server.server_port}"})
    access = Access.parse(made["kubeconfig"])
    with access.tls() as tls:
        assert get(access, tls, "/readyz") == "ok"
    server.server.shutdown()
    server.server.server_close()


def test_no_certificate_outlives_its_authority():
    pair, issuer = authority(ends=90 * DAY)
    made = create(given(pair))
    certificate = x509.load_pem_x509_certificate(parse(made["kubeconfig"]).certificate.encode())
    assert certificate.not_valid_after_utc == issuer.not_valid_after_utc


def test_a_good_kubeconfig_is_never_touched_and_a_plan_knows_it():
    pair, _ = authority()
    state = create(given(pair))
    assert KIND.outdated(given(pair), state) == []
    assert KIND.plan(given(pair), state)["kubeconfig"] == state["kubeconfig"]
    assert update(given(pair), state) == state


@pytest.mark.parametrize(("days", "due"), [(31, False), (29, True), (1, True), (-1, True)])
def test_it_is_renewed_in_its_last_month_and_the_plan_says_why(days, due):
    pair, _ = authority()
    state = aged(pair, days)
    assert KIND.outdated(given(pair), state) == (["kubeconfig"] if due else [])
    if due:
        end = (NOW + days * DAY).strftime("%Y-%m-%d")
        why = f"the administrator's certificate is renewed, because it expires on {end}"
        assert KIND.describe_change(given(pair), state) == why
        assert KIND.plan(given(pair), state)["kubeconfig"] is UNKNOWN
        after = update(given(pair), state)
        assert parse(after["kubeconfig"]).certificate != parse(state["kubeconfig"]).certificate
        assert KIND.outdated(given(pair), after) == []


def test_an_authority_in_its_own_last_month_renews_it_once_and_not_with_every_update():
    pair, _ = authority(ends=20 * DAY)
    state = aged(pair, 10)
    assert KIND.outdated(given(pair), state) == ["kubeconfig"]
    assert KIND.outdated(given(pair), update(given(pair), state)) == []


def test_another_server_is_written_with_the_same_certificate():
    pair, _ = authority()
    state = create(given(pair))
    wanted = {**given(pair), "server": "https://10.20.0.99:6443"}
    after = update(wanted, state)
    assert parse(after["kubeconfig"]) == replace(parse(state["kubeconfig"]), server="https://10.20.0.99:6443")
    assert KIND.plan(wanted, state)["kubeconfig"] == after["kubeconfig"]
    assert KIND.describe_change(wanted, state) == (
        "the kubeconfig is rewritten, because server changed; its certificate stays"
    )


def test_another_authority_signs_another_certificate():
    pair, _ = authority()
    other, issuer = authority()
    state = create(given(pair))
    after = parse(update(given(other), state)["kubeconfig"])
    assert after.authority == pem(issuer)
    x509.load_pem_x509_certificate(after.certificate.encode()).verify_directly_issued_by(issuer)
    assert KIND.describe_change(given(other), state) == (
        "the administrator's certificate is renewed, because the one in the state is not an administrator's of "
        "this authority"
    )


def former(pair, **fields):
    """The state of a kubeconfig that the Talos plugin asked for, of release 0.1.0."""
    text = aged(pair, 300)["kubeconfig"]
    for before, after in fields.items():
        assert before in text
        text = text.replace(before, after)
    return {"node": "10.20.0.11", "kubeconfigRaw": text, "clientConfiguration": {}}


def test_the_former_resources_kubeconfig_is_taken_over_as_it_is():
    pair, _ = authority()
    state = former(pair)
    assert KIND.plan(given(pair), state)["kubeconfig"] == state["kubeconfigRaw"]
    assert update(given(pair), state)["kubeconfig"] == state["kubeconfigRaw"]
    assert KIND.describe_change(given(pair), state) == (
        "takes over the kubeconfig that a control plane issued; its certificate stays"
    )


def test_a_strangers_kubeconfig_in_an_old_state_is_not_taken_over():
    """What it runs is gone, and so is its server: only a certificate of our own authority would stay."""
    pair, _ = authority()
    state = former(pair, **{"    client-key-data:": "    exec: {command: hunter2}\n    client-key-data:"})
    assert KIND.plan(given(pair), state)["kubeconfig"] is UNKNOWN
    assert "exec" not in update(given(pair), state)["kubeconfig"]
    why = KIND.describe_change(given(pair), state)
    assert why.startswith(
        "the administrator's certificate is renewed, because the kubeconfig in the state is not a kubeconfig with "
        "a client certificate and nothing else: its user has exec; "
    )
    assert "hunter2" not in why


def test_a_stranger_who_has_no_key_of_ours_leaves_nothing_behind():
    pair, _ = authority()
    evil, _ = authority()
    state = former(evil, **{SERVER: "https://127.0.0.1:18443"})
    after = parse(update(given(pair), state)["kubeconfig"])
    assert after.server == SERVER and encoded(after.authority) == pair["cert"]
    assert after.certificate != parse(state["kubeconfigRaw"]).certificate


def test_a_certificate_for_less_or_without_its_own_key_is_not_kept():
    pair, _ = authority()
    for how in ({"organization": "system:nodes", "name": ADMIN}, {"organization": MASTERS, "name": "other"}):
        made = signed(pair, NOW, **how)
        texts = [base64.b64decode(made[name]).decode() for name in ("caCertificate", "clientCertificate", "clientKey")]
        state = {**given(pair), "kubeconfig": Kubeconfig("dev", SERVER, *texts).text()}
        assert KIND.outdated(given(pair), state) == ["kubeconfig"]
    one, two = (parse(create(given(pair))["kubeconfig"]) for _ in range(2))
    assert KIND.outdated(given(pair), {**given(pair), "kubeconfig": replace(one, key=two.key).text()})


def test_a_plan_without_a_pki_knows_everything_but_the_kubeconfig():
    for unknown in (UNKNOWN, {"cert": UNKNOWN, "key": UNKNOWN}):
        inputs = given(unknown)
        assert KIND.check(inputs) == [] and KIND.describe_change(inputs, {}) is None
        assert KIND.plan(inputs) == {**inputs, "kubeconfig": UNKNOWN} and KIND.outdated(inputs, {}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"authority": {"cert": "aHVudGVyMg==", "key": "aHVudGVyMg=="}}, "authority is not an authority's certificate"),
        ({"authority": {"cert": "aHVudGVyMg=="}}, "authority is not an authority's certificate"),
        ({"server": "http://hunter2"}, "server is not an https address; "),
        ({"server": "https://hunter2:a@b"}, "server is not an https address; "),
        ({"cluster": "hunter2\n"}, "cluster is not a name; "),
    ],
)
def test_what_can_not_sign_or_be_written_is_refused_in_the_plan_and_not_shown(change, says):
    pair, _ = authority()
    (fault,) = KIND.check({**given(pair), **change})
    line = f"{fault.property} {fault.reason}"
    assert line.startswith(says) and "hunter2" not in line and line.count("; ") >= 2


def test_an_expired_authority_is_refused_in_the_plan():
    pair, _ = authority(ends=-DAY)
    (fault,) = KIND.check(given(pair))
    assert fault.reason == "has expired; no client trusts what it signs; rotate it first: talosctl rotate-ca"


def test_time_passes(monkeypatch):
    """The same state, eleven months and a half later."""
    pair, _ = authority()
    state = create(given(pair))
    monkeypatch.setattr(kubeconfig, "now", lambda: NOW + 340 * DAY)
    assert KIND.outdated(given(pair), state) == ["kubeconfig"]


def test_the_pki_of_other_tests_is_no_administrators():
    pki = Pki()
    pair = {"cert": encoded(pem(pki.ca)), "key": encoded(private_pem(pki.key))}
    text = Kubeconfig("dev", SERVER, pem(pki.ca), *pki.pair("admin")).text()
    assert KIND.outdated(given(pair), {**given(pair), "kubeconfig": text}) == ["kubeconfig"]
