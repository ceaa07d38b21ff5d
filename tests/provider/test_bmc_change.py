"""An attack: a machine's BMC becomes another device, whose certificate is pinned, and is sent the password.

The engine checks a resource's inputs in every plan and before every update, so what `check` refuses is sent nowhere.
"""

import asyncio
import hashlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import bmc as facts
from core.facts.bmc import NONE
from core.native import UNKNOWN
from provider.framework import UserError
from provider.redfish import channel
from tests.bmcs import Pki
from tests.provider.behind import PERMIT, POWER, inputs_of
from tests.provider.redfish_standin import standing_in


def inputs(bmc, **changes):
    return inputs_of(bmc, "1", **{"generation": 0.0, "timeoutSeconds": 10.0, **changes})


def digest(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def pinned(bmc, **changes):
    return inputs(bmc, **{"ca": None, "fingerprint": digest(bmc.pki.certificate), **changes})


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(channel, "GAP_SECONDS", 0.0)
    with standing_in(tmp_path / "own") as made:
        yield made


@pytest.fixture
def evil(tmp_path):
    with standing_in(tmp_path / "evil") as made:
        yield made


def up(resource, before, now):
    """What the engine does: the inputs are checked, and the resource is updated only if none is refused."""
    faults = resource.check(now, before)
    if not faults:
        asyncio.run(resource.update("id", before, now, lambda text: None))
    return faults


@pytest.mark.parametrize("resource", [POWER, PERMIT], ids=["power", "permit"])
@pytest.mark.parametrize("generation", [0.0, 1.0])
def test_another_device_gets_no_password(own, evil, resource, generation):
    before, now = inputs(own), pinned(evil, generation=generation)

    (fault,) = up(resource, before, now)

    ca, fingerprint = digest(own.pki.ca), digest(evil.pki.certificate)
    assert (fault.property, fault.reason) == (
        "url",
        f"changes with its BMC: url from {own.url} to {evil.url} and ca from {ca} to none and fingerprint from none to "
        f"{fingerprint}; the machine's BMC password would be sent to another device, or to one "
        "with another certificate; undo the change, or, if it is right, write "
        f'bmc.accept_change: {{url: "{evil.url}", ca: "none", fingerprint: "{fingerprint}"}}',
    )
    assert (evil.connections, evil.authorizations) == (0, [])


def test_an_accepted_change_is_made_and_said_in_the_plan(own, evil):
    accepted = {"url": evil.url, "ca": NONE, "fingerprint": digest(evil.pki.certificate)}
    before, now = inputs(own), pinned(evil, accepted=accepted)

    assert up(POWER, before, now) == []

    assert evil.authorizations
    assert POWER.describe_change(now, before) == (
        f"its BMC's url goes from {own.url} to {evil.url}; its BMC's ca goes from {digest(own.pki.ca)} to none; "
        f"its BMC's fingerprint goes from none to {digest(evil.pki.certificate)}; the BMC's password is sent there"
    )
    # It accepts these values alone, and for this change alone.
    assert POWER.check(inputs(own, accepted=accepted), now)
    assert POWER.check(pinned(own, accepted=accepted), before)


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        ({}, True),
        ({"url": "https://other.example.com"}, True),
        ({"fingerprint": NONE}, True),
        ({"url": "https://new.example.com"}, False),
        ({"url": "https://NEW.example.com:443"}, False),
        ({"url": "https://new.example.com", "ca": NONE}, False),
        (UNKNOWN, False),
    ],
)
def test_a_change_is_accepted_by_its_new_value_alone(own, accepted, refused):
    before, now = inputs(own, ca=None), inputs(own, ca=None, url="https://new.example.com", accepted=accepted)
    assert bool(POWER.check(now, before)) == refused


def test_a_removed_ca_and_another_fingerprint_are_changes_too(own):
    before = inputs(own)
    (fault,) = POWER.check(inputs(own, ca=None), before)
    assert fault.property == "ca" and f'write bmc.accept_change: {{ca: "{NONE}"}}' in fault.reason
    (fault,) = POWER.check(pinned(own, fingerprint="ab" * 32), pinned(own))
    assert fault.property == "fingerprint" and f'fingerprint: "{"ab" * 32}"' in fault.reason
    assert (
        POWER.check(pinned(own, fingerprint="ab" * 32, accepted={"fingerprint": "AB:" * 31 + "AB"}), pinned(own)) == []
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "2"},
        {"password": "another"},
        {"generation": 1.0},
        {"url": UNKNOWN},
        {"accepted": {"url": "https://x"}},
    ],
)
def test_other_changes_need_no_consent(own, changes):
    assert POWER.check(inputs(own, **changes), inputs(own)) == []


def test_a_first_up_and_another_spelling_need_no_consent(own):
    assert POWER.check(inputs(own), None) == []
    before = inputs(own, url="https://bmc-1.example.com")
    assert POWER.check(inputs(own, url="https://BMC-1.example.com.:443"), before) == []
    assert POWER.check(inputs(own, ca=f"\n{own.pki.ca}\n"), inputs(own)) == []
    spelled = "SHA256:" + digest(own.pki.certificate).upper()
    assert POWER.check(pinned(own, fingerprint=spelled), pinned(own)) == []
    assert POWER.describe_change(pinned(own, fingerprint=spelled), pinned(own)) is None


def test_a_bmc_that_links_to_another_device_has_no_password_sent_there(own, evil):
    """An attack: a BMC's list of systems names the address of a device of the attacker."""
    own.documents["/redfish/v1/Systems"]["Members"] = [{"@odata.id": f"{evil.url}/redfish/v1/Systems/1"}]
    # One authority signed both certificates, as in many racks.
    both = inputs(own, ca=own.pki.ca + evil.pki.ca)
    with pytest.raises(UserError, match="links to another address; the password is for this BMC only"):
        asyncio.run(POWER.update("id", {}, both, lambda text: None))
    assert (evil.connections, evil.authorizations) == (0, [])


VALUES = (
    st.none() | st.text(max_size=5) | st.sampled_from(["https://a.example.com", "https://b.example.com", "ab" * 32])
)
SIDES = st.fixed_dictionaries(dict.fromkeys(facts.PROVES, VALUES))


@given(SIDES, SIDES)
def test_whatever_changes_is_refused_until_its_new_values_are_accepted(before, now):
    changed = facts.changes(before, now)
    assert facts.changes(before, before) == {}
    new = {field: after for field, (_, after) in changed.items()}
    assert facts.unaccepted(changed, new) is None
    for field in new:
        others = {each: value for each, value in new.items() if each != field}
        assert facts.unaccepted(changed, others) is not None


def _hidden(own_ca, other_ca):
    """Texts in which OpenSSL sees another authority, and a reader of CERTIFICATE blocks alone does not."""
    body = own_ca.split("-----\n")[1].split("\n-----END")[0]
    first = f"-----BEGIN CERTIFICATE-----\n{body}\n"
    yield own_ca + other_ca.replace("CERTIFICATE", "X509 CERTIFICATE")
    yield other_ca.replace("CERTIFICATE", "TRUSTED CERTIFICATE") + own_ca
    # The first line begins nothing for OpenSSL; a lenient decoder ends at the first =.
    yield f"  {first}{other_ca}"
    yield f"# {first}{other_ca}"
    yield f"{first}{other_ca}"


def test_no_authority_is_hidden_beside_the_one_that_is_compared():
    """An attack: a further authority in the same ca, with the digest of the ca before, so that nobody is asked."""
    own_ca = next(ca for ca in iter(lambda: Pki.make().ca, "") if "=\n-----END" in ca)
    other_ca = Pki.make().ca
    for text in _hidden(own_ca, other_ca):
        assert "is not a PEM certificate" in (facts.authority_fault(text) or ""), text
        assert set(facts.changes({"ca": own_ca}, {"ca": text})) == {"ca"}, text
    for text in (own_ca, own_ca + other_ca, f"subject=CN = a\n{own_ca}\n\n{other_ca}", own_ca.replace("\n", "\r\n")):
        assert facts.authority_fault(text) is None, text
