"""The address of a Talos API: a name or an address, with a port or without one."""

import pytest

from clients.talos.calls import PORT, host_and_port


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("10.20.0.11", "10.20.0.11", PORT),
        ("localhost:50001", "localhost", 50001),
        ("fd00:20::11", "fd00:20::11", PORT),
        ("[fd00:20::11]", "fd00:20::11", PORT),
        ("[fd00:20::11]:50001", "fd00:20::11", 50001),
        ("::1", "::1", PORT),
    ],
)
def test_an_address_is_a_host_and_a_port(address, host, port):
    assert host_and_port(address) == (host, port)
