"""Where a credential may go: what the hosts of a secret allow, and what they never allow."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credentials import hosts
from core.facts.bmc import url_fault
from core.model import stored

LABEL = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
ADDRESS = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("given", "host", "allowed"),
    [
        ("bmc-1.example.com", "bmc-1.example.com", True),
        ("bmc-1.example.com", "BMC-1.Example.COM.", True),
        ("bmc-1.example.com", "bmc-2.example.com", False),
        ("bmc-1", "bmc-1", True),
        ("bmc-1", "bmc-1.example.com", False),
        ("*.bmc.example.com", "cp-1.bmc.example.com", True),
        ("*.bmc.example.com", "bmc.example.com", False),
        ("*.bmc.example.com", "cp-1.rack.bmc.example.com", False),
        ("*.bmc.example.com", "cp-1.bmc.example.com.evil.org", False),
        ("*.bmc.example.com", "evilbmc.example.com", False),
        ("10.20.1.0/24", "10.20.1.255", True),
        ("10.20.1.0/24", "10.20.2.1", False),
        ("10.20.1.0/24", "10.20.1.5.evil.org", False),
        ("10.20.1.0/24", "0x0a.20.1.5", False),
        ("10.20.1.0/24", "::ffff:10.20.1.5", False),
        ("10.20.1.0/24", "10.20.1.5.", False),
        ("10.20.1.5", "10.20.1.5", True),
        ("10.20.1.5", "10.20.1.50", False),
        ("2001:db8:1::/64", "2001:db8:1::9", True),
        ("2001:db8:1::/64", "2001:db8:2::9", False),
        (["*.bmc.example.com", "10.20.1.0/24"], "10.20.1.5", True),
        ("*.bmc.example.com,10.20.1.0/24\n bmc-9", "bmc-9", True),
    ],
)
def test_what_is_allowed(given, host, allowed):
    assert (host in hosts.parse(given)) == allowed


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("*", "[0]"), ("*.com", "[0]"), ("cp-1.example.com *.*.example.com", "[1]"), ("c*.example.com", "[0]"),
        ("0.0.0.0/0", "[0]"), ("10.0.0.0/7", "[0]"), ("::/0", "[0]"), ("2001::/31", "[0]"), ("10.20.1.1/24", "[0]"),
        ("https://cp-1.example.com", "[0]"), ("cp-1.example.com:443", "[0]"), ("[2001:db8::1]", "[0]"),
        ("evil\\.example.com", "[0]"), ("user@cp-1.example.com", "[0]"), ("127.1", "[0]"), ("0x7f.0.0.1", "[0]"),
        ("*.20.1", "[0]"), ("straße.example.com", "[0]"), ("", "[0]"), (" , ", "[0]"),
        ([], ""), ([7], ""), ({"a": "b"}, ""), (7, ""), (True, ""), (["a.example.com", ""], "[1]"),
    ],
)  # fmt: skip
def test_what_names_no_hosts_is_refused_and_not_shown(given, place):
    with pytest.raises(hosts.HostsError) as refused:
        hosts.parse(given)
    assert refused.value.place == place
    assert "the secret is sent only to the hosts that it names" in str(refused.value)
    assert "cp-1.example" not in str(refused.value)


@given(DOMAIN, LABEL, DOMAIN)
def test_a_wildcard_allows_one_label_of_its_domain_and_no_other(domain, label, other):
    allowed = hosts.parse(f"*.{domain}")
    assert f"{label}.{domain}" in allowed
    assert domain not in allowed and f"{label}.{label}.{domain}" not in allowed
    assert f"{label}.{domain}.{other}" not in allowed
    assert (other in allowed) == (other.partition(".")[2] == domain)


@given(ADDRESS, ADDRESS)
def test_a_network_allows_its_addresses_and_no_other(one, other):
    network = hosts.parse(hosts.suggestion([f"https://[{one}]" if ":" in one else f"https://{one}:8443"]))
    assert one in network
    assert (other in network) == (ipaddress.ip_address(one) == ipaddress.ip_address(other))


@given(st.lists(DOMAIN | ADDRESS.map(lambda text: f"[{text}]" if ":" in text else text), min_size=1, max_size=8))
def test_what_is_suggested_allows_all_that_it_was_made_from(addresses):
    allowed = hosts.parse(hosts.suggestion(f"https://{address}" for address in addresses))
    assert all(hosts.host_of(f"https://{address}:443") in allowed for address in addresses)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.org\\.bmc.example.com", "https://evil.org%2f.bmc.example.com",
        "https://evil.org;.bmc.example.com",
        "https://evil。bmc.example.com", "https://[::1%25eth0]", "https://evil.org\t.bmc.example.com", "https://a:b:443",
    ],
)  # fmt: skip
def test_a_url_whose_host_two_libraries_could_read_differently_is_none(url):
    assert url_fault(url) is not None


SECRET = {"secure": "v1:abc"}


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        (SECRET, []),
        ({"password": SECRET, "hosts": SECRET}, []),
        ({"password": SECRET, "hosts": [SECRET, SECRET]}, []),
        ({"password": SECRET}, []),
        ({"password": SECRET, "hosts": "*.evil.org"}, ["bmc.hosts"]),
        ({"password": SECRET, "hosts": [SECRET, "evil.org"]}, ["bmc.hosts"]),
        ({"password": SECRET, "hosts": {"secure": "v1:a", "more": "evil.org"}}, ["bmc.hosts"]),
        ({"password": SECRET, "hosts": {"secure": ["evil.org"]}}, ["bmc.hosts"]),
        ({"hosts": SECRET, "machines": {"cp-1": {"hosts": "evil.org"}}}, ["bmc.machines.cp-1.hosts"]),
        ('{"password": "p", "hosts": "evil.org"}', ["bmc.hosts"]),
    ],
)
@pytest.mark.parametrize("key", ["bedplate:bmc", "bedplate:config:bmc"])
def test_hosts_in_plain_text_are_found_wherever_they_are(key, value, paths):
    found = [path for path, _ in stored.faults({"bedplate:platform": {"hosts": "x"}, key: value})]
    assert [".".join(("bmc", *path[1:])) for path in found if path[-1] == "hosts"] == paths


@pytest.mark.parametrize("host", ["127.0.0.1", "boot.example.com", "fd00::1"])
def test_a_suggestion_is_never_the_text_of_one_host(host):
    """The engine shows [secret] for a text that equals a secret, so each of its messages would hide the host."""
    url = f"https://[{host}]:8443" if ":" in host else f"https://{host}:8443"
    assert hosts.suggestion([url]) == f"{host},"
    assert host in hosts.parse(hosts.suggestion([url]))
