"""A plan without secrets is the real plan: for the recorded states, and after changes of a pull request."""

import json
import shutil

import pytest
import yaml
from talosplugin import leaves

from core.state import unwrap_secret
from tests.conftest import ROOT

STATES = ROOT / "tests" / "states"
pytestmark = pytest.mark.engine

NAMES = ["dev", "prod", "rehearsed-dev", "rehearsed-prod"]
# What the machines, the state's backend and the cluster would let in.
PRIVATE = ("key", "clientKey", "token", "bootstrapToken", "secretboxEncryptionSecret", "secret")


def steps(printed):
    """Every step of a plan, `same` included."""
    return sorted((step["op"], step["urn"]) for step in json.loads(printed)["steps"])


def credentials(here, stack, name):
    """Give a stack that was recorded without machines the secrets of its boot server, BMCs and a registry."""
    if name.startswith("rehearsed"):
        return
    for part in ("ca", "certificate", "key", "hosts"):
        value = f"matchbox.{stack}.example.com" if part == "hosts" else f"a {part}"
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:matchbox.{part}", value)
    if stack == "prod":
        for part, value in (("username", "real-user"), ("password", "real-pass"), ("hosts", "*.bmc.prod.example.com")):
            here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:bmc.{part}", value)


def redacted(here, stack, tmp_path):
    """The file that `redact` writes for a checkout's state, and what it read."""
    real = {
        "state": json.loads(here.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout),
        "plan": json.loads(here.pulumi("preview", "--stack", stack, "--json", "--show-sames").stdout),
    }
    given, file, work = tmp_path / "given", tmp_path / "published.json", tmp_path / "redact"
    given.write_text(json.dumps(real))
    work.mkdir()
    command = ["sh", "-c", f"python -m operations.review.redact {stack} {file} --folder {work} < {given}"]
    said = here.run(*command, PULUMI_CONFIG_PASSPHRASE="of nothing").stdout
    assert said == f"{file}: the state of {stack} with a stand-in for every secret; its plan is the real one\n"
    return file, real["state"]


def reviewed(here, stack, tmp_path, *options):
    """The plan that `review` shows, as JSON."""
    work = tmp_path / "review"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return here.run(
        *("python", "-m", "operations.review", stack, "--folder", str(work), "--json", *map(str, options)),
        # A lab's stack file breaks rules of the policy pack, and its plan is shown all the same.
        check=False,
        network=False,
        PULUMI_CONFIG_PASSPHRASE="of nothing",
        PULUMI_BACKEND_URL="file:///nowhere",
    ).stdout


def real_steps(here, stack):
    """The steps of the real plan, as `review` prints them: `same` is left out."""
    return steps(here.pulumi("preview", "--stack", stack, "--json", network=False).stdout)


@pytest.fixture(params=NAMES)
def published(request, recorded, tmp_path):
    here, stack = recorded(request.param)
    credentials(here, stack, request.param)
    file, real = redacted(here, stack, tmp_path)
    return here, stack, file, real, tmp_path


def private(value, name=""):
    """Every text below a key that is private, at any depth."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from private(part, key)
    elif isinstance(value, str) and name in PRIVATE and value:
        yield value


def test_the_published_state_has_no_secret_and_its_plan_is_the_real_one(published):
    here, stack, file, real, tmp_path = published
    secret = {text for each in real["deployment"]["resources"] for text in private(unwrap_secret(each))}
    assert len(secret) >= 9
    text = file.read_text()
    assert [each[:12] for each in secret if each in text or each.replace("\n", "\\n") in text] == []
    assert not [each for each in leaves(json.loads(text)) if "real-" in each]
    assert steps(reviewed(here, stack, tmp_path, "--state", file)) == real_steps(here, stack)


def test_what_a_pull_request_changes_is_the_same_in_both(recorded, tmp_path):
    here, stack = recorded("rehearsed-prod")
    file, _ = redacted(here, stack, tmp_path)
    unchanged = real_steps(here, stack)
    for edits in (
        {"talos.sysctls": {"net.core.somaxconn": "4096"}, "vms.erp.cpu": 4, "vms.mail": None},
        {"vms.erp.cloud_init": {"runcmd": [["true"]]}, "workloads.portal.replicas": 3, "cilium.encryption": "none"},
    ):
        before = (here.folder / f"Pulumi.{stack}.yaml").read_text()
        here.edit(stack, edits)
        wanted = real_steps(here, stack)
        assert wanted != unchanged
        assert steps(reviewed(here, stack, tmp_path, "--state", file)) == wanted, edits
        (here.folder / f"Pulumi.{stack}.yaml").write_text(before)


def test_files_come_from_the_pull_request_and_code_does_not(recorded, tmp_path):
    here, stack = recorded("rehearsed-dev")
    file, _ = redacted(here, stack, tmp_path)
    other = tmp_path / "pull-request"
    shutil.copytree(here.folder, other)
    marker = tmp_path / "ran"
    for place in ("__main__.py", "provider/__main__.py", "policy/__main__.py", "runner/main.py", "core/__init__.py"):
        (other / place).write_text(f"open({str(marker)!r}, 'w')\nraise SystemExit(1)\n")
    (other / "Pulumi.yaml").write_text("name: bedplate\nruntime: {name: python, options: {virtualenv: evil}}\n")
    described = yaml.safe_load((other / f"Pulumi.{stack}.yaml").read_text())
    platform = described["config"]["bedplate:platform"]
    moved = platform.pop("vms")
    moved["second"] = {**moved["web"]}
    (other / "vms").mkdir()
    (other / "vms" / "all.yaml").write_text(yaml.safe_dump({"vms": moved}))
    platform["include"] = ["vms/all.yaml"]
    (other / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(described))
    shown = steps(reviewed(here, stack, tmp_path, "--state", file, "--from", other))
    assert any(urn.endswith("::vm-second") and step == "create" for step, urn in shown)
    assert not [step for step, urn in shown if urn.endswith("::vm-web")]
    assert not marker.exists()


def test_a_stack_that_does_not_exist_yet_is_reviewed_as_it_will_be_created(checkout, tmp_path):
    here = checkout("dev")
    assert steps(reviewed(here, "dev", tmp_path)) == real_steps(here, "dev")


def test_the_states_are_those_that_were_recorded():
    assert sorted(NAMES) == sorted(file.name.removesuffix(".json.gz") for file in STATES.glob("*.json.gz"))


def test_encrypted_values_of_the_platform_plan_the_same_in_both(recorded, tmp_path):
    here, stack = recorded("rehearsed-dev")
    file, _ = redacted(here, stack, tmp_path)
    wireguard = {"apiVersion": "v1alpha1", "kind": "WireguardConfig", "name": "wg0"}
    wireguard["addresses"] = [{"address": "10.99.0.1/24"}]
    here.edit(stack, {"machines.cp-1.patches": [wireguard], "vms.web.cloud_init": {"runcmd": [["true"]]}})
    for place, secret in (
        ("machines.cp-1.patches[0].privateKey", "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="),
        ("vms.web.cloud_init.password", "real-password-of-a-guest"),
    ):
        here.pulumi("config", "set", "--stack", stack, "--path", "--secret", f"bedplate:platform.{place}", secret)
    shown = reviewed(here, stack, tmp_path, "--state", file)
    assert steps(shown) == real_steps(here, stack)
    assert "yAnz5TF" not in shown and "real-password" not in shown and "(secret " in shown
