"""BMCs: one address in all its spellings, and what is not an address or not a system."""

import pytest
from refusing import accepted, refused

from core.facts.addresses import same_host

URL = "https://cp-1.bmc.prod.example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (URL, URL),
        (URL, f"{URL}:443"),
        (URL, "https://CP-1.bmc.prod.EXAMPLE.com"),
        (URL, f"{URL}."),
        (f"{URL}.:443", "https://cp-1.BMC.prod.example.com"),
        ("https://[fd00::1]", "https://[fd00:0:0::1]"),
        ("https://[fd00::1]", "https://[FD00:0000::0001]:443"),
        ("https://10.30.0.9", "https://[::ffff:10.30.0.9]"),
        (f"{URL}:8443", f"{URL}.:8443"),
    ],
)
def test_one_bmc_of_two_machines_is_refused_however_it_is_spelled(one, other):
    line = refused({"machines.cp-1.bmc.url": one, "machines.cp-2.bmc.url": other})
    assert line.startswith("platform.machines.cp-2.bmc: is system 1 of") and "already machines.cp-1.bmc" in line


@pytest.mark.parametrize(
    "other",
    [
        {"url": f"{URL}:8443", "system": "1"},
        {"url": URL, "system": "2"},
        {"url": URL, "system": "System.Embedded.1"},
        {"url": "https://cp-11.bmc.prod.example.com", "system": "1"},
    ],
)
def test_another_port_or_system_is_another_machine(other):
    assert accepted({"machines.cp-2.bmc": other})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://cp-1 bmc.example.com", ": it has a blank; "),
        ("https://cp-1.example.com\t", ": it has a blank; "),
        ("https://cp-1.example.com:99999", ": its port 99999 is not one of 1 to 65535; "),
        ("https://cp-1.example.com:0", ": its port 0 is not one of 1 to 65535; "),
        ("https://cp-1..example.com", "is not the https address of a BMC; "),
        ("https://10.30.0.300", "is not the https address of a BMC; "),
        ("https://fd00::1", "is not the https address of a BMC; "),
        ("https://-cp-1.example.com", "is not the https address of a BMC; "),
        ("https://ср-1.example.com", "is not the https address of a BMC; "),
    ],
)
def test_a_text_that_is_no_address_of_a_bmc_is_refused(url, why):
    assert why in refused({"machines.cp-1.bmc.url": url})


@pytest.mark.parametrize(
    "url", ["https://10.30.0.30", "https://[fd00::1]:8443", "https://idrac_7xk.example.com", "https://ilo"]
)
def test_an_address_of_a_bmc_is_accepted(url):
    assert accepted({"machines.cp-1.bmc.url": url})


@pytest.mark.parametrize(
    ("system", "id_"),
    [
        ("/redfish/v1/Systems/1", "1"),
        ("/redfish/v1/Systems/System.Embedded.1/", "System.Embedded.1"),
        ("Systems/Self", "Self"),
        ("https://bmc/redfish/v1/Systems/437XR1138R2", "437XR1138R2"),
    ],
)
def test_a_path_is_refused_with_the_id_at_its_end(system, id_):
    line = refused({"machines.cp-1.bmc.system": system})
    assert "is not the id of a Redfish system: it is a path; " in line and line.endswith(f"write the id, here {id_}")


@pytest.mark.parametrize("system", ["", " ", "1 ", "1?x=2", "System#1", "/", "１"])
def test_a_text_that_is_no_id_is_refused(system):
    assert "is not the id of a Redfish system" in refused({"machines.cp-1.bmc.system": system})


@pytest.mark.parametrize("system", ["1", "Self", "System.Embedded.1", "437XR1138R2", "CB:0A-1_x~y"])
def test_an_id_is_accepted(system):
    assert accepted({"machines.cp-1.bmc.system": system})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ILO-1.Example.com.", "ilo-1.example.com"),
        ("[FD00:0::1]", "fd00::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("A", "a"),
    ],
)
def test_spellings_of_one_host_are_equal(one, other):
    assert same_host(one) == same_host(other)
    assert same_host("10.0.0.1") != same_host("10.0.0.10")
