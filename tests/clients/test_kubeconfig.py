"""A kubeconfig from elsewhere is taken field by field: what runs commands, reads files or trusts all is refused."""

import base64
import gzip
import io
import tarfile
import time
import tracemalloc

import pytest
import yaml

from clients.kubeconfig import kubeconfig
from clients.kubernetes import Access
from clients.talos import MESSAGES, Client, NoAnswer
from core.credentials.kubeconfig import MOST_BYTES, Kubeconfig, KubeconfigRefused, parse, rebuilt
from tests.provider.certificates import Pki, pem
from tests.provider.talos_server import TalosServer, stream

PKI = Pki()
CERTIFICATE, KEY = PKI.pair("admin")
SERVER = "https://10.20.0.10:6443"
GOOD = Kubeconfig("dev", SERVER, pem(PKI.ca), CERTIFICATE, KEY)
NOT = "is not a kubeconfig with a client certificate and nothing else: "
WHY = (
    "; what else a kubeconfig may hold runs commands, reads files or trusts strangers; use the one that Bedplate writes"
)
# The change of a good kubeconfig: where, the field, its value; and why it is refused.
USER, CLUSTER, CONTEXT = ("users", "user"), ("clusters", "cluster"), ("contexts", "context")
HOSTILE = {
    "exec": (USER, "exec", {"apiVersion": "client.authentication.k8s.io/v1", "command": "id"}, "its user has exec"),
    "auth-provider": (USER, "auth-provider", {"config": {"cmd-path": "id"}}, "its user has auth-provider"),
    "tokenFile": (USER, "tokenFile", "/etc/shadow", "its user has tokenFile"),
    "token": (USER, "token", "hunter2", "its user has token"),
    "password": (USER, "password", "hunter2", "its user has password"),
    "as": (USER, "as", "root", "its user has as"),
    "client-certificate": (USER, "client-certificate", "/etc/shadow", "its user has client-certificate"),
    "client-key": (USER, "client-key", "/etc/shadow", "its user has client-key"),
    "Exec": (USER, "Exec", {"command": "id"}, "its user has Exec"),
    "a merge key": (USER, "<<", {"exec": {"command": "id"}}, "its user has exec"),
    "escapes": (USER, "\x1b[2Jexec", 1, "its user has an unprintable field"),
    "a number": (USER, 5, 1, "its user has 5"),
    "proxy-url": (CLUSTER, "proxy-url", "http://evil.example", "its cluster has proxy-url"),
    "insecure": (CLUSTER, "insecure-skip-tls-verify", True, "its cluster has insecure-skip-tls-verify"),
    "tls-server-name": (CLUSTER, "tls-server-name", "evil.example", "its cluster has tls-server-name"),
    "a file of the authority": (CLUSTER, "certificate-authority", "/tmp/ca", "its cluster has certificate-authority"),
    "extensions": (CLUSTER, "extensions", [], "its cluster has extensions"),
    "the context's": (CONTEXT, "extensions", [], "its context has extensions"),
    "http": (CLUSTER, "server", "http://10.20.0.10:6443", "its server is not an https address of a host and a port"),
    "a path": (CLUSTER, "server", f"{SERVER}/evil", "its server is not an https address of a host and a port"),
    "a login": (CLUSTER, "server", "https://a:b@10.20.0.10", "its server is not an https address of a host and a port"),
    "no server": (CLUSTER, "server", None, "its server is not an https address of a host and a port"),
    "no certificate": (
        USER, "client-certificate-data", "", "client-certificate-data is empty, or not certificates in PEM",
    ),
    "both in the key": (
        USER,
        "client-key-data",
        base64.b64encode((CERTIFICATE + KEY).encode()).decode(),
        "client-key-data is empty, or not a private key in PEM",
    ),
    "no key": (USER, "client-key-data", "", "client-key-data is empty, or not a private key in PEM"),
    "null key": (USER, "client-key-data", None, "client-key-data is empty, or not a private key in PEM"),
    "a key of blanks": (USER, "client-key-data", "ICAg", "client-key-data is empty, or not a private key in PEM"),
    "no authority": (
        CLUSTER, "certificate-authority-data", "", "certificate-authority-data is empty, or not certificates in PEM",
    ),
    "another user": (CONTEXT, "user", "other", "its current context does not name its own context, cluster and user"),
}  # fmt: skip


def text_with(place, field, value):
    """The good kubeconfig with one field changed."""
    document = yaml.safe_load(GOOD.text())
    document[place[0]][0][place[1]][field] = value
    return yaml.safe_dump(document, width=1 << 30, allow_unicode=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_kubeconfig_is_refused_by_name_and_shown_nowhere(name):
    place, field, value, why = HOSTILE[name]
    text = text_with(place, field, value).replace("'<<':", "<<:")
    with pytest.raises(KubeconfigRefused) as refused:
        Access.parse(text)
    assert str(refused.value) == NOT + why + WHY
    with pytest.raises(KubeconfigRefused):
        rebuilt(text, SERVER)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not a mapping"),
        ("[]", "it is not a mapping"),
        ("contexts: []", "contexts is not a list of one entry"),
        (GOOD.text() + "extensions: []\n", "it has extensions"),
        (GOOD.text() + "preferences: {colors: true}\n", "it has preferences"),
        (GOOD.text() + "---\na: b\n", "the text can't be read: it has 2 documents instead of one"),
        (GOOD.text().replace("name: dev\n", "name: \"a\\nb\"\n", 1), "an entry of clusters has no name of letters"),
        ("a: &a [x]\nb: *a\n", "the text can't be read: it has an anchor or an alias in line 1"),
        ("a: !!python/object/apply:os.system [id]\n", "the text can't be read: it has a tag in line 1"),
        ("#" * MOST_BYTES + "\n", f"the text can't be read: it has {MOST_BYTES + 1} bytes"),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text, why):
    with pytest.raises(KubeconfigRefused, match="is not a kubeconfig with a client certificate") as refused:
        parse(text)
    assert why in str(refused.value)


def test_two_users_of_which_one_runs_a_command_are_refused():
    document = yaml.safe_load(GOOD.text())
    document["users"].append({"name": "b", "user": {"exec": {"command": "id"}}})
    with pytest.raises(KubeconfigRefused, match="users is not a list of one entry"):
        parse(yaml.safe_dump(document))


def test_what_is_written_is_what_is_read_and_what_another_reader_could_see_is_gone():
    assert parse(GOOD.text()) == GOOD and rebuilt(GOOD.text(), SERVER) == GOOD.text()
    # YAML's rule for a key that comes twice differs from reader to reader: only the parts that were read go on.
    twice = GOOD.text().replace("kind: Config\n", "kind: Config\nusers: [{name: e, user: {exec: {command: id}}}]\n")
    assert twice != GOOD.text() and rebuilt(twice, SERVER) == GOOD.text()


def test_a_kubeconfig_for_another_server_reaches_nobody():
    with pytest.raises(KubeconfigRefused, match=r"it is for another server than https://10\.20\.0\.99:6443"):
        rebuilt(GOOD.text(), "https://10.20.0.99:6443")


def test_a_key_is_in_no_representation():
    assert KEY.splitlines()[1] not in repr(GOOD) + repr(Access.of(GOOD))


def archive(text, kind=tarfile.REGTYPE, size=None):
    """As Talos sends it: a header and the file, without the end of the archive, packed."""
    header = tarfile.TarInfo("kubeconfig")
    header.type, header.size = kind, len(text) if size is None else size
    return gzip.compress(header.tobuf() + text)


def links(count):
    """A chain of extended headers, each of which announces the next one."""
    whole = io.BytesIO()
    for _ in range(count):
        header = tarfile.TarInfo("x")
        header.type = tarfile.XHDTYPE
        whole.write(header.tobuf())
    return gzip.compress(whole.getvalue())


ARCHIVE = f"the kubeconfig is not an archive with one file of at most {MOST_BYTES} bytes"
PACKED = {
    "nothing": (b"", ARCHIVE),
    "no gzip": (GOOD.text().encode(), ARCHIVE),
    "a bomb": (gzip.compress(bytes(1 << 30), 1), f"the kubeconfig's archive has more than {MOST_BYTES} bytes"),
    "a smaller bomb": (gzip.compress(bytes(200 << 20)), ARCHIVE),
    "a link": (archive(b"", tarfile.SYMTYPE), ARCHIVE),
    "a device": (archive(b"", tarfile.CHRTYPE), ARCHIVE),
    "endless headers": (links(500), ARCHIVE),
    "too short": (archive(b"abc", size=100), ARCHIVE),
    "a large size": (archive(b"abc", size=1 << 40), ARCHIVE),
    "exec": (archive(text_with(USER, "exec", {"command": "id"}).encode()), f"what it issued {NOT}its user has exec"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_control_plane_that_was_taken_over_gives_away_nothing_but_a_line(name):
    packed, why = PACKED[name]

    def hand_out(request, context):
        for start in range(0, len(packed), 65536):
            yield MESSAGES["Data"](bytes=packed[start : start + 65536])

    server = TalosServer(PKI, {"machine.MachineService": {"Kubeconfig": stream(hand_out, "Empty", "Data")}})
    try:
        client = Client(*(base64.b64decode(part) for part in server.client().values()))
        tracemalloc.start()
        began = time.monotonic()
        with pytest.raises(NoAnswer) as refused:
            kubeconfig(client, server.address)
        assert str(refused.value).startswith(why) and "\n" not in str(refused.value)
        assert time.monotonic() - began < 10 and tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
        server.server.stop(0)


def test_blanks_between_certificates_take_no_time():
    """Before, each blank multiplied the ways to divide the text, and a plan would never have ended."""
    hostile = ("-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----" + " " * 12) * 7 + "!"
    text = Kubeconfig("dev", SERVER, hostile, CERTIFICATE, KEY).text()
    began = time.process_time()
    with pytest.raises(KubeconfigRefused, match="certificate-authority-data is empty, or not certificates"):
        parse(text)
    assert time.process_time() - began < 0.5
