"""A config and whoever answers: the platform's machine, one without a config, and strangers. Real servers over TLS."""

import asyncio
import json
from dataclasses import replace

import grpc
import pytest
import yaml

from clients.talos import MESSAGES, Hardware
from provider import framework, waiting
from provider.pins import Pins
from provider.resources import RESOURCES, identity, machine_config
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, stream, unary
from tests.provider.test_identity import DECLARED, FOUND, listed

CONFIG, GATE = RESOURCES["bedplate-native:talos:MachineConfig"], RESOURCES["bedplate-native:talos:Identity"]
KEY = "LS0tLS1CRUdJTiBFRDI1NTE5"
BASE = ['{"version": "v1alpha1", "machine": {"type": "controlplane"}}']
SECRETS = [json.dumps({"machine": {"ca": {"crt": KEY, "key": KEY}}, "cluster": {"id": "one"}})]
PATCHES = ['{"machine": {"nodeLabels": {"a": "b"}}}', '{"apiVersion": "v1alpha1", "kind": "HostnameConfig", "x": "on"}']


class Machine(TalosServer):
    """A Talos API that takes configs and reports hardware; without a config it asks nobody for a certificate."""

    def __init__(self, pki, *, anonymous=False, refuses=""):
        self.configs, self.found, self.refuses = [], FOUND, refuses
        services = {
            "machine.MachineService": {
                "ApplyConfiguration": unary(self.take, "ApplyConfigurationRequest", "ApplyConfigurationResponse")
            },
            "cosi.resource.State": {"List": stream(self.list, "ListRequest", "ListResponse")},
        }
        super().__init__(pki, services, anonymous=anonymous)

    def take(self, request, context):
        self.configs.append((request.data.decode(), request.mode))
        if self.refuses:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, self.refuses)
        return MESSAGES["ApplyConfigurationResponse"]()

    def list(self, request, context):
        yield from listed(self.found, request, context)


@pytest.fixture
def platform():
    return Pki("platform")


@pytest.fixture(autouse=True)
def one_update(monkeypatch):
    """Each test is an update of its own, and may begin another one. Waits are short."""

    monkeypatch.setattr(machine_config, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.1)

    def again():
        fresh = Pins()
        for module in (machine_config, identity):
            monkeypatch.setattr(module, "PINS", fresh)

    again()
    return again


@pytest.fixture
def machine(platform):
    made = []

    def start(pki=None, **how):
        made.append(Machine(pki or platform, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def given(address, platform, **more):
    return {
        "machine": "cp-1",
        "node": address,
        "clientConfiguration": platform.client(),
        "base": BASE,
        "pki": SECRETS,
        "configPatches": PATCHES,
        "generation": 1,
        "declared": DECLARED,
        **more,
    }


def identified(at, platform, generation=1):
    """The output fingerprint of the identity gate."""
    wanted = {
        "machine": "cp-1",
        "node": at.address,
        "clientConfiguration": platform.client(),
        "declared": DECLARED,
        "generation": generation,
        "documents": [],
        "timeoutSeconds": 3.0,
    }
    return asyncio.run(GATE.create(wanted, lambda text: None))[1]["fingerprint"]


def create(address, platform, **more):
    return asyncio.run(CONFIG.create(given(address, platform, **more), lambda text: None))[1]


def update(address, platform, before, **more):
    inputs = given(address, platform, **more)
    state = {**inputs, **before}
    return asyncio.run(CONFIG.update("cp-1", state, inputs, lambda text: None))


def fault(act, *arguments, **more):
    with pytest.raises(framework.UserError) as failed:
        act(*arguments, **more)
    assert KEY not in str(failed.value)
    return str(failed.value)


def test_a_machine_of_the_platform_gets_the_whole_config(machine, platform):
    at = machine()
    outputs = create(at.address, platform)
    [(config, mode)] = at.configs
    assert config == outputs["machineConfiguration"] and mode == 1
    assert list(yaml.safe_load_all(config)) == [
        {
            "version": "v1alpha1",
            "machine": {"type": "controlplane", "ca": {"crt": KEY, "key": KEY}, "nodeLabels": {"a": "b"}},
            "cluster": {"id": "one"},
        },
        {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "x": "on"},
    ]


# Each says the same as the base, the PKI and the patches of `given`: another order, another split, another spelling.
SAME = [
    {"base": [json.dumps(json.loads(BASE[0]), indent=2)]},
    {"base": [*BASE, SECRETS[0]], "pki": ['{"cluster": {"id": "one"}}']},
    {"configPatches": [json.dumps({"machine": {"nodeLabels": {"a": "c"}}}), *PATCHES]},
    {
        "configPatches": [PATCHES[0].replace('"b"', '"(secret 0123456789ab)"'), *PATCHES[1:]],
        "secrets": {"(secret 0123456789ab)": "b"},
    },
]
# Each says something else, however little.
OTHER = [
    {"configPatches": [*PATCHES, json.dumps({"machine": {"nodeLabels": {"empty": ""}}})]},
    {"pki": [json.dumps({"machine": {"ca": {"crt": KEY, "key": KEY}}, "cluster": {"id": "two"}})]},
    {
        "configPatches": [PATCHES[0].replace('"b"', '"(secret 0123456789ab)"'), *PATCHES[1:]],
        "secrets": {"(secret 0123456789ab)": "z"},
    },
    {"configPatches": PATCHES[::-1], "pki": [*SECRETS, '{"machine": {"token": "another"}}']},
    {"base": [json.dumps({"version": "v1alpha1", "machine": {"type": "controlplane", "network": {}}})]},
]


@pytest.mark.parametrize("more", SAME)
def test_a_config_that_says_the_same_is_not_sent_again(machine, platform, more):
    at = machine()
    before = given(at.address, platform, machineConfiguration="the config that was sent")
    inputs = given(at.address, platform, **more)
    assert set(more) <= CONFIG.equal_inputs(inputs, before)
    assert CONFIG.plan(inputs, before)["machineConfiguration"] == "the config that was sent"
    assert update(at.address, platform, before, **more)["machineConfiguration"] == "the config that was sent"
    assert at.configs == []


@pytest.mark.parametrize("more", OTHER)
def test_a_config_that_says_anything_else_is_sent(machine, platform, more):
    at = machine()
    before = given(at.address, platform, machineConfiguration="the config that was sent")
    inputs = given(at.address, platform, **more)
    assert CONFIG.equal_inputs(inputs, before) == frozenset()
    assert CONFIG.plan(inputs, before)["machineConfiguration"] is framework.UNKNOWN
    asyncio.run(CONFIG.update("cp-1", before, inputs, lambda text: None))
    assert len(at.configs) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"generation": 2},
        {"node": "127.0.0.9"},
        {"pki": framework.UNKNOWN},
        {"configPatches": [*PATCHES[:1], framework.UNKNOWN]},
    ],
)
def test_a_plan_knows_no_config_of_another_installation_address_or_pki(platform, more):
    before = given("10.20.0.11", platform, machineConfiguration="the config that was sent")
    inputs = {**before, **more}
    del inputs["machineConfiguration"]
    assert CONFIG.plan(inputs, before)["machineConfiguration"] is framework.UNKNOWN
    assert CONFIG.describe_change(inputs, before) is None


# What the Talos plugin generated, in states of earlier releases.
GENERATED = (
    f"version: v1alpha1\nmachine:\n  type: controlplane\n  ca: {{crt: {KEY}, key: {KEY}}}\ncluster: {{id: one}}\n"
)


def former(address, platform, **more):
    """The state of a release that had the plugin generate the part with the PKI."""
    state = given(address, platform, machineConfigurationInput=GENERATED, machineConfiguration="sent", **more)
    return {name: value for name, value in state.items() if name not in ("base", "pki")}


def test_a_state_with_a_generated_config_is_taken_over_without_sending_it(machine, platform):
    at = machine()
    before, inputs = former(at.address, platform), given(at.address, platform)
    assert CONFIG.equal_inputs(inputs, before) == {"base", "pki", "configPatches", "secrets"}
    told = "nothing is sent, because the machine already has this config; only the record in the state changes"
    assert CONFIG.describe_change(inputs, before) == told
    taken = asyncio.run(CONFIG.update("cp-1", before, inputs, lambda text: None))
    assert at.configs == [] and taken == {**inputs, "machineConfiguration": "sent"}
    for broken in ({"machineConfigurationInput": GENERATED + "x: 1\n"}, {"machineConfigurationInput": "a: ["}):
        assert CONFIG.equal_inputs(inputs, {**before, **broken}) == frozenset()


def test_a_machine_without_a_config_gets_it_under_the_certificate_of_its_gate(machine, platform):
    at = machine(anonymous=True)
    create(at.address, platform, fingerprint=identified(at, platform))
    assert len(at.configs) == 1


def test_a_run_that_was_killed_after_the_config_was_taken_goes_on(machine, platform):
    """The machine has its config, and the state does not know it: the platform's certificate comes first."""
    at = machine()
    create(at.address, platform, fingerprint="0" * 64)
    assert len(at.configs) == 1


STRANGER = (
    "cp-1: the server at {} asks for no certificate, although cp-1 has had its config; it is another machine, or "
    "has lost its config; a config holds the cluster's keys, so nothing was sent; look at the machine and its "
    "network; to install it again, raise its install.generation, then run up again"
)


@pytest.mark.parametrize("fingerprint", [None, "", "of the machine itself", "of another one"])
def test_a_stranger_in_the_place_of_a_configured_machine_gets_nothing(machine, platform, fingerprint):
    """Whatever an old gate recorded: the machine had a config under this generation."""
    at = machine(anonymous=True)
    pin = identified(at, platform) if fingerprint == "of the machine itself" else fingerprint
    told = fault(update, at.address, platform, {}, fingerprint=pin)
    assert told == STRANGER.format(at.address) and at.configs == []


def test_a_stranger_in_the_place_of_an_adopted_machine_gets_nothing(machine, platform):
    """Its gate passed with the platform's certificate, so it has a config, though no record of it."""
    at = machine(anonymous=True)
    assert fault(create, at.address, platform, fingerprint="") == STRANGER.format(at.address) and at.configs == []


def test_a_replacement_of_the_record_is_no_first_config(machine, platform):
    """`--target-replace` deletes and creates in one update."""
    at = machine(anonymous=True)
    pin = identified(at, platform)
    asyncio.run(CONFIG.delete("cp-1", given(at.address, platform), lambda text: None))
    assert fault(create, at.address, platform, fingerprint=pin) == STRANGER.format(at.address) and at.configs == []


def test_a_record_of_the_plugin_counts_as_a_config(machine, platform):
    """It has no generation. Its gate of an older release recorded no certificate."""
    at = machine(anonymous=True)
    told = fault(update, at.address, platform, {"generation": None}, fingerprint=None)
    assert told == STRANGER.format(at.address) and at.configs == []
    ours = machine()
    update(ours.address, platform, {"generation": None}, fingerprint=None)
    assert len(ours.configs) == 1


def test_a_plan_says_why_a_config_of_the_plugin_is_sent_again(machine, platform):
    inputs = given("10.20.0.11", platform)
    plugins = former("10.20.0.11", platform, configPatches=[])
    del plugins["generation"]
    assert CONFIG.describe_change(inputs, plugins) == (
        "is sent with the platform's certificate, because an earlier release sent its last config without one"
    )
    assert CONFIG.describe_change(inputs, inputs) is CONFIG.describe_change(inputs, None) is None


def test_a_raised_generation_permits_one_more_first_config(machine, platform):
    at = machine(anonymous=True)
    update(at.address, platform, {"generation": 1}, generation=2, fingerprint=identified(at, platform, 2))
    assert len(at.configs) == 1


def test_another_certificate_after_the_gate_gets_nothing(machine, platform):
    """A man in the middle who lets the gate through to the real machine, and answers the config himself."""
    real, middle = machine(anonymous=True), machine(anonymous=True)
    pin = identified(real, platform)
    told = fault(create, middle.address, platform, fingerprint=pin)
    assert told.startswith(
        f"cp-1: the machine at {middle.address} was identified under the certificate {pin}, and now serves "
    )
    assert told.endswith(
        " (SHA-256); it has restarted, or another host answers for it; a config holds the cluster's keys, so nothing "
        "was sent; look at the machine and its network, then run up again, which compares its hardware again"
    )
    assert real.configs == middle.configs == []


def test_the_next_run_asks_a_restarted_machine_again(machine, platform, one_update):
    """Also after a killed one: the gate is in the state and is not asked, so the hardware is compared here."""
    pin, restarted = identified(machine(anonymous=True), platform), machine(anonymous=True)
    one_update()
    said = []
    asyncio.run(CONFIG.create(given(restarted.address, platform, fingerprint=pin), said.append))
    assert len(restarted.configs) == 1
    assert said[0].startswith("serves another certificate than in an earlier run, and is identified again: ")


def test_the_next_run_refuses_other_hardware(machine, platform, one_update):
    pin, other = identified(machine(anonymous=True), platform), machine(anonymous=True)
    other.found = replace(FOUND, serial="SWAPPED")
    one_update()
    told = fault(create, other.address, platform, fingerprint=pin)
    assert "is not the declared machine: its serial is SWAPPED" in told and other.configs == []


def test_the_next_run_refuses_a_machine_that_restarted_with_secureboot_off(machine, platform, one_update):
    pin, restarted = identified(machine(anonymous=True), platform), machine(anonymous=True)
    restarted.found = replace(FOUND, secure_boot=False)
    one_update()
    told = fault(create, restarted.address, platform, fingerprint=pin, declared={"secureBoot": True})
    assert "runs with SecureBoot off or in setup mode" in told and restarted.configs == []


def test_another_platforms_machine_gets_nothing(machine, platform):
    at = machine(Pki("another"))
    told = fault(update, at.address, platform, {}, fingerprint=None)
    assert told.startswith(f"cp-1: the machine at {at.address} did not take its config within 1 s (last: without a ")
    assert "CERTIFICATE_VERIFY_FAILED" in told and at.configs == []


def test_what_talos_refuses_is_told_at_once(machine, platform):
    at = machine(refuses="unknown keys found")
    assert fault(create, at.address, platform) == (
        "cp-1: Talos refuses its config: INVALID_ARGUMENT: unknown keys found; it was not applied; correct it in the "
        "stack file, then run up again"
    )
    # It was sent once, and not again until the deadline.
    assert len(at.configs) == 1


STAND_IN = "(secret 0123456789ab)"
SEALED = [*PATCHES, json.dumps({"machine": {"env": {"https_proxy": STAND_IN}}})]


def test_a_secret_is_sent_in_place_of_its_stand_in_and_never_told(machine, platform):
    at = machine(refuses="invalid proxy http://user:hunter2@proxy")
    secrets = {STAND_IN: "http://user:hunter2@proxy"}
    told = fault(create, at.address, platform, configPatches=SEALED, secrets=secrets)
    assert f"INVALID_ARGUMENT: invalid proxy {STAND_IN}; it was not applied" in told and "hunter2" not in told
    assert "hunter2" in at.configs[0][0] and STAND_IN not in at.configs[0][0]
    told = fault(create, at.address, platform, configPatches=SEALED)
    assert "the stack's secret is missing for a stand-in of it; nothing was sent" in told and len(at.configs) == 1


def test_another_stand_in_for_the_same_secret_sends_nothing(machine, platform):
    """A change of the stack's passphrase encrypts every secret again."""
    at = machine()
    first = given(at.address, platform, configPatches=SEALED, secrets={STAND_IN: "x"})
    _, state = asyncio.run(CONFIG.create(first, lambda text: None))
    other = "(secret ba9876543210)"
    patches = [text.replace(STAND_IN, other) for text in SEALED]
    again = given(at.address, platform, configPatches=patches, secrets={other: "x"})
    asyncio.run(CONFIG.update("cp-1", state, again, lambda text: None))
    assert len(at.configs) == 1
    asyncio.run(CONFIG.update("cp-1", state, {**again, "secrets": {other: "y"}}, lambda text: None))
    assert len(at.configs) == 2 and '"y"' in at.configs[1][0]


def test_a_patch_that_cannot_be_merged_sends_nothing(machine, platform):
    at = machine()
    patches = [*PATCHES, json.dumps({"$patch": "delete"})]
    assert fault(create, at.address, platform, configPatches=patches) == (
        "cp-1: its config can't be made, because configPatches[2] deletes all of machine: and cluster:, which Talos "
        "refuses; delete single fields; nothing was sent; correct it in the stack file"
    )
    assert at.configs == []


def test_a_config_that_talos_cannot_receive_is_refused_before_it_is_sent(machine, platform):
    at = machine()
    told = fault(create, at.address, platform, pki=[json.dumps({"x": "y" * 34_000_000})])
    assert "bytes, and Talos takes at most 33553408" in told and at.configs == []


def test_a_stranger_that_says_it_is_a_container_gets_nothing_in_a_later_run_either(machine, platform, one_update):
    """A container has no hardware to compare, and whoever answers can say that it is one."""
    pin, other = identified(machine(anonymous=True), platform), machine(anonymous=True)
    other.found = Hardware("", "", ("52:54:00:10:05:11",), (), 0, 0, "container")
    one_update()
    told = fault(create, other.address, platform, fingerprint=pin)
    assert "is not the declared machine: its MAC addresses are 52:54:00:10:05:11" in told and other.configs == []
