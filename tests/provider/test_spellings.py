"""One machine, two tellers: a serial number in one of two fields of its BMC, and a UUID in either byte order."""

import asyncio

import pytest
from bmcs import Bmc, machine
from hypothesis import given
from hypothesis import strategies as st

from clients.talos import Hardware
from core.facts.hardware import (
    AS_DECLARED,
    SERIAL_NUMBER,
    SKU,
    SWAPPED,
    Serials,
    swapped,
    uuid_key,
    uuid_spelling,
)
from provider import framework
from provider.identity import PAIRED, judge
from provider.pairing import Pairing, require_same
from provider.redfish import system
from tests.provider.behind import PERMIT, POWER, acts, inputs_of, permit, switch_on

pytestmark = pytest.mark.usefixtures("quick_bmc")
BOARD, TAG = "CNIVC0012300A1", "7XK2B34"
DELL = {"SerialNumber": BOARD, "SKU": TAG, "Manufacturer": "Dell Inc.", "Model": "PowerEdge R570"}
PLAIN, OTHER = "005cb4e7-0989-eb11-8000-7cc255106afe", "e7b45c00-8909-11eb-8000-7cc255106afe"


def test_the_bytes_of_three_fields_are_swapped():
    """The pair of a real board, before and after an update of its firmware."""
    assert swapped(PLAIN) == OTHER and swapped(OTHER.upper()) == PLAIN
    assert (uuid_spelling(PLAIN, PLAIN.upper()), uuid_spelling(PLAIN, OTHER)) == (AS_DECLARED, SWAPPED)


@given(st.uuids(), st.uuids())
def test_a_uuid_has_two_spellings_and_no_third(one, two):
    text, other = str(one), str(two)
    assert swapped(swapped(text)) == text and uuid_key(text) == uuid_key(swapped(text))
    assert uuid_spelling(text, swapped(text)) in (AS_DECLARED, SWAPPED)
    assert (uuid_spelling(text, other) is None) == (other not in (text, swapped(text)))
    # Other orders of the same bytes are other machines: the whole reversed, or one field alone swapped.
    for bytes_ in (one.bytes[::-1], one.bytes[:4][::-1] + one.bytes[4:]):
        moved = str(type(one)(bytes=bytes_))
        assert uuid_spelling(text, moved) is None or moved in (text, swapped(text))


@pytest.mark.parametrize(
    ("told", "spelled"),
    [
        (DELL, {BOARD: SERIAL_NUMBER, TAG: SKU, "OTHER": None, "": None}),
        ({**DELL, "Manufacturer": ""}, {BOARD: SERIAL_NUMBER, TAG: SKU}),
        # The SKU of these names the product, and each machine of a model has it.
        (
            {"SerialNumber": "CZJ1", "SKU": "868703-B21", "Manufacturer": "HPE"},
            {"CZJ1": SERIAL_NUMBER, "868703-B21": None},
        ),
        ({"SerialNumber": "J3", "SKU": "7X06CTO1WW", "Manufacturer": "Lenovo"}, {"7X06CTO1WW": None}),
        ({"SerialNumber": "S1", "SKU": "091715D9", "Manufacturer": "Super Micro Computer"}, {"091715D9": None}),
        ({"SerialNumber": "S1", "SKU": "R282-Z93", "Model": "R282-Z93"}, {"R282-Z93": None}),
        ({"SerialNumber": "S1", "SKU": "P-1", "PartNumber": "P-1"}, {"P-1": None}),
        (
            {"SerialNumber": "S1", "SKU": "To be filled by O.E.M."},
            {"To be filled by O.E.M.": None, "S1": SERIAL_NUMBER},
        ),
        ({"SerialNumber": " S1 ", "SKU": "S1"}, {"S1": SERIAL_NUMBER}),
    ],
)
def test_a_serial_number_is_told_in_one_of_two_fields(told, spelled):
    serials = Serials.reported(
        told["SerialNumber"],
        told.get("SKU", ""),
        told.get("Manufacturer", ""),
        (told.get("Model", ""), told.get("PartNumber", "")),
    )
    assert {declared: serials.spelling(declared) for declared in spelled} == spelled
    # Without a second one there is no pair that Talos could be told by.
    assert serials.pair == ([BOARD, TAG] if told["SerialNumber"] == BOARD else [])


# At the BMC


@pytest.fixture(scope="module")
def bmc(tmp_path_factory):
    made = Bmc(tmp_path_factory.mktemp("bmc"), [machine(number) for number in range(60)]).start()
    made.fresh = iter(range(60))
    yield made
    made.stop()


def behind(bmc, told, **declared):
    """The inputs of a machine that no other test uses, whose BMC reports this of it."""
    return inputs_of(bmc, bmc.become(next(bmc.fresh), told=told), **declared)


def again(bmc, given, told):
    """The same machine, of which its BMC tells something else from now on."""
    bmc.become(int(given["system"][-2:]), told=told, power_state="On")


def update(given, state, said):
    return {"permit": permit(given, state.get("permit"), said), **switch_on(given, state, said)}


@pytest.mark.parametrize(
    ("told", "declared", "matched", "words"),
    [
        (DELL, {"serial": TAG}, {"serial": SKU}, "the declared serial is its SKU"),
        (DELL, {"serial": BOARD}, {"serial": SERIAL_NUMBER}, "the declared serial is its SerialNumber"),
        ({"UUID": PLAIN}, {"uuid": OTHER}, {"uuid": SWAPPED}, f"the declared uuid is reported {SWAPPED}"),
        ({"UUID": PLAIN.upper()}, {"uuid": PLAIN}, {"uuid": AS_DECLARED}, "the declared uuid is reported as declared"),
        (
            {**DELL, "UUID": PLAIN},
            {"uuid": OTHER, "serial": TAG},
            {"uuid": SWAPPED, "serial": SKU},
            f"the declared uuid is reported {SWAPPED}, the declared serial is its SKU",
        ),
    ],
)
def test_either_spelling_is_the_declared_machine_and_is_said_and_recorded(bmc, told, declared, matched, words):
    given, said = behind(bmc, told, **declared), []
    state = update(given, {}, said)
    assert state["matched"] == state["permit"]["matched"] == matched
    assert f"({words}); its next boot is from the network, once, uefi, for generation 1" in said[0]
    assert state["identity"].get("sku") == told.get("SKU")
    # A plan shows what the BMC reports, and not a change to what is declared.
    assert POWER.plan({**given, "password": "another"}, state)["identity"] == state["identity"]
    # The plan of the next installation says it too.
    planned = PERMIT.describe_change({**given, "generation": 2.0}, state["permit"])
    assert planned.endswith(f"uefi, for generation 2; at its BMC {words}")
    assert POWER.plan(given, state)["matched"] == PERMIT.plan(given, state["permit"])["matched"] == matched
    # A refresh finds nothing changed.
    assert asyncio.run(POWER.read("id", {k: v for k, v in state.items() if k != "permit"})) == {
        k: v for k, v in state.items() if k != "permit"
    }


@pytest.mark.parametrize(
    ("told", "declared", "words"),
    [
        (DELL, {"serial": "7XK2B35"}, f"has the serial {BOARD} and the SKU {TAG}, and 7XK2B35 is declared"),
        ({"UUID": PLAIN}, {"uuid": PLAIN[:-1] + "f"}, f"has the uuid {PLAIN}, and {PLAIN[:-1]}f is declared"),
        (
            {"SKU": "868703-B21", "Manufacturer": "HPE"},
            {"serial": "868703-B21"},
            "and 868703-B21 is declared; another machine would be erased",
        ),
        ({"UUID": ""}, {"uuid": PLAIN}, "has the uuid (none), and"),
    ],
)
def test_any_other_value_is_another_machine(bmc, told, declared, words):
    given = behind(bmc, told, **declared)
    with pytest.raises(framework.UserError) as refused:
        update(given, {}, [])
    assert words in str(refused.value)
    assert acts(bmc, given) == []


def test_another_pairing_with_the_same_machine_is_said_and_learned(bmc):
    """An update of the firmware corrects the byte order."""
    given, said = behind(bmc, {"UUID": PLAIN}, uuid=OTHER), []
    state = update(given, {}, said)
    again(bmc, given, {"UUID": OTHER})
    now = update({**given, "timeoutSeconds": 21.0}, state, said)
    assert now["matched"] == {"uuid": AS_DECLARED}
    assert (
        f"reports its uuid {AS_DECLARED}, and {SWAPPED} in an earlier update; its other identities are the same" in said
    )


@pytest.mark.parametrize("generation", [1.0, 2.0])
def test_another_pairing_that_nothing_else_proves_is_refused_until_it_is_declared(bmc, generation, monkeypatch):
    """Another machine, with the declared value in the other spelling: its power is not touched."""
    monkeypatch.setattr(system.System, "_macs", lambda self: ())
    given, said = behind(bmc, {"UUID": PLAIN, "SerialNumber": "A1"}, uuid=OTHER), []
    state = update(given, {}, said)
    again(bmc, given, {"UUID": OTHER, "SerialNumber": "B2"})
    before = acts(bmc, given)
    with pytest.raises(framework.UserError) as refused:
        update({**given, "generation": generation, "timeoutSeconds": 21.0}, state, said)
    assert str(refused.value) == (
        f"{given['system']} of {bmc.url} reports its uuid {AS_DECLARED}, and {SWAPPED} in an earlier update; nothing "
        "else proves that it is the same machine, and another one would be erased; look at the machine, and if it is "
        f"the same, write uuid: {PLAIN}"
    )
    assert acts(bmc, given) == before
    assert update({**given, "uuid": PLAIN, "timeoutSeconds": 21.0}, state, said)["matched"] == {"uuid": SWAPPED}


def test_a_value_that_is_declared_anew_has_no_spelling_until_it_is_told(bmc, monkeypatch):
    monkeypatch.setattr(system.System, "_macs", lambda self: ())
    given, said = behind(bmc, {"UUID": PLAIN, "SerialNumber": ""}, uuid=OTHER), []
    state = update(given, {}, said)
    anew = {**given, "uuid": PLAIN}
    permitted = permit(anew, state["permit"], said)
    assert permitted["matched"] == {}
    # Nothing else proves the machine, and nothing has to.
    again(bmc, given, {"UUID": PLAIN, "SerialNumber": ""})
    assert update({**anew, "generation": 2.0}, {**state, "permit": permitted}, said)["matched"] == {"uuid": AS_DECLARED}


def test_a_machine_that_is_not_declared_may_change_its_byte_order_and_nothing_else(bmc, monkeypatch):
    given, said = behind(bmc, {"UUID": PLAIN, "SerialNumber": "A1"}), []
    state = update(given, {}, said)
    again(bmc, given, {"UUID": OTHER, "SerialNumber": "A1"})
    assert update({**given, "timeoutSeconds": 21.0}, state, said)["identity"]["uuid"] == OTHER
    monkeypatch.setattr(system.System, "_macs", lambda self: ())
    again(bmc, given, {"UUID": OTHER, "SerialNumber": "B2"})
    with pytest.raises(framework.UserError, match=f"has the uuid {OTHER}, and {PLAIN} was installed"):
        update({**given, "timeoutSeconds": 22.0}, state, said)


# At Talos' gate


def hardware(uuid=OTHER, serial=TAG):
    return Hardware(uuid, serial, ("52:54:00:aa:00:01",), (), 0, 0, "metal")


@pytest.mark.parametrize(
    ("declared", "matched", "wrong"),
    [
        ({"uuid": OTHER, "serial": TAG}, {"uuid": AS_DECLARED, "serial": AS_DECLARED}, 0),
        ({"uuid": PLAIN}, {"uuid": SWAPPED}, 0),
        # Declared by the board's serial number, which its BMC reports beside the service tag that Talos reads.
        ({"serial": BOARD, "serials": [BOARD, TAG]}, {"serial": PAIRED}, 0),
        ({"serial": BOARD, "serials": []}, {}, 1),
        ({"serial": BOARD}, {}, 1),
        # Only a pair that has the declared value, and only its other half.
        ({"serial": "OTHER", "serials": [BOARD, TAG]}, {}, 1),
        ({"serial": BOARD, "serials": [BOARD, "7XK2B35"]}, {}, 1),
        ({"uuid": PLAIN[:-1] + "f"}, {}, 1),
    ],
)
def test_talos_tells_either_spelling_of_the_declared_machine(declared, matched, wrong):
    said = judge(declared, hardware())
    assert (said.matched, len(said.wrong)) == (matched, wrong)


def test_a_machine_that_tells_no_serial_number_of_a_pair_is_not_it():
    assert judge({"serial": BOARD, "serials": [BOARD, TAG]}, hardware(serial="")).missing
    assert judge({"serial": BOARD, "serials": [BOARD, TAG]}, hardware(serial="Default string")).wrong


@pytest.mark.parametrize(
    ("fact", "before", "now", "proven"),
    [
        ("uuid", {"serial": "S1"}, {"serial": "S1"}, True),
        ("uuid", {"serial": "S1"}, {"serial": "S2"}, False),
        ("uuid", {"serial": ""}, {"serial": ""}, False),
        ("uuid", {"serial": "Default string"}, {"serial": "Default string"}, False),
        ("uuid", {"macs": ["a", "b"]}, {"macs": ["b"]}, True),
        ("uuid", {"macs": ["a", "00:00:00:00:00:00"]}, {"macs": ["b", "00:00:00:00:00:00"]}, False),
        ("serial", {"uuid": PLAIN}, {"uuid": OTHER}, True),
        ("serial", {"uuid": PLAIN}, {"uuid": ""}, False),
        ("serial", {}, {}, False),
    ],
)
def test_what_proves_that_another_spelling_is_of_the_same_machine(fact, before, now, proven):
    declared, said = {"uuid": PLAIN, "serial": TAG}, []
    pairs = Pairing(declared, before, {fact: "one way"}), Pairing(declared, now, {fact: "another"})
    try:
        require_same("cp-1", *pairs, said.append)
    except framework.UserError:
        assert not proven
    else:
        assert proven and said == [
            f"reports its {fact} another, and one way in an earlier update; its other identities are the same"
        ]
