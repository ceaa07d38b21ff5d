"""What control planes run with: their settings, or why they are not known."""

from clients.talos.running import config_of, settings_of
from core.machineconfig import running
from core.model import parse
from tests.controlplanes import SILENCE, Controlplanes


def test_each_machine_has_settings_or_a_reason(prod):
    platform = parse(prod)
    planes = Controlplanes(platform, silent=("cp-1",))
    addresses = {name: str(platform.machines[name].address) for name in platform.controlplanes}
    planes.configs[addresses["cp-3"]] = "machine: {\n\x1b[2J"
    found = settings_of(planes, addresses)
    assert (found["cp-1"], found["cp-2"]) == (SILENCE, running.declared(platform))
    assert isinstance(found["cp-3"], str) and "the machine config" in found["cp-3"] and found["cp-3"].isprintable()


def test_a_machine_that_shows_no_config_has_no_settings(prod):
    platform = parse(prod)
    planes = Controlplanes(platform)
    planes.configs["10.0.0.1"] = ""
    assert config_of(planes, "10.0.0.1").documents == {}
    # And not those that Talos takes where a config says nothing.
    assert settings_of(planes, {"cp-1": "10.0.0.1"}) == {"cp-1": "it shows no config"}
    assert settings_of(planes, {}) == {}
