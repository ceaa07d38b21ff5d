"""Certificates of authorities: not expired, and allowed to sign."""

from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import changed, stack_platform
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from refusing import TODAY

from core.model import StackFileError, parse


def certificate(until: date, authority: bool | None = True) -> str:
    """A self-signed certificate as PEM; authority: CA:TRUE, CA:FALSE, or nothing said."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Site CA")])
    end = datetime(until.year, until.month, until.day, 12, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(end - timedelta(days=900)).not_valid_after(end)
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


OLD, LAST_DAY, NEW = (certificate(TODAY + timedelta(days=days)) for days in (-1, 0, 400))
MIRROR = {"mirror.prod.example.com": {}}
PLACES = {
    "talos.trusted_roots.site": lambda pem: {"talos.trusted_roots": {"site": pem}},
    "registries.tls.mirror.prod.example.com.ca": lambda pem: {
        "registries.tls": {"mirror.prod.example.com": {"ca": pem}}
    },
    "machines.cp-1.bmc.ca": lambda pem: {"machines.cp-1.bmc.ca": pem},
    "classes.rack.bmc.ca": lambda pem: {
        "classes.rack": {"bmc": {"ca": pem}},
        "machines.cp-1.class": "rack",
        "machines.cp-2.class": "rack",
    },
}


def lines(edits, today=TODAY):
    try:
        parse(changed(stack_platform("prod"), edits), today)
    except StackFileError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("place", PLACES)
def test_an_authority_that_expired_is_refused_with_the_day(place):
    day = TODAY - timedelta(days=1)
    (line,) = lines(PLACES[place](OLD))
    assert line.startswith(f"platform.{place}: expired on {day}; nothing that it signed is trusted; ")


@pytest.mark.parametrize("place", PLACES)
def test_an_authority_is_accepted_up_to_its_last_day_and_beside_an_old_one(place):
    for pem in (LAST_DAY, NEW, OLD + NEW, NEW + OLD):
        assert lines(PLACES[place](pem)) == []


def test_without_a_day_none_has_expired():
    assert lines(PLACES["talos.trusted_roots.site"](OLD), None) == []


def test_a_servers_own_certificate_is_no_trusted_root():
    leaf = certificate(TODAY + timedelta(days=90), authority=False)
    for pem in (leaf, leaf + certificate(TODAY + timedelta(days=9), authority=False)):
        (line,) = lines(PLACES["talos.trusted_roots.site"](pem))
        assert line.startswith("platform.talos.trusted_roots.site: is not the certificate of an authority (CA:FALSE); ")


@pytest.mark.parametrize("authority", [True, None])
def test_a_certificate_that_may_sign_is_a_trusted_root(authority):
    assert lines(PLACES["talos.trusted_roots.site"](certificate(TODAY + timedelta(days=90), authority))) == []


def test_a_servers_own_certificate_may_verify_that_server():
    """Go and OpenSSL trust a self-signed certificate that they are given, for its own server."""
    leaf = certificate(TODAY + timedelta(days=90), authority=False)
    assert lines(PLACES["registries.tls.mirror.prod.example.com.ca"](leaf)) == []
    assert lines(PLACES["machines.cp-1.bmc.ca"](leaf)) == []
