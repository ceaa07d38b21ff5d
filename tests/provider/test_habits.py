"""BMCs with the habits of their vendors: how they spell a machine, and where they keep what its next boot is from."""

import asyncio
import re

import pytest
from bmcs import PASSWORD, Bmc, machine

from provider import framework
from provider.redfish import channel, system
from provider.redfish.machine import access
from provider.resources import boot_permit
from tests.provider.behind import JOURNAL, POWER, inputs_of, permit, switch_on
from tests.provider.habits import VENDORS

LEFT = "; its BMC is armed: the next boot, whoever starts it, is from the network"


pytestmark = pytest.mark.usefixtures("quick_bmc")


@pytest.fixture(scope="module")
def rack(tmp_path_factory):
    """One BMC of many systems; each test takes one that no other test takes."""
    made = Bmc(tmp_path_factory.mktemp("rack"), [machine(number) for number in range(100)]).start()
    made.fresh = iter(range(100))
    yield made
    made.stop()


@pytest.fixture
def bmcs(rack):
    """A function that yields a BMC whose one system has these habits, and tells this of itself."""

    def start(told=None, **habits):
        rack.number = next(rack.fresh)
        rack.become(rack.number, told=told or {}, power_state="On", habits=habits)
        rack.forget()
        return rack

    return start


def inputs(bmc, **changes):
    return inputs_of(bmc, machine(bmc.number)["uuid"], **changes)


def path(bmc):
    return f"/redfish/v1/Systems/{machine(bmc.number)['uuid']}"


def who(bmc):
    return f"{machine(bmc.number)['uuid']} of {bmc.url}"


def acts(bmc):
    return bmc.acts(f"node-{bmc.number}")


def refusal(act, *args):
    with pytest.raises(framework.UserError) as failed:
        act(*args)
    return str(failed.value)


def armed(bmc):
    """What the system is ordered to boot, after the last request that changed it; empty if nothing."""
    orders = bmc.events("order", "boot")
    return orders[-1].get("armed", "") if orders else ""


def patched(bmc):
    return [e["path"].rsplit("/", 1)[-1] for e in bmc.events("request") if e["method"] == "PATCH"]


GOOD = sorted(set(VENDORS) - {"ami-forgetful"})


@pytest.mark.parametrize("vendor", GOOD)
def test_each_vendors_machine_boots_from_the_network_once(bmcs, vendor):
    bmc = bmcs(vendor=vendor)
    given = inputs(bmc)
    permit(given)
    assert armed(bmc) == "Pxe" and acts(bmc) == ["halt"]
    assert switch_on(given)["armed"] == ""
    (started,) = bmc.events("boot")
    assert (started["target"], started["mode"]) == ("Pxe", "UEFI")
    # By another process, which does not know where it was written: it is found there, and used up.
    boot_permit.HERE.clear()
    assert switch_on(given, {"generation": 1.0})["armed"] == ""


@pytest.mark.parametrize("vendor", GOOD)
def test_an_order_of_an_earlier_run_is_found_where_each_vendor_keeps_it(bmcs, vendor):
    bmc = bmcs(vendor=vendor)
    given = inputs(bmc)
    permit(given)
    boot_permit.HERE.clear()
    switch_on(given)
    assert acts(bmc) == ["halt", "Pxe"]


@pytest.mark.parametrize("vendor", GOOD)
def test_a_permit_that_fails_after_the_order_withdraws_it(bmcs, vendor):
    """The machine can't be switched off: its next boot, whoever starts it, must be as it was before."""
    bmc = bmcs(vendor=vendor)
    bmc.faults({"method": "POST", "path": "Reset", "status": 500, "count": 99})
    text = refusal(permit, inputs(bmc))
    assert "can't be switched off" in text and text.endswith("; the order to boot from the network was withdrawn")
    assert armed(bmc) == "" and acts(bmc) == []
    bmc.faults()
    permit(inputs(bmc))
    assert armed(bmc) == "Pxe"


@pytest.mark.parametrize("vendor", GOOD)
@pytest.mark.parametrize("habit", ["refuses_withdrawal", "ignores_withdrawal"])
def test_a_bmc_that_does_not_forget_is_named_with_what_it_is_armed_to_do(bmcs, vendor, habit):
    bmc = bmcs(vendor=vendor, **{habit: True})
    bmc.faults({"method": "POST", "path": "Reset", "status": 500, "count": 99})
    text = refusal(permit, inputs(bmc))
    where = path(bmc) if vendor.startswith("idrac9") else "/".join(filter(None, (path(bmc), VENDORS[vendor])))
    why = {
        "refuses_withdrawal": "its BMC refuses that with HTTP 400",
        # Some forms of the request are refused by the vendor.
        "ignores_withdrawal": "its BMC (accepts that, and does not do it|refuses that with HTTP 400)",
    }[habit]
    assert re.search(
        rf"; the order to boot from the network could not be withdrawn \({why}\), and its BMC is armed: ", text
    )
    assert text.endswith(
        f"the next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at {where}); withdraw it at the "
        "BMC before anybody starts the machine, or run up again"
    )
    assert armed(bmc) == "Pxe"


def test_a_bmc_that_does_not_answer_any_more_is_named_with_what_was_sent(bmcs, monkeypatch):
    monkeypatch.setattr(system, "WITHDRAW_SECONDS", 0.5)
    bmc = bmcs()

    def off(self):
        bmc.faults({"method": "GET", "path": path(bmc), "status": 503, "count": 999})
        raise framework.UserError("it could not be switched off; because; do")

    monkeypatch.setattr(system.System, "off", off)
    text = refusal(permit, inputs(bmc))
    assert text.startswith(
        "it could not be switched off; because; do; the order to boot from the network could not be "
    )
    assert text.endswith(
        "and its BMC may be armed: the next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at "
        f"{path(bmc)}); withdraw it at the BMC before anybody starts the machine, or run up again"
    )


def test_what_stood_there_before_is_put_back(bmcs):
    """An operator boots the machine from its disk only, always."""
    bmc = bmcs()
    behind = system.System(access(inputs(bmc)), 20, print)
    behind._connector.patch(
        behind._system.path,
        data={"Boot": {"BootSourceOverrideTarget": "Hdd", "BootSourceOverrideEnabled": "Continuous"}},
    )
    bmc.faults({"method": "POST", "path": "Reset", "status": 500, "count": 99})
    assert refusal(permit, inputs(bmc)).endswith("; the order to boot from the network was withdrawn")
    (place,) = behind._order._places.named()
    assert place.armed == "Hdd, Continuous"
    behind.close()


def test_an_order_that_was_there_already_is_named_and_not_left(bmcs):
    bmc, said = bmcs(), []
    permit(inputs(bmc))
    permit(inputs(bmc), said=said)
    assert any(
        line.startswith("found its BMC armed by an earlier run or by somebody else: the next boot, whoever starts it")
        for line in said
    )
    bmc.faults({"method": "POST", "path": "Reset", "status": 500, "count": 99})
    switch_on(inputs(bmc, generation=0.0))
    bmc.faults()
    bmc.become(bmc.number, power_state="On", once="Pxe")
    bmc.faults({"method": "POST", "path": "Reset", "status": 500, "count": 99})
    assert refusal(permit, inputs(bmc)).endswith("; the order to boot from the network was withdrawn")
    assert armed(bmc) == ""


def test_a_permit_that_is_refused_names_an_order_that_an_earlier_run_left(bmcs):
    bmc = bmcs()
    permit(inputs(bmc))
    text = refusal(permit, inputs(bmc, serial="OTHER"))
    assert f"has the serial {machine(bmc.number)['serial']}, and OTHER is declared" in text
    assert text.endswith(f"{LEFT} (Pxe, Once, UEFI, kept at {path(bmc)})")


@pytest.mark.parametrize("vendor", ["", *GOOD])
def test_a_look_names_what_a_bmc_is_armed_to_do(bmcs, vendor):
    bmc, said = bmcs(vendor=vendor), []
    permit(inputs(bmc))
    looked = switch_on(inputs(bmc, generation=0.0), said=said)
    assert looked["armed"].startswith(
        "the next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at "
    )
    assert said == [
        f"its BMC is armed, and not by this update: {looked['armed']}; if that is not yours, withdraw it at the BMC"
    ]
    assert asyncio.run(POWER.read("id", looked)) == looked
    assert armed(bmc) == "Pxe"


# The journal of a run that was killed


def journal(given, state, said):
    return asyncio.run(JOURNAL.update("id", state, given, said.append))


@pytest.mark.parametrize("vendor", ["", *GOOD])
def test_the_order_of_a_generation_that_is_taken_back_is_withdrawn(bmcs, vendor):
    """A run was killed while it gave the permit, and the stack file was changed back."""
    bmc, said = bmcs(vendor=vendor), []
    recorded = inputs(bmc, generation=2.0)
    permit(recorded)
    given = inputs(bmc, password=PASSWORD, timeoutSeconds=21.0)
    assert JOURNAL.describe_change(given, recorded) == (
        "its BMC is looked at: an order to boot from the network that no boot has used is withdrawn, because "
        "generation 2 is taken back"
    )
    assert journal(given, recorded, said) == given
    assert armed(bmc) == ""
    assert said == [
        f"{who(bmc)} was ordered to boot from the network by an earlier run; the "
        "order to boot from the network was withdrawn"
    ]
    journal(given, recorded, said)
    assert len(said) == 1


def test_a_generation_that_can_not_be_taken_back_stays_in_the_journal(bmcs):
    bmc = bmcs(ignores_withdrawal=True)
    recorded = inputs(bmc, generation=2.0)
    permit(recorded)
    said = []
    text = refusal(journal, inputs(bmc), recorded, said)
    assert (
        "could not be withdrawn (its BMC accepts that, and does not do it), and its BMC is armed: the next boot" in text
    )


def test_a_machine_that_leaves_with_an_unused_order_has_none_afterwards(bmcs):
    bmc, said = bmcs(), []
    given = inputs(bmc)
    permit(given)
    asyncio.run(JOURNAL.delete("id", given, said.append))
    assert armed(bmc) == "" and said == [
        f"{who(bmc)} was ordered to boot from the network, and no boot has used that; "
        "the order to boot from the network was withdrawn"
    ]


def test_a_machine_that_leaves_after_its_boot_is_not_looked_at(bmcs):
    bmc, said = bmcs(), []
    given = inputs(bmc)
    permit(given)
    state = switch_on(given)
    asyncio.run(POWER.delete("id", state, said.append))
    bmc.forget()
    for generation in (1.0, 0.0):
        asyncio.run(JOURNAL.delete("id", {**given, "generation": generation}, said.append))
    assert bmc.events() == [] and len(said) == 1
    # An order that came after that boot may be there.
    asyncio.run(JOURNAL.delete("id", {**given, "generation": 2.0}, said.append))
    assert bmc.events("request")


def test_a_bmc_that_is_gone_blocks_no_deletion(bmcs, monkeypatch):
    monkeypatch.setattr(channel, "UNREACHABLE_SECONDS", 0.1)
    bmc, said = bmcs(), []
    asyncio.run(JOURNAL.delete("id", inputs(bmc, url="https://127.0.0.1:1"), said.append))
    assert "whether its BMC is still armed is not known (https://127.0.0.1:1 is not reachable" in said[-1]


def test_a_higher_generation_is_recorded_and_asks_no_bmc(bmcs):
    bmc, said = bmcs(), []
    given = inputs(bmc, generation=3.0)
    assert asyncio.run(JOURNAL.create(given, said.append))[1] == given
    assert journal(given, inputs(bmc), said) == given
    assert (bmc.events(), said, JOURNAL.describe_change(given, inputs(bmc))) == ([], [], None)


# Modes


def test_a_mode_that_is_accepted_and_ignored_is_refused(bmcs):
    bmc = bmcs(ignores_mode=True)
    text = refusal(permit, inputs(bmc, bootMode="legacy"))
    assert text == (
        f"{machine(bmc.number)['uuid']} of {bmc.url} boots in mode UEFI and ignores mode legacy; it would load what "
        "can't start; write boot_mode: uefi, or set legacy in its firmware; the order to boot from the network was "
        "withdrawn"
    )
    assert (armed(bmc), acts(bmc)) == ("", [])


@pytest.mark.parametrize("vendor", ["ilo", "idrac10", "supermicro", "ami"])
def test_each_vendors_mode_is_compared(bmcs, vendor):
    bmc = bmcs(vendor=vendor, ignores_mode=True)
    if vendor == "supermicro":
        permit(inputs(bmc, bootMode="legacy"))
        return
    assert "mode UEFI and " in refusal(permit, inputs(bmc, bootMode="legacy"))
    assert (armed(bmc), acts(bmc)) == ("", [])


def test_a_bmc_that_keeps_the_target_alone_is_not_restarted(bmcs):
    bmc = bmcs(vendor="ami-forgetful")
    text = refusal(permit, inputs(bmc))
    assert "accepted a single boot from the network, but reports Pxe, Disabled; it would boot something else" in text
    assert (armed(bmc), acts(bmc)) == ("", [])


def test_a_machine_that_its_firmware_starts_takes_the_order_later(bmcs):
    bmc, said = bmcs(vendor="ilo", in_post=3), []
    permit(inputs(bmc), said=said)
    assert armed(bmc) == "Pxe"
    assert f"{bmc.url} takes no boot order while the firmware starts the machine; waiting for it" in said


@pytest.mark.parametrize(
    ("vendor", "places"),
    [
        ("idrac10", ["Settings"]),
        ("idrac9", ["Settings", "system"]),
        ("idrac9-shows-all", ["Settings", "Settings", "system"]),
        ("ami", ["SD"]),
        ("ami-unnamed", ["system", "SD"]),
        ("supermicro", ["system"]),
        ("ilo", ["system", "system"]),
    ],
)
def test_the_order_is_written_where_the_bmc_takes_it(bmcs, vendor, places):
    bmc = bmcs(vendor=vendor)
    permit(inputs(bmc))
    assert [last if last in ("Settings", "SD") else "system" for last in patched(bmc)] == places
