"""`fence`: a machine is off for certain before anything of it starts elsewhere, and never while it may be alive."""

import os
import traceback

import pytest
from bmcs import PASSWORD, USER, Bmc
from bmcs import machine as system_of

from core.nodes import differences
from operations.fence.steps import fence, release
from operations.fence.target import Refused
from provider import parent
from provider.redfish import fencing
from tests.operations.fencing import CORDON, TAINTED, Kubernetes, Talos, machine, node
from tests.provider.behind import inputs_of

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def rack(tmp_path_factory):
    made = Bmc(tmp_path_factory.mktemp("bmc"), [system_of(1), system_of(2)]).start()
    yield made
    made.stop()


@pytest.fixture
def bmc(rack):
    rack.faults()
    rack.become(1, power_state="On")
    rack.forget()
    return rack


@pytest.fixture
def quick(monkeypatch):
    for name in ("channel.GAP_SECONDS", "system.POLL_SECONDS", "fencing.CONFIRM_SECONDS"):
        monkeypatch.setattr(f"provider.redfish.{name}", 0.01)
    monkeypatch.setattr("provider.redfish.channel.BACKOFF_SECONDS", (0.05,))
    monkeypatch.setattr(fencing, "OFF_SECONDS", 20.0)


@pytest.fixture
def api(tmp_path):
    made = Kubernetes(tmp_path, node("wk-1"), node("wk-2", "Unknown", taints=[CORDON]), node("wk-3"))
    made.lists["virtualmachineinstances"] = [
        {"metadata": {"namespace": "vms", "name": "web"}, "spec": {}, "status": {"nodeName": "wk-2"}},
        {"metadata": {"namespace": "vms", "name": "far"}, "spec": {}, "status": {"nodeName": "wk-1"}},
    ]
    made.lists["virtualmachines"] = [
        {"metadata": {"namespace": "vms", "name": "web"}, "spec": {"runStrategy": "Always"}}
    ]
    return made


def power(bmc, number=1, **changes):
    """The outputs of a machine's Power in a state."""
    given = system_of(number)
    identity = {"uuid": given["uuid"], "serial": given["serial"], "macs": []}
    return {**inputs_of(bmc, system_of(1)["uuid"]), "identity": identity, "power": "On", **changes}


def run(target, act=True, step=fence):
    said = []
    step(target, act, said.append)
    return "\n".join(said)


def refused(target, act=True, step=fence):
    with pytest.raises(Refused) as told:
        run(target, act, step)
    text = str(told.value)
    assert "\n" not in text and PASSWORD not in text and USER not in text
    return text


def untouched(bmc, api):
    """Nothing was switched, and no Node was changed."""
    return bmc.acts() == [] and not api.bodies


def test_it_is_off_twice_before_its_node_gets_the_taint(bmc, api):
    shown = run(machine(api, power(bmc)))
    [halt] = bmc.events("halt")
    reads = [event["at"] for event in bmc.events("request") if event["method"] == "GET"]
    assert sum(halt["at"] < at < api.times["PATCH"] for at in reads) >= 2
    assert not [at for at in reads if at > api.times["PATCH"]]
    assert api.taints() == [CORDON, TAINTED]
    assert "wk-2 is off: its BMC reported it twice" in shown
    assert "VM vms/web starts on another machine that has room" in shown
    assert "vms/far" not in shown
    assert PASSWORD not in shown and USER not in shown


def test_without_yes_nothing_is_changed(bmc, api):
    shown = run(machine(api, power(bmc)), act=False)
    assert untouched(bmc, api)
    assert {event["method"] for event in bmc.events("request")} == {"GET"}
    assert "would be switched off by its BMC, which reports On" in shown
    assert "VM vms/web starts" in shown and shown.endswith("run the same command with --yes")


def test_done_again_it_changes_nothing_more(bmc, api):
    run(machine(api, power(bmc)))
    assert "wk-2 still has the taint" in run(machine(api, power(bmc, power="Off")))
    assert bmc.acts() == ["halt"]
    assert api.taints() == [CORDON, TAINTED]


def ready(api):
    api.nodes["wk-2"] = node("wk-2")


def renewed(api):
    api.silent = 12.0


def in_the_future(api):
    api.silent = -30.0


def gone(api):
    del api.nodes["wk-2"]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (ready, "wk-2 is alive, because its Node is Ready; to empty it: kubectl drain wk-2"),
        (renewed, "wk-2 may be alive, because its kubelet renewed its lease 12 s ago"),
        (in_the_future, "renewed its lease 30 s in the future of this computer's clock"),
        (gone, "wk-2 has no Node in Kubernetes"),
    ],
)
@pytest.mark.parametrize("act", [True, False])
def test_one_that_may_be_alive_is_refused(bmc, api, happens, reason, act):
    happens(api)
    assert reason in refused(machine(api, power(bmc)), act)
    assert untouched(bmc, api)


def test_one_whose_talos_api_answers_is_refused(bmc, api):
    reason = refused(machine(api, power(bmc), client=Talos(answers=True)))
    assert reason.startswith("wk-2 is alive, because its Talos API answers at 10.20.0.22; restart it with talosctl -n")
    assert untouched(bmc, api)


def test_one_without_a_bmc_is_refused(bmc, api):
    assert refused(machine(api, None)).startswith("wk-2 has no bmc, or had none at the last up")
    assert untouched(bmc, api)


@pytest.mark.parametrize(
    ("planes", "well", "fine"),
    [
        (("wk-2",), (), False),
        (("wk-1", "wk-2"), ("wk-1",), False),
        (("wk-1", "wk-2", "wk-3"), ("wk-1",), False),
        (("wk-1", "wk-2", "wk-3"), ("wk-1", "wk-3"), True),
    ],
)
def test_a_control_plane_is_switched_off_only_if_the_others_have_the_quorum(bmc, api, planes, well, fine):
    for name in {"wk-1", "wk-3"} - set(well):
        api.nodes[name] = node(name, "False")
    target = machine(api, power(bmc), control_planes=planes)
    if fine:
        assert "wk-2 has got the taint" in run(target)
    else:
        needed = len(planes) // 2 + 1
        assert f"{len(well)} of {len(planes)} are Ready, where etcd needs {needed}; the whole" in refused(target)
        assert untouched(bmc, api)


def test_a_bmc_that_reports_off_and_then_on_gets_no_taint(bmc, api, monkeypatch):
    monkeypatch.setattr(fencing, "sleep", lambda seconds: bmc.become(1, power_state="On"))
    reason = refused(machine(api, power(bmc)))
    assert "is not known to be off, because its BMC reported Off, and On " in reason
    assert "it gets no taint" in reason
    assert bmc.acts() == ["halt"] and not api.bodies


def test_a_machine_that_never_goes_off_gets_no_taint(bmc, api, monkeypatch):
    monkeypatch.setattr(fencing, "OFF_SECONDS", 1.5)
    bmc.become(1, power_state="On", habits={"never_stops": True})
    reason = refused(machine(api, power(bmc)))
    assert "could not be switched off within 2 s (its BMC reports: On)" in reason
    assert "run up again" not in reason and not api.bodies


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "https://127.0.0.1:9"}, "because https://127.0.0.1:9 "),
        ({"password": "another-password"}, "refuses these credentials (HTTP 401)"),
        ({"system": "elsewhere"}, "has no system elsewhere"),
    ],
)
def test_a_bmc_that_can_not_be_used_gets_no_taint(bmc, api, changes, reason, monkeypatch):
    monkeypatch.setattr(fencing, "OFF_SECONDS", 2.0)
    shown = refused(machine(api, power(bmc, **changes)))
    assert reason in shown and "it gets no taint" in shown and "docs/runbooks/dead-machine.md" in shown
    assert "another-password" not in shown
    assert untouched(bmc, api)


def test_other_hardware_behind_its_bmc_stays_on(bmc, api):
    assert "and it was 27946b59-9e44-4fa7-8e91-000000000002 at the last up" in refused(machine(api, power(bmc, 2)))
    declared = power(bmc, uuid=system_of(2)["uuid"])
    assert "and 27946b59-9e44-4fa7-8e91-000000000002 is declared" in refused(machine(api, declared))
    assert untouched(bmc, api)


def test_one_that_goes_on_after_its_bmc_switched_something_off_gets_no_taint(bmc, api, monkeypatch):
    monkeypatch.setattr(fencing, "sleep", lambda seconds: setattr(api, "silent", 3.0))
    assert "what its BMC has switched off is another machine" in refused(machine(api, power(bmc)))
    assert not api.bodies


def test_an_api_that_fails_after_the_machine_is_off_is_named(bmc, api, monkeypatch):
    answer = api.do
    monkeypatch.setattr(api, "do", lambda m, *rest: (500, {"message": "etcd"}) if m == "PATCH" else answer(m, *rest))
    assert refused(machine(api, power(bmc))) == (
        "the Node wk-2 can't be changed by the Kubernetes API: etcd; wk-2 is off, and has no taint yet; run this again"
    )


def killed(bmc, api, at):
    """Run fence in a process that dies at a request to its BMC, or (0) at its change of the Node. Whether it died."""
    go, wait = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.read(go, 1)
            parent._engine = os.getppid()
            run(machine(api, power(bmc)))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    if at:
        bmc.faults({"kill": child, "at": at})
    else:
        api.kills = child
    os.write(wait, b"x")
    _, status = os.waitpid(child, 0)
    api.kills = None
    bmc.faults()
    return os.WIFSIGNALED(status)


def test_killed_at_any_request_it_goes_on_from_there(bmc, api):
    for at in range(40):
        bmc.become(1, power_state="On")
        bmc.forget()
        api.nodes["wk-2"] = node("wk-2", "Unknown", taints=[CORDON])
        died = killed(bmc, api, at)
        assert TAINTED not in api.taints() or bmc.acts() == ["halt"]
        assert died or at > 5
        run(machine(api, power(bmc)))
        assert (bmc.acts(), api.taints()) == (["halt"], [CORDON, TAINTED])
        if not died:
            return
    raise AssertionError("it sends more requests than expected")


def test_one_that_is_back_loses_this_taint_alone(bmc, api):
    api.nodes["wk-2"] = node("wk-2", taints=[TAINTED, CORDON])
    assert "would lose the taint" in run(machine(api, None), False, release)
    assert not api.bodies
    assert "has lost the taint" in run(machine(api, None), True, release)
    assert api.taints() == [CORDON]
    assert "there is nothing to remove" in run(machine(api, None), True, release)


def test_one_that_is_not_ready_keeps_its_taint(bmc, api):
    api.nodes["wk-2"] = node("wk-2", "Unknown", taints=[TAINTED])
    assert "the Node wk-2 is not Ready, so the taint stays" in refused(machine(api, None), True, release)
    assert api.taints() == [TAINTED]


def test_one_that_is_back_is_sent_to_return(bmc, api):
    api.nodes["wk-2"] = node("wk-2", taints=[TAINTED])
    assert refused(machine(api, power(bmc))).endswith("./bedplate fence STACK wk-2 --return")


def test_drift_does_not_report_the_taint():
    declared = {"labels": {}, "annotations": {}, "taints": {"dedicated": "vms:NoSchedule"}}
    own = {"key": "dedicated", "value": "vms", "effect": "NoSchedule"}
    assert differences(declared, node("wk-2", taints=[own, TAINTED])) == []


def test_taints_that_others_set_meanwhile_stay(bmc, api):
    api.meanwhile = [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoSchedule"}]
    run(machine(api, power(bmc)))
    assert sorted(taint["key"] for taint in api.taints()) == sorted(["a", "b", TAINTED["key"], CORDON["key"]])


def test_without_kubevirt_only_the_taint_is_set(bmc, api):
    api.kubevirt = False
    assert "no virtual machine is on wk-2" in run(machine(api, power(bmc)))
