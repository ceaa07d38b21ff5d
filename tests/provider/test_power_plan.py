"""What a plan says of a machine's power, and refuses of it, and what is said where no BMC is."""

import asyncio
import subprocess
import sys

import pytest
from bmcs import Pki
from conftest import ROOT

from provider import framework
from provider.redfish import channel
from provider.resources import RESOURCES

POWER = RESOURCES["bedplate-native:metal:Power"]
PERMIT = RESOURCES["bedplate-native:metal:Permit"]
UNKNOWN = framework.UNKNOWN
OFFLINE = {
    "url": "https://bmc.example.com",
    "system": "1",
    "username": "u",
    "password": "a-password",
    "generation": 2.0,
    "bootMode": "uefi",
    "timeoutSeconds": 600.0,
    "atOnce": 5.0,
    "secondsBetween": 1.0,
}


def test_a_plan_says_what_will_happen_and_knows_what_was_declared():
    planned = POWER.plan({**OFFLINE, "serial": "S1"})
    assert planned == {
        **OFFLINE,
        "serial": "S1",
        "identity": {"uuid": UNKNOWN, "serial": "S1", "macs": UNKNOWN},
        "matched": UNKNOWN,
        "armed": UNKNOWN,
        "lastBoot": "from the network, once, uefi, for generation 2",
        "power": "On",
    }
    state = {**OFFLINE, "identity": {"uuid": "u1", "serial": "S1", "macs": []}, "lastBoot": "earlier", "power": "On"}
    looks = POWER.plan({**OFFLINE, "password": "another"}, state)
    assert (looks["lastBoot"], looks["power"], looks["identity"]) == ("earlier", UNKNOWN, state["identity"])
    moved = POWER.plan({**OFFLINE, "url": "https://other.example.com"}, state)
    assert moved["identity"] == {"uuid": UNKNOWN, "serial": UNKNOWN, "macs": UNKNOWN}
    assert POWER.describe_change(OFFLINE) == "boots from the network, once, uefi, for generation 2"
    assert POWER.describe_change({**OFFLINE, "password": "another"}, state) is None
    assert (
        PERMIT.describe_change(OFFLINE)
        == "is switched off without a shutdown, which ends what runs on it; its next boot is from the network, once,"
        " uefi, for generation 2"
    )
    assert PERMIT.describe_change({**OFFLINE, "password": "another"}, state) is None
    assert PERMIT.plan(OFFLINE) == {**OFFLINE, "identity": UNKNOWN, "matched": UNKNOWN}
    assert POWER.plan({**OFFLINE, "generation": UNKNOWN}, state)["lastBoot"] is UNKNOWN


def test_a_plan_loads_no_redfish_client():
    """It takes a second on a small machine, and a plan asks no BMC."""
    code = (
        "import sys; from provider import resources; assert resources.RESOURCES and 'sushy' not in sys.modules and"
        " 'requests' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("changes", "property_", "reason"),
    [
        (
            {"url": "http://bmc.example.com"},
            "url",
            (
                "is not the https address of a BMC; credentials are sent to it and must be encrypted on the way; write"
                " e.g. https://bmc-1.example.com, with no path"
            ),
        ),
        (
            {"url": "https://bmc.example.com/redfish/v1"},
            "url",
            (
                "is not the https address of a BMC; credentials are sent to it and must be encrypted on the way; write"
                " e.g. https://bmc-1.example.com, with no path"
            ),
        ),
        (
            {"url": None},
            "url",
            (
                "is not the https address of a BMC; credentials are sent to it and must be encrypted on the way; write"
                " e.g. https://bmc-1.example.com, with no path"
            ),
        ),
        (
            {"url": "https://admin:pw@bmc.example.com"},
            "url",
            (
                "contains a user name; the stack file and the plan show addresses in plain text; set the stack's secret"
                " bedplate:bmc, and write e.g. https://bmc-1.example.com"
            ),
        ),
        (
            {"system": " "},
            "system",
            (
                "is not the id of a Redfish system; one BMC can manage several systems; write the id, e.g. 1 or"
                " System.Embedded.1"
            ),
        ),
        (
            {"username": ""},
            "username",
            "is missing; a BMC refuses requests without credentials; set the stack's secret bedplate:bmc",
        ),
        (
            {"password": 5.0},
            "password",
            "is not text; a BMC refuses requests without credentials; set the stack's secret bedplate:bmc",
        ),
        (
            {"ca": "a path.pem"},
            "ca",
            (
                "is not a PEM certificate; the BMC's certificate is verified with it; paste the certificate, from"
                " -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
            ),
        ),
        (
            {"fingerprint": "ab:cd"},
            "fingerprint",
            (
                "is not a SHA-256 fingerprint; the BMC's certificate is compared with it; write its 64 hexadecimal"
                " digits, as printed by: openssl x509 -in bmc.pem -noout -fingerprint -sha256"
            ),
        ),
        (
            {"uuid": "none"},
            "uuid",
            "is not a UUID; the machine is identified by it; write the UUID that its BMC reports",
        ),
        (
            {"serial": 5.0},
            "serial",
            "is not a serial number; the machine is identified by it; write the serial number that its BMC reports",
        ),
        (
            {"generation": 1.5},
            "generation",
            "is not a whole number from 0; each generation permits one installation; write e.g. 1, or 0 for none",
        ),
        (
            {"generation": -1.0},
            "generation",
            "is not a whole number from 0; each generation permits one installation; write e.g. 1, or 0 for none",
        ),
        (
            {"generation": True},
            "generation",
            "is not a whole number from 0; each generation permits one installation; write e.g. 1, or 0 for none",
        ),
        (
            {"bootMode": "UEFI"},
            "bootMode",
            "is not one of uefi, legacy; firmware in one mode can't start what was made for the other; write e.g. uefi",
        ),
        (
            {"atOnce": 0.0},
            "atOnce",
            "is not a whole number from 1; that many machines are switched on at once; write e.g. 5",
        ),
        (
            {"secondsBetween": -1.0},
            "secondsBetween",
            (
                "is not a number from 0 to 300; machines are switched on one after another to spare the fuses; write"
                " e.g. 1"
            ),
        ),
        (
            {"timeoutSeconds": 0.0},
            "timeoutSeconds",
            "is not a number from 1 to 3600; every wait needs a deadline; write e.g. 600",
        ),
    ],
)
def test_what_can_not_be_used_is_refused_in_the_plan(changes, property_, reason):
    assert [(w.property, w.reason) for w in POWER.check({**OFFLINE, **changes})] == [(property_, reason)]


def test_a_ca_beside_a_fingerprint_is_one_too_many():
    (wrong,) = POWER.check({**OFFLINE, "ca": Pki.make().ca, "fingerprint": "ab" * 32})
    assert (wrong.property, wrong.reason) == (
        "fingerprint",
        (
            "both a ca and a fingerprint are set; a pinned fingerprint is trusted whoever signed the certificate; keep"
            " one of the two"
        ),
    )


def test_every_fault_is_told_at_once_and_what_is_unknown_is_none():
    for resource in (POWER, PERMIT):
        assert [w.property for w in resource.check({})] == list(OFFLINE)
        assert resource.check(dict.fromkeys([*OFFLINE, "ca", "fingerprint"], UNKNOWN)) == []


def test_nobody_at_the_address_is_told_as_such_and_never_read_as_gone(monkeypatch):
    monkeypatch.setattr(channel, "UNREACHABLE_SECONDS", 0.2)
    monkeypatch.setattr(channel, "BACKOFF_SECONDS", (0.05,))
    nobody = {**OFFLINE, "url": "https://127.0.0.1:1"}
    for asked in (POWER.create(nobody, lambda text: None), POWER.read("id", nobody)):
        with pytest.raises(framework.UserError) as told:
            asyncio.run(asked)
        assert (
            str(told.value)
            == "https://127.0.0.1:1 is not reachable (connection refused); without it the machine can be neither"
            " identified nor switched; check bmc.url, and that this computer is on the management network"
        )
