"""Whoever stands in a configured machine's place is sent nothing, whatever the call and whatever its certificate."""

import ast
import base64

import pytest
from conftest import ROOT
from cryptography.x509.oid import ExtendedKeyUsageOID

from clients.kubeconfig import kubeconfig
from clients.talos import Client, Maintenance, NoAnswer
from operations.drift.machines import Declared, inspect
from operations.drift.nodes import Nodes
from tests.provider.certificates import Pki
from tests.provider.strangers import ELSEWHERE, Stranger, certificate

PLATFORM = Pki("talos")
# What a stranger may have, and why OpenSSL refuses it.
CERTIFICATES = {
    "made by itself": (lambda: certificate(Pki("self")), "unable to get local issuer certificate"),
    "of an authority of the same name": (lambda: certificate(Pki("talos")), "certificate verify failed"),
    "of the platform, expired": (lambda: certificate(PLATFORM, hours=-1), "certificate has expired"),
    "of the platform, of another machine": (lambda: certificate(PLATFORM, ELSEWHERE), "Hostname mismatch"),
    "of the platform, of a client": (
        lambda: certificate(PLATFORM, usage=ExtendedKeyUsageOID.CLIENT_AUTH),
        "certificate verify failed: unsuitable certificate purpose",
    ),
}
CALLS = {
    "apply": lambda client, at: client.apply(at, "key: LS0t"),
    "reset": lambda client, at: client.reset(at),
    "upgrade": lambda client, at: client.upgrade(at, "f.io/installer/x:v1.14.2"),
    "bootstrap": lambda client, at: client.bootstrap(at),
    "leave etcd": lambda client, at: client.leave_etcd(at),
    "remove a member": lambda client, at: client.remove_member(at, "cp-2"),
    "snapshot": lambda client, at: client.snapshot(at, lambda piece: None, 5.0),
    "kubeconfig": kubeconfig,
    "health": lambda client, at: client.unsettled(at),
    "version": lambda client, at: client.version(at),
    "running": lambda client, at: client.running(at),
    "began": lambda client, at: client.began(at),
    "virtualizes": lambda client, at: client.virtualizes(at),
    "members": lambda client, at: client.members(at),
    "own members": lambda client, at: client.own_members(at),
    "peers": lambda client, at: client.peers(at),
    "service": lambda client, at: client.service(at, "etcd"),
    "hardware": lambda client, at: client.hardware(at),
    "resources": lambda client, at: client.resources(at, "config", "MachineConfigs.config.talos.dev"),
}


def client() -> Client:
    return Client(*(base64.b64decode(part) for part in PLATFORM.client().values()))


@pytest.fixture(scope="module", params=CERTIFICATES)
def stranger(request):
    pair, why = CERTIFICATES[request.param]
    made = Stranger(pair())
    yield made, why
    made.server.stop(0)


@pytest.mark.parametrize("call", CALLS)
def test_it_is_sent_nothing(stranger, call):
    at, why = stranger
    with pytest.raises(NoAnswer, match=why):
        CALLS[call](client(), at.address)
    assert at.requests == []


def test_a_server_of_the_platform_is_sent_the_call():
    """Else the tests above would show nothing."""
    ours = Stranger(certificate(PLATFORM))
    client().reset(ours.address)
    assert [method for method, _ in ours.requests] == ["/machine.MachineService/Reset"]
    ours.server.stop(0)


def test_every_call_of_the_client_is_among_these():
    calls = {name for name in vars(Client) if not name.startswith("_") and callable(getattr(Client, name))}
    assert {name.replace(" ", "_") for name in CALLS} - {"kubeconfig", "remove_a_member", "health", "hardware"} == (
        calls - {"remove_member", "unsettled"} - {"ask"} | {"resources"}
    )


def test_a_client_without_an_authority_trusts_nobody():
    """Python would take the authorities of this computer instead."""
    ours = Stranger(certificate(PLATFORM))
    with pytest.raises(NoAnswer, match="the client has no certificate authority, so no machine can be verified"):
        Client(b"", *list(vars(client()).values())[1:]).reset(ours.address)
    assert ours.requests == []
    ours.server.stop(0)


def test_drift_asks_a_stranger_for_nothing(stranger):
    at, why = stranger
    assert why in inspect(Declared("cp-1", at.address, "{}"), client(), Nodes({}, None)).unread and at.requests == []


def test_a_pinned_certificate_is_the_only_one():
    real, other = Stranger(certificate(Pki("one"))), Stranger(certificate(Pki("two")))
    pinned = Maintenance.at(real.address)
    with pytest.raises(NoAnswer, match="certificate verify failed"):
        pinned.apply(other.address, "key: LS0t")
    assert other.requests == []
    pinned.apply(real.address, "key: LS0t")
    assert [method for method, _ in real.requests] == ["/machine.MachineService/ApplyConfiguration"]
    for each in (real, other):
        each.server.stop(0)


@pytest.mark.parametrize("hours", [1, -1], ids=["valid", "expired"])
def test_a_pinned_certificate_needs_no_date_and_no_name(hours):
    """The clock of a machine without a config may be wrong, and its certificate may name other addresses."""
    real = Stranger(certificate(Pki("maintenance"), ELSEWHERE, hours))
    Maintenance.at(real.address).apply(real.address, "{}")
    assert len(real.requests) == 1
    real.server.stop(0)


# Who talks to a machine without the platform's certificate: about its hardware, or under a pinned certificate.
WITHOUT = {"decommission", "identity", "machine_config", "snapshot"}


def test_no_other_code_talks_to_a_machine():
    channels, anonymous = set(), set()
    for room in ("clients", "components", "operations", "provider", "runner"):
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            made = set(map(ast.unparse, calls))
            if ("grpclib" in text and "Channel" in made) or "Bounded" in made:
                channels.add(file.stem)
            if any(ast.unparse(called).startswith("Maintenance.") for called in calls):
                anonymous.add(file.stem)
    assert channels == {"calls"} and anonymous == WITHOUT
