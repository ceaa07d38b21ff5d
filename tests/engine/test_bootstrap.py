"""A run killed between the request that bootstraps etcd and the state that records it bootstraps only once."""

import json
import os
import signal
import subprocess
import time

import pytest
from test_bootstrap import Machine

from lab.speed import deadline

pytestmark = pytest.mark.engine

TYPE = "bedplate-native:talos:Bootstrap"
PROGRAM = """
import json
import pulumi
from components import engine

engine.prepare()
config = pulumi.Config("small")
props = {**json.loads(config.require("props")), "clientConfiguration": config.require_secret_object("client")}
options = pulumi.ResourceOptions(protect=True, retain_on_delete=True, additional_secret_outputs=["clientConfiguration"])
pulumi.CustomResource("bedplate-native:talos:Bootstrap", "etcd", props, options)
"""


class Fatal(Machine):
    """A control plane that kills the run when it receives the bootstrap request."""

    def __init__(self, **how):
        super().__init__(**how)
        self.victim = None

    def bootstrap(self, request, context):
        answer = super().bootstrap(request, context)
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = None
            time.sleep(0.5)
        return answer


@pytest.fixture
def machine():
    machine = Fatal()
    yield machine
    machine.server.stop(0)


@pytest.fixture
def small(checkout, machine):
    here = checkout("dev")
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (here.folder / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    here.pulumi("config", "set", "--stack", "dev", "--secret", "small:client", json.dumps(machine.client()))
    declare(here, machine)
    return here


def declare(here, at, **changes):
    props = {"machine": "cp-1", "node": at.address, "others": {}, "timeoutSeconds": 30, **changes}
    here.pulumi("config", "set", "--stack", "dev", "small:props", json.dumps(props))


def up(here, *options):
    return here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", *options).stdout


def killed(here, machine):
    """An `up` that is killed when the machine has received the request, then `pulumi cancel` for the lock."""
    command = ["pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(
        command,
        cwd=here.folder,
        env=here.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as run:
        machine.victim = run.pid
        assert run.wait(deadline(60)) == -signal.SIGKILL
    here.pulumi("cancel", "--stack", "dev", "--yes")


def bootstraps(here):
    resources = json.loads(here.pulumi("stack", "export", "--stack", "dev").stdout)["deployment"].get("resources", [])
    return [resource for resource in resources if resource["type"] == TYPE]


def test_the_run_after_a_kill_continues_and_bootstraps_no_second_time(small, machine):
    killed(small, machine)
    assert machine.requests == 1 and bootstraps(small) == []
    begun = time.monotonic()
    output = up(small)
    assert "etcd is running already, with cp-1: it is taken over as it is, and nothing is bootstrapped" in output
    # The Talos plugin's own resource would retry for ten minutes here, and then fail.
    assert time.monotonic() - begun < 60
    [bootstrap] = bootstraps(small)
    assert (machine.requests, bootstrap["id"], bootstrap["protect"]) == (1, "cp-1", True)
    up(small, "--expect-no-changes")


def test_a_bootstrap_that_has_happened_is_no_change_and_queries_no_machine(small, machine):
    up(small)
    machine.server.stop(0).wait()
    declare(small, machine, machine="cp-9", node="10.0.0.9", others={"cp-2": "10.0.0.2"}, timeoutSeconds=60)
    small.pulumi("config", "set", "--stack", "dev", "--secret", "small:client", json.dumps(machine.client()))
    up(small, "--expect-no-changes")
    assert machine.requests == 1


def test_the_clients_key_is_never_shown_and_encrypted_in_the_state(small, machine, tmp_path):
    shown = small.pulumi("up", "--stack", "dev", "--yes", "--diff").stdout
    key = machine.client()["clientKey"][:40]
    kept = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "state").rglob("*.json*") if p.is_file())
    assert TYPE in kept and "clientKey" not in kept and key not in shown + kept


def test_a_state_with_the_plugins_bootstrap_is_migrated_by_one_command(small, machine):
    """As CHANGELOG.md says: the next `up` drops the plugin's resource, and finds that etcd is bootstrapped."""
    machine.state = "Running"
    whole = json.loads(small.pulumi("stack", "export", "--stack", "dev").stdout)
    root, talos = "urn:pulumi:dev::bedplate::", "urn:pulumi:dev::bedplate::pulumi:providers:talos::default_0_7_0"
    old = f"{root}talos:machine/bootstrap:Bootstrap::etcd"
    whole["deployment"]["resources"] = [
        {"urn": f"{root}pulumi:pulumi:Stack::bedplate-dev", "custom": False, "type": "pulumi:pulumi:Stack"},
        {"urn": talos, "custom": True, "type": "pulumi:providers:talos", "id": "a", "inputs": {"version": "0.7.0"}},
        {
            "urn": old,
            "custom": True,
            "type": "talos:machine/bootstrap:Bootstrap",
            "id": "machine_bootstrap",
            "provider": f"{talos}::a",
            "parent": f"{root}pulumi:pulumi:Stack::bedplate-dev",
            "protect": True,
            "retainOnDelete": True,
            "outputs": {"node": machine.address},
        },
        {"urn": f"{root}bedplate:x:Y::after", "custom": False, "type": "bedplate:x:Y", "dependencies": [old]},
    ]
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", "dev"],
        input=json.dumps(whole),
        text=True,
        cwd=small.folder,
        env=small.environment,
        check=True,
    )
    refused = small.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0 and "cannot be deleted" in refused.stdout + refused.stderr
    small.pulumi("state", "unprotect", old, "--stack", "dev", "--yes")
    up(small)
    whole = json.loads(small.pulumi("stack", "export", "--stack", "dev").stdout)["deployment"]["resources"]
    assert [r["type"] for r in whole if "ootstrap" in r["type"]] == [TYPE] and machine.requests == 0
