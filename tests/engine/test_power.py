"""Machines' power through the real engine: a small program of its own, and the BMCs of tests/bmcs.py."""

import hashlib
import json
import shutil
import ssl
import subprocess
import time

import pytest
from bmcs import PASSWORD, USER, Bmc, machine

from lab.speed import deadline
from tests.provider.redfish_standin import standing_in

pytestmark = pytest.mark.engine

PROGRAM = """
import json
import pulumi
from pulumi import CustomResource, Output
from components import engine

class Power(CustomResource):
    identity: Output[dict]
    power: Output[str]
    def __init__(self, name, permit, **props):
        outputs = {"identity": None, "power": None, "lastBoot": None, "matched": None, "armed": None}
        super().__init__("bedplate-native:metal:Power", name, {**props, "generation": permit.generation, **outputs})

class Permit(CustomResource):
    generation: Output[int]
    def __init__(self, name, journal, **props):
        props = {**props, "generation": journal.generation, "identity": None, "matched": None}
        super().__init__("bedplate-native:metal:Permit", name, props)

class Journal(CustomResource):
    generation: Output[int]
    def __init__(self, name, **props):
        super().__init__("bedplate-native:metal:Journal", name, props)

engine.prepare()
config = pulumi.Config("small")
for name, spec in json.loads(config.require("machines")).items():
    spec = {"username": config.get("username"), "password": config.require_secret("password"), **spec}
    power = Power(name, Permit(name, Journal(name, **spec), **spec), **spec)
    pulumi.export(name, power.identity)
"""


@pytest.fixture
def bmc(tmp_path):
    bmc = Bmc(tmp_path / "bmc", [machine(1), machine(2)])
    yield bmc
    bmc.stop()


@pytest.fixture
def small(checkout, bmc):
    here = checkout("dev")
    for part in ("Pulumi.dev.yaml", "Pulumi.prod.yaml", "policy"):
        target = here.folder / part
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    (here.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    here.pulumi("config", "set", "--stack", "dev", "small:username", USER)
    here.pulumi("config", "set", "--stack", "dev", "--secret", "small:password", PASSWORD)
    declare(here, bmc)
    return here


def declare(here, bmc, **changes):
    machines = {
        f"node-{n}": {
            "url": bmc.url, "system": machine(n)["uuid"], "ca": bmc.pki.ca, "serial": machine(n)["serial"],
            "generation": 1, "bootMode": "uefi", "timeoutSeconds": 60, "atOnce": 5, "secondsBetween": 0, **changes,
        }
        for n in (1, 2)
    }  # fmt: skip
    here.pulumi("config", "set", "--stack", "dev", "small:machines", json.dumps(machines))


def up(here, *args, check=True):
    done = here.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", *args, check=check)
    return done, done.stdout + done.stderr


def test_power_from_a_plan_without_a_bmc_to_a_destroy_that_leaves_the_machines_on(small, bmc, tmp_path):
    # No BMC answers and there is no network, but the plan is complete.
    planned = small.pulumi("preview", "--stack", "dev", network=False)
    assert "7 to create" in planned.stdout
    for name in ("node-1", "node-2"):
        order = "from the network, once, uefi, for generation 1"
        assert (
            f"{name} create is switched off without a shutdown, which ends what runs on it; its next boot is {order}"
            in planned.stdout
        )
        assert f"{name} create boots {order}" in planned.stdout
    assert PASSWORD not in planned.stdout + planned.stderr

    bmc.start()
    done, text = up(small)
    assert "7 created" in text
    assert bmc.acts("node-1") == bmc.acts("node-2") == ["Pxe"]
    shown = json.loads(small.pulumi("stack", "output", "--stack", "dev", "--json").stdout)
    assert shown["node-1"] == {"uuid": machine(1)["uuid"], "serial": "LAB0001", "macs": ["52:54:00:77:00:01"]}

    state = "".join(p.read_text(encoding="utf-8") for p in tmp_path.glob("state/**/*.json*"))
    assert "LAB0001" in state and PASSWORD not in state

    bmc.forget()
    up(small, "--expect-no-changes")
    small.pulumi("refresh", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes")
    assert bmc.events("boot", "halt") == []

    declare(small, bmc, generation=2)
    planned = small.pulumi("preview", "--stack", "dev")
    assert (
        "is switched off without a shutdown, which ends what runs on it; its next boot is from the network, once, "
        "uefi, for generation 2" in planned.stdout
    )
    up(small)
    assert bmc.acts("node-1") == bmc.acts("node-2") == ["halt", "Pxe"]

    declare(small, bmc, generation=1)
    lowered, text = up(small, check=False)
    assert lowered.returncode != 0 and "goes from 2 back to 1; the machine was installed for 2" in text
    declare(small, bmc, generation=2)

    bmc.forget()
    done = small.pulumi("destroy", "--stack", "dev", "--yes", "--skip-preview")
    assert "is left running; switch it off by its BMC if it is not needed any more" in done.stdout + done.stderr
    assert bmc.events() == []


def test_faults_end_in_one_clear_line_and_a_second_up_converges(small, bmc):
    bmc.start()
    small.pulumi("config", "set", "--stack", "dev", "--secret", "small:password", "wrong-password-1")
    done, text = up(small, check=False)
    assert done.returncode != 0 and "refuses these credentials (HTTP 401)" in text
    assert "Traceback" not in text and "wrong-password-1" not in text, text
    assert bmc.events("boot") == []

    small.pulumi("config", "set", "--stack", "dev", "--secret", "small:password", PASSWORD)
    declare(small, bmc, serial="LAB0001")
    done, text = up(small, check=False)
    assert done.returncode != 0
    assert f"{machine(2)['uuid']} of {bmc.url} has the serial LAB0002, and LAB0001 is declared" in text
    assert (bmc.acts("node-1"), bmc.acts("node-2")) == (["Pxe"], [])

    declare(small, bmc)
    up(small)
    assert (bmc.acts("node-1"), bmc.acts("node-2")) == (["Pxe"], ["Pxe"])


def test_a_bmc_that_becomes_another_device_is_sent_nothing_until_that_is_accepted(small, bmc, tmp_path):
    """An attack: the stack file names a device of the attacker, and pins its certificate."""
    bmc.start()
    up(small)
    with standing_in(tmp_path / "evil") as evil:
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(evil.pki.certificate)).hexdigest()
        elsewhere = {"url": evil.url, "ca": None, "fingerprint": digest, "system": "1", "serial": None}
        declare(small, bmc, **elsewhere)
        for done in (small.pulumi("preview", "--stack", "dev", check=False), up(small, check=False)[0]):
            text = done.stdout + done.stderr
            assert (
                done.returncode != 0 and f"changes with its BMC: url from {bmc.url} to {evil.url} and ca from" in text
            )
            assert f'bmc.accept_change: {{url: "{evil.url}", ca: "none", fingerprint: "{digest}"}}' in text
            assert PASSWORD not in text and "Traceback" not in text, text
        assert (evil.connections, evil.authorizations) == (0, [])

        declare(small, bmc, **elsewhere, accepted={"url": evil.url, "ca": "none", "fingerprint": digest})
        planned = small.pulumi("preview", "--stack", "dev")
        assert f"its BMC's url goes from {bmc.url} to {evil.url}" in planned.stdout
        assert evil.connections == 0
        up(small, check=False)
        assert evil.authorizations


def test_replaced_hardware_is_reported_as_drift(small, bmc):
    bmc.start()
    up(small)
    bmc.stop()
    bmc.systems[0]["serial"] = "LAB9999"
    bmc.systems[0]["power_state"] = bmc.systems[1]["power_state"] = "On"
    bmc.start()
    seen = small.pulumi("refresh", "--stack", "dev", "--preview-only", "--diff", "--expect-no-changes", check=False)
    assert seen.returncode != 0 and "~ 1 to update" in seen.stdout, seen.stdout
    small.pulumi("refresh", "--stack", "dev", "--yes", "--skip-preview")
    done, text = up(small, check=False)
    assert done.returncode != 0 and "has the serial LAB9999, and LAB0001 is declared" in text
    assert bmc.acts("node-1") == ["Pxe"]


def test_a_machine_that_fails_does_not_block_the_power_of_others(small, bmc):
    """Although the others are switched on only after it has failed."""
    bmc.start()
    bmc.faults({"method": "PATCH", "path": machine(2)["uuid"], "delay": 4})
    declare(small, bmc, serial="LAB0002")
    done = small.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", check=False, PULUMI_CONTINUE_ON_ERROR="true")
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "has the serial LAB0001, and LAB0002 is declared" in text
    assert "Traceback" not in text and "unhandled" not in text, text
    assert (bmc.acts("node-1"), bmc.acts("node-2")) == ([], ["Pxe"])


def test_the_order_of_a_killed_run_is_withdrawn_when_its_generation_is_taken_back(small, bmc):
    """The engine is killed with its permits half given: the state has their journals alone."""
    names = ("node-1", "node-2")
    for system in bmc.systems:
        system["power_state"] = "On"
    bmc.start()
    words = ["pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(
        words, cwd=small.folder, env=small.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as engine:
        _until(lambda: {e["system"] for e in bmc.events("order")} == set(names))
        engine.kill()
        engine.stdout.read()
    # The machines still run, and whoever restarts one would install it.
    assert _armed(bmc) == dict.fromkeys(names, "Pxe")
    assert bmc.acts("node-1") == bmc.acts("node-2") == []
    small.pulumi("cancel", "dev", "--yes", check=False)

    declare(small, bmc, generation=0)
    planned = small.pulumi("preview", "--stack", "dev")
    assert "an order to boot from the network that no boot has used is withdrawn" in planned.stdout
    assert _armed(bmc) == dict.fromkeys(names, "Pxe")
    text = up(small)[1]
    for number in (1, 2):
        assert (
            f"{machine(number)['uuid']} of {bmc.url} was ordered to boot from the network by an earlier run; the order "
            "to boot from the network was withdrawn" in text
        )
    assert _armed(bmc) == dict.fromkeys(names, "")
    assert bmc.acts("node-1") == bmc.acts("node-2") == []


def _armed(bmc):
    """System to what it is ordered to boot."""
    return {e["system"]: e["armed"] for e in bmc.events("order")}


def _until(condition):
    end = time.monotonic() + deadline(120)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
