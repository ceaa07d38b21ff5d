"""The lab's BMCs, asked by the program's own client: a machine is identified, read and switched off."""

import threading

import pytest

from lab import bmc
from provider.redfish import fencing
from tests.bmcs import Pki

PASSWORD = "of-the-rehearsal"


class Machine:
    """A machine that is switched in memory."""

    def __init__(self):
        self.power = True

    def on(self):
        return self.power

    def switch(self, on):
        self.power = on


@pytest.fixture
def machines():
    return {"wk-1": Machine(), "wk-2": Machine()}


@pytest.fixture
def values(machines, tmp_path, monkeypatch):
    """The outputs of wk-2's power, as the state has them."""
    monkeypatch.setattr(fencing, "CONFIRM_SECONDS", 0.0)
    pki = Pki.make()
    (tmp_path / "server.crt").write_text(pki.certificate)
    (tmp_path / "server.key").write_text(pki.key)
    server = bmc.server("127.0.0.1", machines, PASSWORD, tmp_path)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    login = {"username": bmc.USER, "password": PASSWORD, "ca": pki.ca}
    identity = {"uuid": bmc.identity("wk-2"), "serial": "WK-2", "macs": []}
    yield {"url": f"https://127.0.0.1:{server.server_address[1]}", "system": "wk-2", "identity": identity, **login}
    server.shutdown()
    server.server_close()


def test_the_machine_that_is_named_is_switched_off_and_no_other(values, machines):
    assert fencing.read(values, print) == "On"
    fencing.switch_off(values, print)
    assert fencing.read(values, print) == "Off"
    assert (machines["wk-1"].power, machines["wk-2"].power) == (True, False)


@pytest.mark.parametrize(
    "wrong",
    [{"password": "another"}, {"system": "wk-9"}, {"system": "wk-1"}, {"identity": {"uuid": bmc.identity("wk-1")}}],
)
def test_nothing_is_switched_off_with_other_credentials_or_behind_another_identity(values, machines, wrong):
    with pytest.raises(fencing.NotOff):
        fencing.switch_off({**values, **wrong}, print)
    assert all(machine.power for machine in machines.values())
