"""Which networks of a platform another one overlaps: the same answer as asking each of them."""

from ipaddress import ip_network
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from core.model.checks.networks import Overlaps, networks

# Few first and last bits, so that many networks contain one another.
V4 = st.builds(
    lambda first, last, length: ip_network((first << 24 | last, length), strict=False),
    st.integers(8, 11),
    st.integers(0, 7),
    st.sampled_from([0, 6, 8, 16, 29, 30, 31, 32]),
)
V6 = st.builds(
    lambda first, last, length: ip_network((first << 112 | last, length), strict=False),
    st.integers(0xFD00, 0xFD03),
    st.integers(0, 7),
    st.sampled_from([0, 14, 16, 64, 126, 127, 128]),
)
NETWORKS = st.lists(V4 | V6, min_size=1, max_size=8)


@given(nodes=NETWORKS, pods=NETWORKS, asked=V4 | V6)
def test_the_answer_is_that_of_each_network(nodes, pods, asked):
    platform = SimpleNamespace(network=SimpleNamespace(nodes=nodes, pods=pods, services=[]))
    expected = [(key, network) for key, network in networks(platform) if network.overlaps(asked)]
    assert list(Overlaps(platform).of(asked)) == expected


def test_a_network_before_the_first_and_one_after_the_last_overlap_none():
    nodes = [ip_network("10.20.0.0/24"), ip_network("10.20.2.0/24")]
    platform = SimpleNamespace(network=SimpleNamespace(nodes=nodes, pods=[], services=[]))
    for free in ("10.19.255.0/24", "10.20.1.0/24", "10.20.3.0/24", "fd00::/8"):
        assert list(Overlaps(platform).of(ip_network(free))) == []
    assert [str(found) for _, found in Overlaps(platform).of(ip_network("10.20.0.0/22"))] == [*map(str, nodes)]
