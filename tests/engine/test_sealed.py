"""Encrypted values of the platform with the real engine: what it writes and prints has none of them."""

import base64
import json
import os
from pathlib import Path

import pytest
import yaml

from core import standins
from tests.conftest import KEY
from tests.engine.test_strangers import SECRETS
from tests.provider.certificates import Pki
from tests.provider.test_identity import DECLARED
from tests.provider.test_machine_config import Machine

pytestmark = pytest.mark.engine

MARK = "MARK-hunter2-5521"
PATCHES = [
    {"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "nut", "environment": ["A=b"]},
    {"apiVersion": "v1alpha1", "kind": "RegistryAuthConfig", "name": "r.example.com", "username": "puller"},
]
# Each place to its secret.
PLACES = {
    "talos.patches[0].environment[1]": f"UPS_PASSWORD={MARK}-one",
    "talos.patches[1].password": f"{MARK}-two",
    'vms.web.cloud_init.users[0]["hashed_passwd"]': f"$6${MARK}-three",
    "vms.web.cloud_init.write_files[0].content": f"first line\n{MARK}-four: {{}}\n",
    "cilium.values.tls.ca.key": base64.b64encode(f"{MARK}-five".encode()).decode(),
}


@pytest.fixture
def here(checkout):
    made = checkout("dev")
    made.edit("dev", {"talos.patches": PATCHES})
    for place, secret in PLACES.items():
        made.pulumi("config", "set", "--stack", "dev", "--path", "--secret", f"bedplate:platform.{place}", secret)
    return made


def written(here):
    """Every file that the engine wrote, beside the checkout's code: the stack file, the state, its history, logs."""
    logs = Path(os.environ.get("PULUMI_HOME", "")) / "logs"
    for file in (*here.folder.parent.rglob("*"), *(logs.rglob("*") if logs.is_absolute() else ())):
        if file.is_file() and (here.folder not in file.parents or file.name.startswith("Pulumi.dev")):
            yield file, file.read_bytes()


def test_a_plan_shows_stand_ins_and_no_file_or_message_has_a_secret(here):
    config = yaml.safe_load((here.folder / "Pulumi.dev.yaml").read_text())["config"][KEY]
    assert set(config["talos"]["patches"][1]["password"]) == {"secure"}
    shown = here.preview("dev", "--diff", network=False)
    printed = here.pulumi("preview", "--stack", "dev", "--json", network=False)
    texts = [shown.stdout, shown.stderr, printed.stdout, printed.stderr]
    for mark in (MARK, PLACES["cilium.values.tls.ca.key"]):
        assert [text[max(0, at - 300) : at + 60] for text in texts if (at := text.find(mark)) >= 0] == []
        assert [str(file) for file, content in written(here) if mark.encode() in content] == []
    (release,) = [inputs for urn, inputs in here.plan("dev").items() if "helm.sh/v3:Release::" in urn]
    assert release["values"]["tls"]["ca"]["key"] == "[secret]" and release["values"]["kubeProxyReplacement"] is True
    configs = [inputs for urn, inputs in here.plan("dev").items() if "bedplate-native:talos:MachineConfig::" in urn]
    assert configs
    for inputs in configs:
        documents = [json.loads(text) for text in inputs["configPatches"]]
        assert len(set(standins.within(documents))) == 2 and inputs["secrets"] == "[secret]"
    assert MARK in here.pulumi("config", "--stack", "dev", "--show-secrets").stdout


def test_a_secret_that_is_set_again_shows_as_another_stand_in(here):
    def shown():
        texts = [str(inputs.get("configPatches")) for inputs in here.plan("dev", network=False).values()]
        return "".join(texts)

    before = shown()
    place = next(iter(PLACES))
    here.pulumi("config", "set", "--stack", "dev", "--path", "--secret", f"bedplate:platform.{place}", "A=another")
    assert shown() != before and "another" not in shown()


# A whole update: one machine's gate and config, as components/talos registers them, against a Talos API over TLS.
PROGRAM = """
import json
from datetime import date
from pathlib import Path

import pulumi
from components.native import ContractResource
from core import standins
from core.loading import stackfile
from core.model import sealed
from core.native.machine import IDENTITY, MACHINE_CONFIG

config = pulumi.Config()
where = json.loads(config.require("where"))
file = stackfile.document(Path.cwd() / "Pulumi.dev.yaml")
found = sealed.sealed(config.require_object("platform"), file.value["config"], "bedplate:platform")
patches = [json.dumps(each) for each in found.platform["talos"]["patches"]]
common = {"machine": "cp-1", "node": where["node"], "declared": where["declared"], "generation": 1,
          "clientConfiguration": config.require_secret("client").apply(json.loads)}
gate = ContractResource(IDENTITY, "talos-cp-1", {
    **common, "documents": [standins.opened_text(each, found.secrets) for each in patches],
    "versions": {"contract": "v1.12"}, "timeoutSeconds": 15,
}, pulumi.ResourceOptions())
ContractResource(MACHINE_CONFIG, "talos-cp-1", {
    **common, "configPatches": patches, "secrets": found.secrets, "fingerprint": gate.fingerprint,
    "base": ['{"version": "v1alpha1", "machine": {"type": "worker"}}'],
    "pki": config.require_secret("pki").apply(lambda text: [text]),
}, pulumi.ResourceOptions(depends_on=[gate]))
"""


def test_an_update_sends_the_secret_and_neither_state_nor_message_nor_log_has_it(here):
    platform, place = Pki("platform"), "talos.patches[0].environment[1]"
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    machine = Machine(platform, anonymous=True)
    for key, value in (("client", json.dumps(platform.client())), ("pki", SECRETS)):
        here.pulumi("config", "set", "--stack", "dev", "--secret", key, value)
    where = {"node": machine.address, "declared": DECLARED}
    here.pulumi("config", "set", "--stack", "dev", "where", json.dumps(where))
    texts = []

    def run(*arguments):
        done = here.pulumi(*arguments, "--stack", "dev")
        texts.extend((done.stdout, done.stderr))

    try:
        run("up", "--yes", "--diff")
        (sent, _), *_ = machine.configs
        assert f"UPS_PASSWORD={MARK}-one" in sent and f"{MARK}-two" in sent and "(secret " not in sent
        run("preview", "--diff", "--expect-no-changes")
        machine.server.stop(0)
        # The machine has its config now, and asks for a certificate.
        machine = Machine(platform)
        where["node"] = machine.address
        here.pulumi("config", "set", "--stack", "dev", "where", json.dumps(where))
        here.pulumi(
            *("config", "set", "--stack", "dev", "--path", "--secret", f"bedplate:platform.{place}", f"A={MARK}-other")
        )
        run("preview", "--diff")
        assert "(secret " in texts[-2]
        run("up", "--yes", "--skip-preview", "--diff")
        assert f"A={MARK}-other" in machine.configs[-1][0] and f"{MARK}-one" not in machine.configs[-1][0]
        run("stack", "export")
        run("stack", "history")
        assert [text[max(0, at - 300) : at + 60] for text in texts if (at := text.find(MARK)) >= 0] == []
        assert [str(file) for file, content in written(here) if MARK.encode() in content] == []
        assert MARK in here.pulumi("stack", "export", "--stack", "dev", "--show-secrets").stdout
    finally:
        machine.server.stop(0)
