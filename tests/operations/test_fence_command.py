"""`./bedplate fence` from the stack file and the state: the machine that it finds, and what it prints."""

import base64
import json
from datetime import date

import pytest
import yaml
from bmcs import PASSWORD, USER
from conftest import KEY, ROOT

from core.loading import stackfile
from operations.drift.export import ExportError
from operations.fence import __main__ as command
from operations.fence import target as found
from tests.operations.fencing import Kubernetes, node

POWER = {"url": "https://192.0.2.1", "system": "1", "username": USER, "password": PASSWORD}
FILE = ROOT / "Pulumi.prod.yaml"


def secret(value):
    """A secret value as an export with `--show-secrets` contains it."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


def resource(kind, name, **outputs):
    return {"type": kind, "urn": f"urn:pulumi:prod::bedplate::{kind}::{name}", "outputs": outputs}


@pytest.fixture
def api(tmp_path):
    platform = yaml.safe_load(FILE.read_text(encoding="utf-8"))["config"][KEY]
    return Kubernetes(tmp_path, *(node(name) for name in platform["machines"]))


@pytest.fixture
def state(api, monkeypatch):
    """An export of prod, in which wk-2 has a BMC and wk-1 has none."""
    certificate, key = api.pki.pair("admin")
    parts = {"caCertificate": certificate, "clientCertificate": certificate, "clientKey": key}
    client = {name: base64.b64encode(text.encode()).decode() for name, text in parts.items()}
    configured = [
        resource(
            "bedplate-native:talos:MachineConfig", f"talos-{name}", node="127.0.0.1:9", machineConfiguration="a: 1"
        )
        for name in ("cp-1", "wk-1", "wk-2")
    ]
    kubeconfig = secret(api.kubeconfig())
    resources = [
        *configured,
        resource("talos:machine/secrets:Secrets", "talos-secrets", clientConfiguration=secret(client)),
        resource("bedplate-native:kubernetes:Kubeconfig", "talos-kubeconfig", kubeconfig=kubeconfig),
        resource("bedplate-native:metal:Permit", "metal-wk-1", **POWER),
        resource("bedplate-native:metal:Power", "metal-wk-2", **{**POWER, "password": secret(PASSWORD)}),
    ]
    monkeypatch.setattr(command, "exported_resources", lambda stack: resources)
    return resources


def fence(*arguments):
    return command.main(["prod", *arguments, "--file", str(FILE)])


def test_a_machine_that_runs_is_refused_in_one_line(state, capsys):
    assert fence("wk-2", "--yes") == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("fence: wk-2 is alive, because its Node is Ready; to empty it: kubectl drain")
    assert error.count("\n") == 1


def test_the_bmc_is_the_one_of_its_power_and_its_login_is_never_shown(state, api):
    power = found._power(state, "wk-2")
    assert power is not None and power["password"] == PASSWORD
    assert found._power(state, "wk-1") is None
    made = found.target(stackfile.load(FILE, root=ROOT, today=date.today()), state, "wk-2")
    assert made.address == "127.0.0.1:9" and made.control_planes == ()
    assert PASSWORD not in repr(made) and "PRIVATE KEY" not in repr(made.cluster)
    assert not made.answers()


def test_a_machine_without_a_bmc_is_refused(state, api, capsys):
    api.nodes["wk-1"] = node("wk-1", "Unknown")
    assert fence("wk-1", "--yes") == 2
    assert "fence: wk-1 has no bmc, or had none at the last up" in capsys.readouterr().err


def test_one_that_is_back_returns_and_the_command_has_the_stack(state, api, capsys):
    assert fence("wk-2", "--return", "--yes") == 0
    assert "there is nothing to remove" in capsys.readouterr().out
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    api.nodes["wk-2"]["spec"]["taints"] = [taint]
    assert fence("wk-2") == 2
    assert "./bedplate fence prod wk-2 --return" in capsys.readouterr().err
    assert fence("wk-2", "--return", "--yes") == 0
    assert api.taints() == []


@pytest.mark.parametrize("name", ["wk-9", "WK-2", ""])
def test_a_machine_that_the_stack_file_does_not_have_is_refused(state, capsys, name):
    assert fence(name) == 2
    assert capsys.readouterr().err.startswith(f"fence: the stack file has no machine {name}; there are: cp-1, ")


def test_a_state_without_the_machine_is_refused(state, capsys):
    state[:] = [each for each in state if not each["urn"].endswith("talos-wk-2")]
    assert fence("wk-2") == 2
    assert "the stack's state has no config of it; run ./bedplate up first" in capsys.readouterr().err


def test_a_stack_that_has_no_state_is_refused(monkeypatch, capsys):
    def absent(stack):
        raise ExportError("error: no stack named 'prod' found")

    monkeypatch.setattr(command, "exported_resources", absent)
    assert fence("wk-2") == 2
    assert capsys.readouterr().err == "fence: error: no stack named 'prod' found\n"
