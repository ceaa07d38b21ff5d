"""An attack: a machine, a BMC or a server writes its texts to control the terminal of whoever reads them.

Each text tries to clear the screen, to set the terminal's title, to begin a line of its own in a log, and to turn the
direction of writing around. Nothing of that may leave the process that received the text.
"""

import asyncio
import base64
import io
import json
import sys
import urllib.error
from dataclasses import replace

import grpc
import pytest

from clients import helm, kubernetes, talos
from clients.talos import Client, NoAnswer, Running
from core.native import InputError
from core.printable import LINE_CHARACTERS
from provider import framework, progress, waiting
from provider.identity import judge
from provider.redfish import channel
from provider.redfish.access import Access
from provider.redfish.system import System
from tests.bmcs import PASSWORD, USER
from tests.provider.certificates import Pki
from tests.provider.redfish_standin import SYSTEM, standing_in
from tests.provider.talos_server import TalosServer, stream, unary
from tests.provider.test_identity import FOUND, Machine

EVIL = "\x1b[2J\x1b]0;pwned\x07\r\n+ fake line: up succeeded\u2028\u202e\x9b31m"
HARMLESS = r"\x1b[2J\x1b]0;pwned\x07 + fake line: up succeeded \u202e\x9b31m"


def harmless(text, limit=LINE_CHARACTERS):
    """The text, which is one printable line."""
    assert text.isprintable() and len(text) <= limit, text
    assert HARMLESS in text
    return text


def nothing(text):
    """A progress that nobody reads."""


# --- BMCs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bmc(tmp_path, monkeypatch):
    monkeypatch.setattr(channel, "GAP_SECONDS", 0.0)
    with standing_in(tmp_path) as made:
        yield made


def connected(bmc, system="1"):
    return System(Access(bmc.url, system, USER, PASSWORD, ca=bmc.pki.ca), 10.0, nothing)


def test_the_ids_of_a_bmcs_systems(bmc):
    bmc.documents["/redfish/v1/Systems"]["Members"] = [{"@odata.id": f"/redfish/v1/Systems/{EVIL}"}]
    with pytest.raises(framework.UserError, match=r"has no system 1; .*write one of its systems") as refused:
        connected(bmc)
    text = str(refused.value)
    assert text.isprintable() and r"\x1b[2J\x1b]0;pwned\x07 + fake line" in text


def test_a_bmc_with_many_systems_fills_no_screen(bmc):
    bmc.documents["/redfish/v1/Systems"]["Members"] = [
        {"@odata.id": f"/redfish/v1/Systems/{'x' * 900}{n}"} for n in range(900)
    ]
    with pytest.raises(framework.UserError) as refused:
        connected(bmc)
    assert len(str(refused.value)) <= LINE_CHARACTERS


def test_the_power_and_the_identity_that_a_bmc_reports(bmc):
    bmc.documents[SYSTEM] |= {"PowerState": EVIL, "SerialNumber": EVIL, "UUID": EVIL}
    system = connected(bmc)
    assert harmless(system.power(), 200) == HARMLESS
    assert harmless(system.identity().serial, 200) == HARMLESS
    assert system.identity().uuid == HARMLESS.lower()


def test_the_messages_of_a_bmc(bmc):
    bmc.documents[SYSTEM] = 400
    bmc.refusal = {"error": {"code": "Base.1.0.GeneralError", "message": EVIL}}
    with pytest.raises(framework.UserError, match="answers HTTP 400") as refused:
        connected(bmc)
    harmless(str(refused.value))


def test_a_bmc_that_repeats_the_password(bmc):
    bmc.documents[SYSTEM] |= {"PowerState": PASSWORD, "SerialNumber": f"S-{PASSWORD}"}
    system = connected(bmc)
    assert (system.power(), system.identity().serial) == ("***", "S-***")
    bmc.documents["/redfish/v1/Systems"]["Members"] = [{"@odata.id": f"/redfish/v1/Systems/{PASSWORD}"}]
    with pytest.raises(framework.UserError) as refused:
        connected(bmc)
    assert PASSWORD not in str(refused.value)


# --- Talos ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def refusing():
    """A Talos API that refuses each call in its own words."""

    def refuse(request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, EVIL)

    server = TalosServer(
        Pki(),
        {
            "machine.MachineService": {"Version": unary(refuse, "Empty", "VersionResponse")},
            "cosi.resource.State": {"List": stream(refuse, "ListRequest", "ListResponse")},
        },
    )
    yield server
    server.server.stop(0)


def client(server):
    parts = server.client()
    return Client(*(base64.b64decode(parts[part]) for part in ("caCertificate", "clientCertificate", "clientKey")))


def test_the_errors_of_a_talos_api(refusing):
    for ask in (client(refusing).version, client(refusing).hardware):
        with pytest.raises(NoAnswer, match="FAILED_PRECONDITION") as failed:
            ask(refusing.address)
        harmless(str(failed.value), 600)


def test_the_hardware_of_a_machine():
    disk = {"name": "sda", "size": 480 * 10**9, "serial": EVIL, "model": EVIL, "transport": "sata"}
    machine = Machine(replace(FOUND, serial=EVIL, disks=(disk,)), configured=True)
    try:
        hardware = client(machine).hardware(machine.address)
    finally:
        machine.server.stop(0)
    judged = judge({"serial": "CZJ1", "disk": {"serial": "OTHER"}}, hardware)
    harmless(judged.wrong[0])
    harmless(judged.missing[0])


def test_what_a_machine_reports_is_printable_wherever_it_goes():
    seen = Running(version=EVIL, schematic=EVIL, booted=1, stage=EVIL, contained=False)
    hardware = replace(FOUND, uuid=EVIL, macs=(EVIL,), disks=({"name": EVIL, EVIL: [EVIL]},), platform=EVIL)
    assert (seen.version, seen.schematic, seen.stage) == (HARMLESS, HARMLESS, HARMLESS)
    assert (hardware.uuid, hardware.macs, hardware.platform) == (HARMLESS, (HARMLESS,), HARMLESS)
    assert hardware.disks == ({"name": HARMLESS, HARMLESS: [HARMLESS]},)
    assert talos.schematic_of({"0": {"metadata": {"name": "schematic", "version": EVIL}}}) == HARMLESS


# --- Kubernetes -----------------------------------------------------------------------------------------------------


def status(message, causes=()):
    body = json.dumps({"kind": "Status", "message": message, "details": {"causes": [{"message": c} for c in causes]}})
    return urllib.error.HTTPError("https://api", 429, "Too Many Requests", {}, io.BytesIO(body.encode()))


def test_why_the_kubernetes_api_refuses():
    assert harmless(kubernetes.why(status(EVIL)), 500) == HARMLESS
    assert harmless(kubernetes.why(status("", [EVIL, EVIL])), 500) == f"{HARMLESS.removesuffix(' ')}; {HARMLESS}"
    assert len(kubernetes.why(status("x" * 100_000))) == 500
    assert harmless(kubernetes.why(urllib.error.URLError(EVIL)), 200) == HARMLESS
    assert HARMLESS in str(kubernetes.CredentialsRefused(f"https://{EVIL} refuses"))


def test_an_answer_that_a_gate_waits_for(quick):
    said = []
    with pytest.raises(framework.UserError, match="was not ok within") as failed:
        waiting.wait_until(lambda: (False, EVIL), "https://api/readyz was not ok", 0.2, "look at it", said.append)
    harmless(str(failed.value))
    assert said and all(harmless(line) for line in said)


def test_the_records_of_helm():
    record = helm.Record(EVIL, EVIL, EVIL)
    assert record.shown == f"{HARMLESS} ({HARMLESS})"
    assert HARMLESS in str(helm.ReleaseOccupied(f"chart version {EVIL} is deployed"))


# --- The plugin: whatever a resource type says, also where it forgot to make it printable ----------------------------


class Request:
    name, urn, type = "metal-cp-1", "urn:pulumi:dev::bedplate::x::metal-cp-1", "x"
    new_inputs = old_inputs = None


def test_each_error_and_each_line_of_progress(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["plugin"])
    progress.say(Request)(EVIL)
    assert capsys.readouterr().err == f"metal-cp-1: {HARMLESS}\n"
    assert str(framework.UserError(f"{EVIL}; why; what to do")) == f"{HARMLESS}; why; what to do"
    assert len(str(framework.UserError("x" * 100_000))) == LINE_CHARACTERS


class Forgetful:
    """A resource type that shows a stranger's text as it is."""

    class contract:
        secrets = ()

    def check(self, inputs, before=None):
        return [InputError("serial", f"is {EVIL}; why; what to do")]

    def describe_change(self, inputs, state=None):
        return f"one line\n    another line with \x1b[2J{EVIL.splitlines()[0]}"


def test_each_fault_of_a_check_and_each_line_of_a_plan(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["plugin"])
    plugin = framework.NativeProvider({"x": Forgetful()})
    (failure,) = asyncio.run(plugin.check(Request)).failures
    assert failure.reason == f"is {HARMLESS}; why; what to do"
    plugin._describe_change(Forgetful(), Request, {}, None)
    assert capsys.readouterr().err == (
        "metal-cp-1: one line\n    another line with \\x1b[2J\\x1b[2J\\x1b]0;pwned\\x07\n"
    )


def test_a_defect_that_quotes_an_answer(monkeypatch):
    async def crash(self, request, context):
        raise ValueError(EVIL)

    aborted = []

    class Context:
        async def abort(self, code, details):
            aborted.append((code, details))

    monkeypatch.setattr(framework._ORIGINAL, "Create", crash)
    asyncio.run(framework._without_traceback("Create")(None, None, Context()))
    assert aborted == [(grpc.StatusCode.UNKNOWN, f"unexpected ValueError: {HARMLESS}")]
