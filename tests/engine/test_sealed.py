"""Encrypted values of the platform with the real engine: what it writes and prints has none of them."""

import json
import os
from pathlib import Path

import pytest
import yaml

from core import standins
from tests.conftest import KEY

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
    assert [text[max(0, at - 300) : at + 60] for text in texts if (at := text.find(MARK)) >= 0] == []
    assert [str(file) for file, content in written(here) if MARK.encode() in content] == []
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
