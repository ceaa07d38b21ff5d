"""A machine's power, against a Redfish service on this machine whose systems are as difficult as real ones."""

import asyncio
import itertools
import re
import threading
import time

import pytest
from bmcs import PASSWORD, Bmc, Pki, machine

from provider import framework
from provider.redfish import channel, system
from provider.redfish.machine import access
from provider.resources import boot_permit, power
from tests.provider.behind import PERMIT, POWER, acts, inputs_of

HABITS = {
    4: {"refuses_mode": True}, 5: {"future_state": True}, 6: {"forgets_once": True},
    7: {"never_starts": True}, 8: {"boots_slowly": 1}, 9: {"boots_slowly": 1}, 10: {"forgets_with_power": True},
}  # fmt: skip
PLAIN = iter(range(20, 90))


@pytest.fixture(scope="module")
def bmc(tmp_path_factory):
    made = Bmc(tmp_path_factory.mktemp("bmc"), [machine(n, **HABITS.get(n, {})) for n in range(1, 90)]).start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch, bmc, quick_bmc):
    bmc.faults()
    monkeypatch.setattr(system, "SAY_SECONDS", 0.2)
    # Some of these machines come on after a second.
    monkeypatch.setattr(power, "COMING_SECONDS", 1.5)


def inputs(bmc, number=None, **changes):
    """What the program gives for a machine; one that no test used before, where no number is given."""
    return inputs_of(bmc, machine(next(PLAIN) if number is None else number)["uuid"], **changes)


def asked(bmc, given, method):
    return [e for e in bmc.events("request") if e["method"] == method and given["system"] in e["path"]]


def create(given, said=None):
    """A permit, and the power that uses it, as the engine makes them."""
    told = said.append if said is not None else lambda text: None
    allow(given, told)
    assert POWER.check(given) == []
    return asyncio.run(POWER.create(given, told))[1]


def allow(given, told=lambda text: None):
    assert PERMIT.check(given) == []
    outputs = asyncio.run(PERMIT.create(given, told))[1]
    assert {name: value for name, value in outputs.items() if name in given} == given
    assert outputs.keys() - given.keys() == {"identity", "matched"}


def switch_on(given, said=None):
    """What a run does that finds the permit in the state: in a process of its own."""
    boot_permit.HERE.clear()
    return asyncio.run(POWER.create(given, said.append if said is not None else lambda text: None))[1]


def update(state, given):
    assert POWER.check(given, state) == []
    asyncio.run(PERMIT.update("id", state, given, lambda text: None))
    return asyncio.run(POWER.update("id", state, given, lambda text: None))


def refused(given):
    with pytest.raises(framework.UserError) as told:
        create(given)
    text = str(told.value)
    assert "\n" not in text and text.count("; ") >= 2
    assert given["password"] not in text and given["username"] not in text.split()
    return text


def test_a_machine_that_is_off_boots_from_the_network_once_and_is_on(bmc):
    given = inputs(bmc, 1)
    outputs = create(given)
    assert bmc.acts("node-1") == ["Pxe"]
    assert outputs == {
        **given,
        "identity": {"uuid": machine(1)["uuid"], "serial": "LAB0001", "macs": ["52:54:00:77:00:01"]},
        "matched": {},
        "armed": "",
        "lastBoot": "from the network, once, uefi, for generation 1",
        "power": "On",
    }


def test_a_machine_that_runs_is_switched_off_first(bmc):
    given = inputs(bmc)
    create(given)
    create(given)
    assert acts(bmc, given) == ["Pxe", "halt", "Pxe"]


def test_a_permit_boots_nothing_and_may_be_made_again(bmc):
    """By a run that comes after one that was killed before it was written down."""
    given = inputs(bmc)
    for _ in range(3):
        allow(given)
    assert acts(bmc, given) == []
    switch_on(given)
    assert acts(bmc, given) == ["Pxe"]


def test_a_run_that_was_killed_after_the_switch_boots_it_no_second_time(bmc):
    given, said = inputs(bmc), []
    allow(given)
    switch_on(given)
    assert switch_on(given, said)["power"] == "On"
    assert acts(bmc, given) == ["Pxe"]
    assert (
        said[-1] == "is already on: it booted from the network, once, uefi, for generation 1, and is not booted again"
    )


def test_a_machine_that_was_just_switched_on_is_waited_for_and_not_booted_again(bmc):
    """Killed between the switch and the moment at which a slow BMC tells that it is on."""
    given = inputs(bmc, 9)
    allow(given)
    behind = system.System(access(given), 20, lambda text: None)
    behind._connector.post(f"{behind._system.path}/Actions/ComputerSystem.Reset", data={"ResetType": "On"})
    assert behind.power() == "Off" and not behind.ordered("uefi")
    behind.close()
    assert switch_on(given)["power"] == "On"
    assert bmc.acts("node-9") == ["Pxe"]


def test_a_machine_that_may_have_booted_is_left_to_a_person(bmc):
    given = inputs(bmc)
    allow(given)
    switch_on(given)
    switched(given, "off")
    with pytest.raises(framework.UserError) as told:
        switch_on(given)
    assert str(told.value) == (
        f"{given['system']} of {bmc.url} is off, and its BMC has forgotten that an earlier run ordered a boot from the "
        "network for generation 1; it may have booted in between, and would be installed a second time; look at the "
        "machine, and write "
        "install.generation 2 to boot it from the network now"
    )
    assert acts(bmc, given) == ["Pxe", "halt"]
    update(given, {**given, "generation": 2.0})
    assert acts(bmc, given) == ["Pxe", "halt", "Pxe"]


def test_a_bmc_that_forgets_before_it_is_the_machines_turn_is_told_again(bmc):
    """Where the very same run gave the permit, nobody else can have used it."""
    given, said = inputs(bmc), []
    allow(given)
    forget_order(given)
    assert asyncio.run(POWER.create(given, said.append))[1]["power"] == "On"
    assert acts(bmc, given) == ["Pxe"]
    assert f"{bmc.url} has forgotten the order to boot from the network, so it is sent again" in said


def test_a_bmc_that_forgets_with_the_power_is_told_again(bmc):
    given = inputs(bmc, 10)
    create(given)
    allow(given)
    switch_on(given)
    assert bmc.acts("node-10") == ["Pxe", "halt", "Pxe"]


def switched(given, what):
    behind = system.System(access(given), 20, lambda text: None)
    getattr(behind, what)()
    behind.close()


def forget_order(given):
    behind = system.System(access(given), 20, lambda text: None)
    behind._connector.patch(behind._system.path, data={"Boot": {"BootSourceOverrideEnabled": "Disabled"}})
    assert not behind.ordered("uefi")
    behind.close()


def test_the_order_to_boot_from_the_network_holds_once(bmc):
    given = inputs(bmc)
    create(given)
    switched(given, "off")
    switched(given, "on")
    assert acts(bmc, given) == ["Pxe", "halt", "Hdd"]


def test_a_machine_in_legacy_mode_is_told_so(bmc):
    given = inputs(bmc, bootMode="legacy")
    create(given)
    (boot,) = [e for e in bmc.events("boot") if e["system"] == f"node-{int(given['system'][-2:])}"]
    assert (boot["target"], boot["mode"]) == ("Pxe", "Legacy")


def test_only_a_raised_generation_boots_again(bmc):
    given = inputs(bmc)
    state = create(given)
    looked = update(state, {**given, "bootMode": "legacy", "timeoutSeconds": 30.0})
    assert acts(bmc, given) == ["Pxe"] and looked["lastBoot"] == state["lastBoot"]
    raised = update(looked, {**given, "generation": 3.0})
    assert acts(bmc, given) == ["Pxe", "halt", "Pxe"]
    assert raised["lastBoot"] == "from the network, once, uefi, for generation 3"


def test_a_lowered_generation_is_refused_in_the_plan(bmc):
    given = inputs(bmc)
    (wrong,) = POWER.check({**given, "generation": 2.0}, {**given, "generation": 3.0})
    assert (wrong.property, wrong.reason) == (
        "generation",
        "goes from 3 back to 2; the machine was installed for 3, and that can't be undone; write 3, or 4 to install "
        "it again",
    )


def test_generation_0_only_looks(bmc):
    given = inputs(bmc, generation=0.0)
    outputs = create(given)
    assert acts(bmc, given) == [] and asked(bmc, given, "PATCH") == []
    assert (outputs["power"], outputs["lastBoot"]) == ("Off", "none by Bedplate: generation 0 permits no installation")


@pytest.mark.parametrize(
    ("name", "declared", "real"),
    [
        ("uuid", "4c4c4544-0000-1000-8000-000000000000", "27946b59-9e44-4fa7-8e91-000000000002"),
        ("serial", "OTHER1", "LAB0002"),
    ],
)
def test_other_hardware_than_the_declared_is_left_alone(bmc, name, declared, real):
    assert refused(inputs(bmc, 2, **{name: declared})) == (
        f"{machine(2)['uuid']} of {bmc.url} has the {name} {real}, and {declared} is declared; another machine would "
        "be "
        "erased; correct bmc.url and bmc.system, or the declared hardware"
    )
    assert bmc.acts("node-2") == [] and asked(bmc, inputs(bmc, 2), "PATCH") == []


def test_the_declared_hardware_is_recognized_in_every_spelling(bmc):
    given = inputs(bmc)
    number = int(given["system"][-2:])
    create({**given, "uuid": given["system"].upper(), "serial": machine(number)["serial"]})
    assert acts(bmc, given) == ["Pxe"]


def test_exchanged_hardware_that_nobody_declared_needs_a_permit(bmc):
    given = inputs(bmc)
    state = create(given)
    state["identity"] = {**state["identity"], "uuid": machine(3)["uuid"]}
    with pytest.raises(framework.UserError) as told:
        update(state, {**given, "timeoutSeconds": 30.0})
    assert str(told.value) == (
        f"{given['system']} of {bmc.url} has the uuid {given['system']}, and {machine(3)['uuid']} was installed; the "
        "new "
        "machine has nothing on it; write install.generation 2 to install it, or correct bmc.url"
    )
    update(state, {**given, "generation": 2.0})
    assert acts(bmc, given) == ["Pxe", "halt", "Pxe"]


def test_wrong_credentials_are_told_once_and_the_right_ones_converge(bmc):
    given = inputs(bmc)
    assert refused({**given, "password": "wrong-password-1"}) == (
        f"{bmc.url} refuses these credentials (HTTP 401); the machine can be neither identified nor switched; set the "
        "right ones with: ./bedplate pulumi config set --secret --path 'bedplate:bmc.password' --stack STACK"
    )
    assert acts(bmc, given) == []
    create(given)
    assert acts(bmc, given) == ["Pxe"]


def test_a_user_with_too_low_a_role_is_told_so(bmc):
    given = inputs(bmc)
    bmc.faults({"method": "PATCH", "path": given["system"], "status": 403, "count": 9})
    assert refused(given) == (
        f"{bmc.url} accepts this user, but {given['system']} can't be set to boot from the network (HTTP 403); the "
        "user's "
        "role is too low; give it the role Operator"
    )


def test_a_certificate_of_another_authority_gets_no_password(bmc):
    before = len(bmc.events("request"))
    assert refused(inputs(bmc, ca=Pki.make().ca)) == (
        f"{bmc.url} shows a certificate that is not trusted (unable to get local issuer certificate); the password "
        "must not go to another device; write the ca that signed it, or pin its fingerprint"
    )
    assert len(bmc.events("request")) == before


def test_a_pinned_certificate_is_trusted_and_no_other(bmc):
    given = inputs(bmc, ca=None, fingerprint=":".join(f"{b:02X}" for b in bytes.fromhex(bmc.pki.fingerprint)))
    create(given)
    assert acts(bmc, given) == ["Pxe"]
    before = len(bmc.events("request"))
    assert refused({**given, "fingerprint": "ab" * 32}) == (
        f"{bmc.url} shows a certificate with the fingerprint {bmc.pki.fingerprint}, and {'ab' * 32} is pinned; the "
        "password "
        "must not go to another device; check on the BMC's console that the certificate is its own, and pin it"
    )
    assert len(bmc.events("request")) == before


def test_a_bmc_with_neither_ca_nor_fingerprint_must_be_trusted_by_this_computer(bmc):
    assert "shows a certificate that is not trusted (" in refused(inputs(bmc, ca=None))


def test_a_bmc_that_hangs_is_given_up_in_time_and_a_second_run_converges(bmc, monkeypatch):
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 1.0)
    given = inputs(bmc, timeoutSeconds=2.5)
    bmc.faults({"method": "GET", "path": given["system"], "delay": 5, "count": 9})
    start = time.monotonic()
    text = refused(given)
    assert time.monotonic() - start < 20
    assert text.startswith(
        f"{bmc.url} did not answer as it should within 2 s (last: no answer to GET "
        f"/redfish/v1/Systems/{given['system']} in "
    )
    assert text.endswith(
        "; a BMC that hangs answers again after a cold reset of the BMC, which leaves the machine running; reset it, "
        "and run up again"
    )
    bmc.faults()
    create({**given, "timeoutSeconds": 20.0})
    assert acts(bmc, given) == ["Pxe"]


def test_a_switch_that_was_not_answered_is_not_thrown_twice(bmc, monkeypatch):
    given = inputs(bmc)
    create(given)
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.5)
    bmc.faults({"method": "POST", "path": given["system"], "delay": 1, "count": 9})
    said = []
    create(given, said)
    assert acts(bmc, given) == ["Pxe", "halt", "Pxe"]
    assert len(asked(bmc, given, "POST")) == 3
    assert (
        f"{bmc.url} did not confirm that the machine will be switched on (no answer to POST "
        f"/redfish/v1/Systems/{given['system']}/Actions/ComputerSystem.Reset in 0 s); reading its power" in said
    )


def test_a_bmc_that_takes_no_boot_mode_is_asked_without(bmc):
    said = []
    create(inputs(bmc, 4), said)
    assert bmc.acts("node-4") == ["Pxe"]
    assert f"{bmc.url} refuses the boot mode (HTTP 400); retrying without a mode" in said


def test_a_machine_that_refuses_the_boot_mode_it_needs_is_not_restarted(bmc):
    before = bmc.acts("node-4")
    given = inputs(bmc, 4, bootMode="legacy")
    assert refused(given) == (
        f"{given['system']} of {bmc.url} boots in mode UEFI and refuses mode legacy; it would load what can't start; "
        "write boot_mode: uefi, or set legacy in its firmware; the order to boot from the network was withdrawn"
    )
    assert bmc.acts("node-4") == before


def test_a_bmc_that_wants_the_etag_of_its_state_to_come_gets_it(bmc):
    given = inputs(bmc, 5)
    create(given)
    assert bmc.acts("node-5") == ["Pxe"]
    assert [e["path"].rsplit("/", 1)[-1] for e in asked(bmc, given, "PATCH")] == [given["system"], "SD"]


def test_a_bmc_that_would_boot_from_the_network_for_ever_is_not_restarted(bmc):
    given = inputs(bmc, 6)
    assert refused(given) == (
        f"{given['system']} of {bmc.url} accepted a single boot from the network, but reports Pxe, Continuous; it "
        "would boot something else, or install again at every boot; look for newer firmware, or boot it by hand; the "
        "order to boot from the network was withdrawn"
    )
    assert bmc.acts("node-6") == []


def test_a_machine_that_does_not_come_on_is_waited_for_in_sight_and_not_for_ever(bmc):
    given, said = inputs(bmc, 7, timeoutSeconds=2.0), []
    with pytest.raises(framework.UserError) as told:
        create(given, said)
    assert str(told.value) == (
        f"{given['system']} of {bmc.url} could not be switched on within 2 s (its BMC reports: Off); resources that "
        "depend on it are not created; check its console and its power supply, and run up again; its BMC is armed: the "
        "next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at "
        f"/redfish/v1/Systems/{given['system']})"
    )
    assert any(
        line.startswith(f"waiting for {given['system']} to be switched on, ") and line.endswith(" s (it is Off)")
        for line in said
    )


def test_a_machine_that_comes_on_late_is_waited_for(bmc):
    assert create(inputs(bmc, 8))["power"] == "On"
    assert bmc.acts("node-8") == ["Pxe"]


def test_a_busy_bmc_is_asked_again_when_it_says_and_not_before(bmc):
    given, said = inputs(bmc), []
    bmc.faults(
        {"method": "GET", "path": given["system"], "status": 503, "headers": {"Retry-After": "1"}},
        {"method": "PATCH", "path": given["system"], "status": 503, "count": 2},
        {"method": "POST", "path": given["system"], "status": 503, "count": 2},
    )
    create(given, said)
    assert acts(bmc, given) == ["Pxe"]
    first, second = asked(bmc, given, "GET")[:2]
    assert second["at"] - first["at"] >= 1
    busy = f"{bmc.url} is busy or unreachable (HTTP 503 to GET /redfish/v1/Systems/{given['system']})"
    assert said[0] == f"{busy}; retrying in 1 s"


def test_a_bmc_that_stays_busy_is_given_up_in_time_and_a_second_run_converges(bmc):
    given = inputs(bmc, timeoutSeconds=4.0)
    bmc.faults({"method": "PATCH", "path": given["system"], "status": 503, "count": 9999})
    # The deadline may also fall into the last request.
    assert re.match(
        rf"{re.escape(bmc.url)} did not answer as it should within 4 s \(last: (HTTP 503|no answer) to PATCH "
        rf"/redfish/v1/Systems/{given['system']}( in \d s)?\); ",
        refused(given),
    )
    bmc.faults()
    create({**given, "timeoutSeconds": 20.0})
    assert acts(bmc, given) == ["Pxe"]


def test_a_bmc_that_asks_for_more_patience_than_there_is_ends_at_once(bmc):
    given = inputs(bmc)
    bmc.faults({"method": "GET", "path": given["system"], "status": 503, "headers": {"Retry-After": "3600"}})
    start = time.monotonic()
    assert "(last: HTTP 503 to GET" in refused(given)
    # And not at its deadline, after 20 s.
    assert time.monotonic() - start < 15


def test_a_system_that_is_not_there_is_told_with_those_that_are(tmp_path):
    small = Bmc(tmp_path, [machine(1), machine(2)]).start()
    try:
        text = refused(inputs(small, 1, system="System.Embedded.1"))
    finally:
        small.stop()
    assert text == (
        f"{small.url} has no system System.Embedded.1; the machine can be neither identified nor switched; write one "
        "of its "
        f"systems as bmc.system: {machine(1)['uuid']}, {machine(2)['uuid']}"
    )


def test_what_is_no_redfish_service_is_told_as_such(bmc):
    bmc.faults({"method": "GET", "path": "/redfish/v1", "status": 200, "count": 9})
    text = refused(inputs(bmc))
    assert text.startswith(f"{bmc.url} does not answer as Redfish requires, and ")


def test_a_refusal_that_repeats_the_password_is_shown_without(bmc):
    given = inputs(bmc)
    bmc.faults({"method": "PATCH", "path": given["system"], "status": 418, "message": f"no, {PASSWORD}!"})
    assert refused(given) == (
        f"{bmc.url} answers HTTP 418, and {given['system']} can't be set to boot from the network (no, ***!); the "
        "request "
        "follows the Redfish standard; look at the BMC's log, and for newer firmware"
    )


def test_no_proxy_and_no_netrc_of_the_environment_comes_between(bmc, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    create(inputs(bmc))


def test_one_bmc_is_asked_one_thing_at_a_time_with_a_pause_between(bmc, monkeypatch):
    monkeypatch.setattr(channel, "GAP_SECONDS", 0.1)
    bmc.forget()
    both = [threading.Thread(target=create, args=(inputs(bmc, generation=0.0),)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    times = [e["at"] for e in bmc.events("request")]
    assert len(times) >= 10
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.095


def test_reading_shows_power_and_other_hardware_and_switches_nothing(bmc):
    given = inputs(bmc)
    state = create({**given, "serial": machine(int(given["system"][-2:]))["serial"]})
    assert asyncio.run(POWER.read("id", state)) == state
    seen = asyncio.run(POWER.read("id", {**state, "serial": "EARLIER", "power": "Off"}))
    assert (seen["serial"], seen["identity"]["serial"], seen["power"]) == (state["serial"], state["serial"], "On")
    assert acts(bmc, given) == ["Pxe"]


def test_deleting_leaves_the_machine_on_and_says_so(bmc):
    given, said = inputs(bmc), []
    state = create(given)
    before = len(bmc.events("request"))
    asyncio.run(POWER.delete("id", state, said.append))
    assert said == [
        f"{given['system']} of {bmc.url} is left running; switch it off by its BMC if it is not needed any more"
    ]
    assert len(bmc.events("request")) == before and acts(bmc, given) == ["Pxe"]


def test_one_that_was_fenced_is_left_off_by_every_up_without_a_higher_generation(bmc):
    given = inputs(bmc)
    state = create(given)
    bmc.become(int(given["system"][-2:]), power_state="Off")
    bmc.forget()
    assert update(state, {**given, "timeoutSeconds": 30.0})["power"] == "Off"
    assert POWER.plan({**given, "generation": 2.0}, state)["power"] == "On"
    assert "boots from the network, once" in POWER.describe_change({**given, "generation": 2.0}, state)
    assert acts(bmc, given) == [] and asked(bmc, given, "POST") == []
