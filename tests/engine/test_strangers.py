"""Strangers in a machine's place, under the real engine: what they get from the Talos plugin, and from us."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from operations.adopt.state import secret
from tests.provider.certificates import Pki
from tests.provider.strangers import Stranger, certificate
from tests.provider.test_identity import DECLARED
from tests.provider.test_machine_config import Machine

pytestmark = pytest.mark.engine

PLUGINS = "talos:machine/configurationApply:ConfigurationApply"
KEY = "LS0tLS1CRUdJTiBFRDI1NTE5"
# What the Talos plugin generated, for states of older releases.
GENERATED = f"version: v1alpha1\nmachine:\n  type: worker\n  ca:\n    crt: {KEY}\n    key: {KEY}\ncluster: {{}}\n"
SECRETS = json.dumps({"machine": {"ca": {"crt": KEY, "key": KEY}}, "cluster": {}})
PATCHES = ['{"machine": {"nodeLabels": {"a": "b"}}}']
PROGRAM = """
import json
import pulumi
from components.native import ContractResource
from core.native.machine import IDENTITY, MACHINE_CONFIG

config = pulumi.Config()
where = json.loads(config.require("where"))
common = {"machine": "cp-1", "node": where["node"], "declared": where["declared"], "generation": where["generation"],
          "clientConfiguration": config.require_secret("client").apply(json.loads)}
gate = ContractResource(IDENTITY, "talos-cp-1", {
    **common, "documents": where["patches"], "versions": {"contract": "v1.12"}, "timeoutSeconds": 15,
}, pulumi.ResourceOptions())
ContractResource(MACHINE_CONFIG, "talos-cp-1", {
    **common, "node": where.get("then") or where["node"], "configPatches": where["patches"],
    "base": ['{"version": "v1alpha1", "machine": {"type": "worker"}}'],
    "pki": config.require_secret("pki").apply(lambda text: [text]), "fingerprint": gate.fingerprint,
}, pulumi.ResourceOptions(depends_on=[gate], delete_before_replace=True,
                          aliases=[pulumi.Alias(type_="talos:machine/configurationApply:ConfigurationApply")]))
"""

PLUGINS_PROGRAM = """
import json
import pulumi
from pulumiverse_talos import machine

config = pulumi.Config()
client = json.loads(config.require("client"))
machine.ConfigurationApply(
    "talos-cp-1", node="127.77.0.9", machine_configuration_input=config.require("generated"), apply_mode="auto",
    client_configuration=machine.ClientConfigurationArgs(
        ca_certificate=client["caCertificate"], client_certificate=client["clientCertificate"],
        client_key=client["clientKey"],
    ),
    config_patches=['{"machine": {"nodeLabels": {"a": "b"}}}'],
)
"""


@pytest.fixture
def platform():
    return Pki("platform")


@pytest.fixture
def machine(platform):
    made = []

    def start(pki=None, **how):
        made.append(Machine(pki or platform, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


@pytest.fixture
def stack(checkout, platform):
    """A stack of one machine's gate and config, and how it is run."""
    here = checkout("dev")
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    for key, value in (("client", json.dumps(platform.client())), ("pki", SECRETS)):
        here.pulumi("config", "set", "--stack", "dev", "--secret", key, value)

    def up(node, *arguments, check=True, **more):
        where = {"node": node, "declared": DECLARED, "generation": 1, "patches": PATCHES, **more}
        here.pulumi("config", "set", "--stack", "dev", "where", json.dumps(where))
        done = here.pulumi(
            "up", "--stack", "dev", "--yes", "--skip-preview", "--continue-on-error", *arguments, check=check
        )
        assert check or done.returncode != 0, done.stdout
        text = done.stdout + done.stderr
        assert KEY not in text
        return text

    return here, up


def state(here):
    exported = here.pulumi("stack", "export", "--stack", "dev").stdout
    assert KEY not in exported
    return json.loads(exported)["deployment"]


def test_the_plugin_gives_every_key_to_whoever_answers(checkout, platform):
    """The attack itself: what a program that registers the plugin's resource hands over. The plugin's port is fixed."""
    here = checkout("dev")
    (here.folder / "__main__.py").write_text(PLUGINS_PROGRAM, encoding="utf-8")
    (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    here.pulumi("config", "set", "--stack", "dev", "client", json.dumps(platform.client()))
    here.pulumi("config", "set", "--stack", "dev", "generated", GENERATED)
    stranger = Stranger(certificate(Pki("nobody")), "127.77.0.9:50000")
    here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
    stranger.server.stop(0)
    assert [method.rpartition("/")[2] for method, _ in stranger.requests] == ["Disks", "ApplyConfiguration"]
    assert stranger.requests[1][1].count(f"key: {KEY}".encode()) == 1


def test_a_first_up_configures_and_a_later_one_finds_a_stranger(stack, machine):
    here, up = stack
    real = machine(anonymous=True)
    up(real.address)
    assert len(real.configs) == 1
    here.pulumi("preview", "--stack", "dev", "--diff", "--expect-no-changes")
    text = up(real.address, check=False, patches=['{"machine": {"nodeLabels": {"a": "c"}}}'])
    assert "cp-1: the server at" in text and "asks for no certificate" in text
    assert len(real.configs) == 1
    configured = machine()
    up(configured.address, patches=['{"machine": {"nodeLabels": {"a": "c"}}}'])
    assert len(configured.configs) == 1
    # From now on the gate itself refuses a stranger.
    text = up(real.address, check=False)
    assert "to install it again, raise its install.generation, then run up again" in text
    assert len(real.configs) == 1
    # What `--target-replace` deletes and creates again is no first config either.
    text = up(real.address, "--target-replace", "**MachineConfig::talos-cp-1", check=False)
    assert "asks for no certificate" in text and len(real.configs) == 1


def test_a_man_in_the_middle_after_the_gate_gets_nothing_and_the_next_up_asks_again(stack, machine):
    _, up = stack
    real, middle = machine(anonymous=True), machine(anonymous=True)
    text = up(real.address, check=False, then=middle.address)
    assert re.search(
        r"cp-1: the machine at \S+ was identified under the certificate [0-9a-f]{64}, and now serves ", text
    )
    assert real.configs == middle.configs == []
    # It restarted: the gate is in the state, and its hardware is compared again.
    up(real.address, then=machine(anonymous=True).address)


def test_a_config_of_the_plugin_is_taken_over_as_one_that_was_sent(stack, machine, platform):
    """An update in place: nothing is deleted, and the plugin is not even started."""
    here, up = stack
    ours = machine()
    up(ours.address)
    deployment = state(here)
    _as_the_plugins(here, deployment)
    text = up(ours.address)
    assert "1 updated" in text.replace("~ ", "") and "deleted" not in text and "replaced" not in text
    assert len(ours.configs) == 1, "the machine has this config already"
    assert {one["type"] for one in state(here)["resources"] if one["urn"].endswith("::talos-cp-1")} == {
        "bedplate-native:talos:MachineConfig",
        "bedplate-native:talos:Identity",
    }
    _as_the_plugins(here, deployment)
    up(ours.address, patches=['{"machine": {"nodeLabels": {"a": "c"}}}'])
    assert len(ours.configs) == 2
    _as_the_plugins(here, deployment)
    stranger = machine(anonymous=True)
    assert "asks for no certificate" in up(stranger.address, check=False) and stranger.configs == []


def test_a_config_that_the_plugin_generated_is_not_sent_again(stack, machine):
    """The form of a state before Bedplate rendered the whole config: ours, with the generated config as one text."""
    here, up = stack
    ours = machine()
    up(ours.address)
    deployment = state(here)
    for one in deployment["resources"]:
        if one["type"] == "bedplate-native:talos:MachineConfig":
            _as_generated(one)
    _put(here, deployment)
    here.pulumi("preview", "--stack", "dev", "--diff", "--expect-no-changes")
    text = up(ours.address)
    assert "updated" not in text and len(ours.configs) == 1
    up(ours.address, patches=['{"machine": {"nodeLabels": {"a": "c"}}}'])
    assert len(ours.configs) == 2 and ours.configs[1][0] == ours.configs[0][0].replace('"b"', '"c"')
    here.pulumi("preview", "--stack", "dev", "--diff", "--expect-no-changes")


def _as_generated(one):
    """Inputs and outputs as they were when the Talos plugin generated the part with the PKI."""
    for values in (one["inputs"], one["outputs"]):
        for later in ("base", "pki"):
            values.pop(later)
        values["machineConfigurationInput"] = secret(GENERATED)


def _as_the_plugins(here, deployment):
    """Put a state with the plugin's resource in the place of ours, as release 0.1.0 wrote it."""
    text = json.dumps(deployment)
    deployment = json.loads(text)
    for one in deployment["resources"]:
        if one["type"] == "bedplate-native:talos:MachineConfig":
            one["urn"] = one["urn"].replace(one["type"], PLUGINS)
            one["type"] = PLUGINS
            for values in (one["inputs"], one["outputs"]):
                for later in ("machine", "generation", "fingerprint", "declared"):
                    values.pop(later, None)
                values["applyMode"] = "auto"
            _as_generated(one)
            provider = {**next(each for each in deployment["resources"] if "providers:bedplate-native" in each["type"])}
    (plugin,) = Path(here.environment["PULUMI_HOME"], "plugins").glob("resource-talos-v*")
    version = plugin.name.removeprefix("resource-talos-v")
    provider["urn"] = provider["urn"].replace("providers:bedplate-native::default", "providers:talos::default")
    provider["urn"] = re.sub(r"::default.*", f"::default_{version.replace('.', '_')}", provider["urn"])
    provider["type"], provider["id"] = "pulumi:providers:talos", "11111111-1111-1111-1111-111111111111"
    provider["inputs"] = provider["outputs"] = {"version": version}
    for one in deployment["resources"]:
        if one["type"] == PLUGINS:
            one["provider"] = f"{provider['urn']}::{provider['id']}"
        if one["type"] == "bedplate-native:talos:Identity":
            one["outputs"].pop("fingerprint", None)
    deployment["resources"].insert(1, provider)
    _put(here, deployment)


def _put(here, deployment):
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", "dev"],
        input=json.dumps({"version": 3, "deployment": deployment}),
        text=True,
        cwd=here.folder,
        env=here.environment,
        check=True,
        capture_output=True,
    )
