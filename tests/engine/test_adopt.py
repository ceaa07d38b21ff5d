"""A running cluster's secrets imported into a state, with the real engine, plugin and talosctl."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from conftest import stack_platform
from talosplugin import KNOWN_COMPLAINT, SECRETS, leaves, rendered

from core.credentials.signing import signed
from core.model import parse
from core.state import unwrap_secret
from operations.adopt.state import KIND, secret

pytestmark = pytest.mark.engine


@pytest.fixture
def stack(checkout):
    """An empty stack of dev."""
    here = checkout("dev")
    for part in ("ca", "certificate", "key"):
        here.pulumi("config", "set", "--stack", "dev", "--secret", "--path", f"bedplate:matchbox.{part}", f"a {part}")
    here.pulumi(
        "config", "set", "--stack", "dev", "--secret", "--path", "bedplate:matchbox.hosts", "matchbox.dev.example.com"
    )
    return here


@pytest.fixture
def bundle(tmp_path):
    """The secrets that talosctl writes for a cluster of the given age."""

    def make(version="v1.12", name="secrets.yaml"):
        file = tmp_path / name
        subprocess.run(
            ["talosctl", "gen", "secrets", "--talos-version", version, "-o", file], check=True, capture_output=True
        )
        return file

    return make


def adopt(here, file, check=True):
    return here.run(sys.executable, "-m", "operations.adopt", "dev", str(file), "Pulumi.dev.yaml", check=check)


def exported(here):
    return json.loads(here.pulumi("stack", "export", "--stack", "dev", "--show-secrets").stdout)


def secrets_of(here):
    [resource] = [r for r in exported(here)["deployment"]["resources"] if r["type"] == KIND]
    return resource, unwrap_secret(resource["outputs"])


def up(here):
    """An `up` of the secrets only, because no machine of dev exists."""
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", *SECRETS, check=False)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
    assert errors and all(KNOWN_COMPLAINT in line for line in errors), done.stdout
    return done.stdout


def test_an_up_uses_the_imported_secrets_and_creates_none(stack, bundle):
    file = bundle()
    output = adopt(stack, file).stdout
    assert output.startswith(
        f"stack dev now has the secrets of {file}, encrypted and protected, for contract v1.12; "
        "the first authority to expire is "
    )
    before = secrets_of(stack)
    planned = {
        step["urn"].rpartition("::")[2]: step["op"]
        for step in json.loads(stack.pulumi("preview", "--stack", "dev", "--json").stdout)["steps"]
    }
    # Unchanged resources are not listed.
    assert planned["talos-etcd"] == "create" and "talos-secrets" not in planned
    assert "talos-secrets updated" not in up(stack)
    after = secrets_of(stack)
    assert after[1] == before[1] and after[1]["talosVersion"] == "v1.12"
    written = yaml.safe_load(file.read_text())
    assert {name: pair["key"] for name, pair in after[1]["machineSecrets"]["certs"].items()} == {
        {"k8saggregator": "k8sAggregator", "k8sserviceaccount": "k8sServiceaccount"}.get(name, name): pair["key"]
        for name, pair in written["certs"].items()
    }


def test_the_imported_resource_is_the_one_that_the_plugin_would_create(stack, bundle, checkout, tmp_path):
    """With the same URN, provider and protection. Otherwise the next plan would replace the secrets."""
    up(stack)
    own, _ = secrets_of(stack)
    for file in (tmp_path / "state").rglob("dev.json*"):
        file.unlink()
    stack.pulumi("stack", "init", "dev")
    adopt(stack, bundle())
    put, _ = secrets_of(stack)
    changing = {"created", "modified", "sourcePosition", "stackTrace", "provider", "outputs"}
    assert {k: v for k, v in put.items() if k not in changing} == {k: v for k, v in own.items() if k not in changing}
    # The provider without its random id.
    assert put["provider"].rpartition("::")[0] == own["provider"].rpartition("::")[0]
    # Without the bridge's own record of null values, which it does not need: older bridges did not write it.
    assert (
        own["outputs"].keys() - put["outputs"].keys() == {"__pulumi_raw_state_delta"}
        and not put["outputs"].keys() - own["outputs"].keys()
    )


def test_the_import_prints_no_secret_and_leaves_none_in_a_file(stack, bundle, tmp_path):
    """Nor in a command or its environment, which other processes can read; the test records both."""
    spy = tmp_path / "spy" / "pulumi"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {tmp_path}/commands\nPATH="${{PATH#*:}}" exec pulumi "$@"\n')
    spy.chmod(0o755)
    file = bundle()
    stack.environment["PATH"] = f"{spy.parent}:{stack.environment['PATH']}"
    shown = adopt(stack, file)
    assert (tmp_path / "commands").read_text().count("stack import") == 1
    shown = shown.stdout + shown.stderr + stack.preview("dev", "--diff").stdout
    values = {leaf for leaf in leaves(yaml.safe_load(file.read_text())) if len(leaf) > 20}
    file.unlink()
    left = "".join(p.read_text(encoding="utf-8", errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    assert len(values) > 10 and "talos-secrets" in left
    assert [value[:8] for value in values if value in shown or value in left] == []


def test_the_key_of_an_old_cluster_reaches_its_machines(stack, bundle, tmp_path, talos_plugin):
    """The generator omits the key in every known contract, and the API could not read its own Secrets."""
    file = bundle("v1.2")
    adopt(stack, file)
    up(stack)
    platform, pki = parse(stack_platform("dev")), secrets_of(stack)[1]["machineSecrets"]
    assert "aescbcEncryptionSecret" not in talos_plugin.configuration(platform, "controlplane", pki)
    made = tmp_path / "made.yaml"
    made.write_text(rendered(platform, "cp-1", pki), encoding="utf-8")
    subprocess.run(["talosctl", "validate", "--config", made, "--mode", "metal", "--strict"], check=True)
    cluster = next(yaml.safe_load_all(made.read_text()))["cluster"]
    assert cluster["aescbcEncryptionSecret"] == yaml.safe_load(file.read_text())["secrets"]["aescbcencryptionsecret"]
    assert "secretboxEncryptionSecret" not in cluster


def test_importing_the_same_secrets_again_is_no_fault_and_other_secrets_are_refused(stack, bundle):
    first = bundle()
    adopt(stack, first)
    before = exported(stack)
    said = adopt(stack, first).stdout.splitlines()
    assert said[0] == "stack dev has these secrets already; nothing was changed"
    assert said[1].startswith("endpoint and networks were not compared with the running cluster, because no control ")
    refused = adopt(stack, bundle(name="other.yaml"), check=False)
    assert refused.returncode == 2 and refused.stderr == (
        "import: stack dev has secrets of its own, and other secrets would lock out the machines that use them; "
        "nothing was imported; import into a stack that has created no machine yet\n"
    )
    assert exported(stack) == before


def test_a_stack_with_secrets_of_its_own_keeps_them(stack, bundle):
    up(stack)
    own = secrets_of(stack)
    assert "has secrets of its own" in adopt(stack, bundle(), check=False).stderr
    assert secrets_of(stack) == own


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (
            lambda file: file.chmod(0o640),
            "can be read by others; whoever has it controls all machines; type: chmod 600 ",
        ),
        (
            lambda file: file.unlink(),
            "can't be read (No such file or directory); name the file that talosctl gen secrets wrote",
        ),
        (
            lambda file: file.write_text(file.read_text().replace("trustdinfo", "trust")),
            "has 1 fault, and nothing was imported\n  trustdinfo.token: is missing",
        ),
    ],
)
def test_an_unusable_file_is_refused(stack, bundle, prepare, message):
    file = bundle()
    prepare(file)
    done = adopt(stack, file, check=False)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert "resources" not in exported(stack)["deployment"]


def test_a_missing_stack_ends_with_the_engines_exit_code(stack, bundle):
    """With that exit code the runner creates the stack, as before a first plan."""
    stack.pulumi("stack", "rm", "dev", "--yes", "--preserve-config")
    assert adopt(stack, bundle(), check=False).returncode == 6


def test_an_import_switches_off_no_running_machine(stack, bundle):
    """A machine that is not in the state would be booted for the first time."""
    bmc = {"url": "https://cp-1.bmc.dev.example.com", "system": "1"}
    stack.edit("dev", {"machines.cp-1.bmc": bmc})
    done = adopt(stack, bundle(), check=False)
    assert done.returncode == 2 and done.stderr == (
        "import: the next up would switch off running machines, and boot them from the network to install them; "
        "nothing was imported\n"
        "  platform.machines.cp-1.install.generation: is 1; write 0\n"
    )
    stack.edit("dev", {"machines.cp-1.install.generation": 0})
    adopt(stack, bundle(name="again.yaml"))


@pytest.mark.parametrize("age", [timedelta(days=338), timedelta(days=400)], ids=["ends in 27 days", "has ended"])
def test_an_up_renews_a_certificate_in_its_last_month(stack, bundle, age):
    """With imported secrets as with the plugin's own, and the same authority signs."""
    adopt(stack, bundle())
    up(stack)
    whole, (_, before) = exported(stack), secrets_of(stack)
    for resource in whole["deployment"]["resources"]:
        if resource["type"] == KIND:
            short = signed(before["machineSecrets"]["certs"]["os"], datetime.now(UTC) - age)
            resource["outputs"]["clientConfiguration"] = secret(short)
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", "dev"],
        input=json.dumps(whole),
        text=True,
        cwd=stack.folder,
        env=stack.environment,
        check=True,
    )
    assert "talos-secrets updated" in up(stack)
    _, after = secrets_of(stack)
    assert (
        after["machineSecrets"] == before["machineSecrets"]
        and after["clientConfiguration"]["clientCertificate"] != short["clientCertificate"]
    )
    ends = json.loads(stack.pulumi("stack", "output", "expires", "--stack", "dev", "--json").stdout)["talosconfig"]
    assert datetime.fromisoformat(ends) > datetime.now(UTC) + timedelta(days=360)


def test_the_talos_plugin_has_the_version_of_its_sdk():
    from pulumiverse_talos import _utilities

    folders = [
        name
        for name in os.listdir(os.path.join(os.environ["PULUMI_HOME"], "plugins"))
        if name.startswith("resource-talos-v")
    ]
    assert f"resource-talos-v{_utilities.get_version()}" in folders
