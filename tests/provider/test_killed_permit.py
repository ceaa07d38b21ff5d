"""A provider killed at each of its requests to a BMC: the next run finds what is left, and says or undoes it.

Each request of each vendor's BMC is the last of a provider that is killed within this process. That this leaves what a
real SIGKILL leaves is compared for one vendor, at the requests that change something.
"""

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass

import pytest
from bmcs import Bmc, machine

from clients import bounded
from provider import framework, parent
from provider.resources import boot_permit, power
from tests.provider.behind import permit, switch_on
from tests.provider.bmc_here import BmcHere, Killed, Life
from tests.provider.habits import VENDORS
from tests.provider.test_habits import acts, armed, inputs, journal, who

pytestmark = pytest.mark.usefixtures("quick_bmc")

HABITS = ["", *sorted(set(VENDORS) - {"ami-forgetful"})]
# The requests before one that differs between them: each reads the machine's identity.
READS = 5
# More requests than a permit and a boot send to any of them.
MOST = 40
EXCHANGE = bounded.exchange
LEFT = "its BMC is armed: the next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at "


@pytest.fixture(scope="module")
def rack(tmp_path_factory):
    return BmcHere(tmp_path_factory.mktemp("here"), [machine(number) for number in range(len(HABITS))]).start()


@pytest.fixture
def here(rack, monkeypatch):
    monkeypatch.setattr(bounded, "exchange", rack.exchange)
    return rack


@pytest.fixture(scope="module")
def bmc(tmp_path_factory):
    """One in a process of its own, over TLS."""
    made = Bmc(tmp_path_factory.mktemp("bmc"), [machine(number) for number in range(len(HABITS))]).start()
    yield made
    made.stop()


def of_vendor(bmc, vendor):
    """The BMC with one system of this vendor, which is on."""
    bmc.number = HABITS.index(vendor)
    bmc.become(bmc.number, power_state="On", habits={"vendor": vendor} if vendor else {})
    bmc.forget()


@dataclass
class Run:
    """What became of one update of a machine."""

    killed: bool
    said: list[str]
    state: list[str]
    """What the engine wrote to the state, in its order; the journal is there before anything is sent."""


def update(given, say, made):
    """Give the permit and switch on, as the engine has its resources made."""
    boot_permit._give(given, {}, say)
    made("permit")
    boot_permit.HERE.clear()
    power._apply(given, None, say)
    made("power")


def killed_here(bmc, kill_at):
    """An update that is killed within this process."""
    life, said, state = Life(kill_at), [], []

    def say(text):
        life.require()
        said.append(text)

    bmc.life = life
    with contextlib.suppress(Killed):
        update(inputs(bmc), say, state.append)
    bmc.life = None
    boot_permit.HERE.clear()
    return Run(life.killed, said, state)


def killed_process(bmc, folder, kill_at):
    """The same in a process of its own, which gets SIGKILL."""
    file, given = folder / "said", inputs(bmc)
    file.write_text("")

    def note(**line):
        with open(file, "a") as opened:
            opened.write(json.dumps(line) + "\n")

    child = os.fork()
    if child == 0:
        try:
            parent._engine = os.getppid()
            bmc.faults({"kill": os.getpid(), "at": kill_at})
            update(given, lambda text: note(said=text), lambda name: note(made=name))
            os._exit(0)
        except BaseException as error:
            note(said=repr(error))
            os._exit(1)
    _, status = os.waitpid(child, 0)
    bmc.faults()
    _settled(bmc)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(status) == 0, file.read_text()
    told = [json.loads(line) for line in file.read_text().splitlines()]
    said, state = ([line[kind] for line in told if kind in line] for kind in ("said", "made"))
    return Run(killed, said, state)


@pytest.mark.parametrize("vendor", HABITS)
def test_no_order_is_left_unsaid_whenever_it_is_killed(here, vendor):
    left = 0
    for kill_at in range(READS if vendor else 1, MOST):
        of_vendor(here, vendor)
        run = killed_here(here, kill_at)
        if not run.killed:
            assert run.state == ["permit", "power"] and acts(here).count("Pxe") == 1
            break
        found = armed(here)
        left += bool(found)
        # Said before it is sent, so that the output of the killed run has it.
        assert not found or any("its next boot is from the network, once, uefi" in line for line in run.said)
        if "permit" in run.state:
            _used(here)
        else:
            _refused(here, found)
            (_taken_back if (kill_at + here.number) % 2 else _given_again)(here, found)
        assert armed(here) == ""
    else:
        pytest.fail(f"more than {MOST} requests")
    assert left >= 3, "some kills leave an order"


def test_a_process_that_is_killed_leaves_the_same(bmc, here, tmp_path, monkeypatch):
    vendor = "idrac9-shows-all"
    of_vendor(here, vendor)
    assert not killed_here(here, MOST).killed
    changing = [at for at, sent in enumerate(here.events("request"), 1) if sent["method"] in ("PATCH", "POST")]
    assert len(changing) == 5, "three for the order, one to switch off and one to switch on"
    for kill_at in changing:
        of_vendor(here, vendor)
        simulated = killed_here(here, kill_at)
        of_vendor(bmc, vendor)
        with monkeypatch.context() as real:
            real.setattr(bounded, "exchange", EXCHANGE)
            killed = killed_process(bmc, tmp_path, kill_at)
        killed.said = [line.replace(bmc.url, here.url) for line in killed.said]
        assert killed.killed and killed == simulated
        assert (armed(bmc), acts(bmc)) == (armed(here), acts(here))


def _settled(bmc):
    """Return when the BMC has carried out the last request of the killed process."""
    before = -1
    while (now := len(bmc.events())) != before:
        before = now
        time.sleep(0.02)


def _used(bmc):
    """The permit is in the state: the next run uses it, once."""
    boot_permit.HERE.clear()
    switch_on(inputs(bmc))
    assert acts(bmc).count("Pxe") == 1


def _refused(bmc, found):
    """The next run is refused: its message names what the BMC is armed to do, which is not its machine's."""
    with pytest.raises(framework.UserError) as refused:
        permit(inputs(bmc, serial="OTHER"))
    assert (LEFT in str(refused.value)) == bool(found)
    assert armed(bmc) == found


def _taken_back(bmc, found):
    """The stack file was changed back: the journal withdraws the order, and says so."""
    said = []
    journal(inputs(bmc, generation=0.0), inputs(bmc), said)
    withdrawn = (
        f"{who(bmc)} was ordered to boot from the network by an earlier run; the order to boot from the network "
    )
    assert said == ([f"{withdrawn}was withdrawn"] if found else [])


def _given_again(bmc, found):
    """The same again: the permit is given, the machine boots once, and an order that was found is named."""
    said = []
    permit(inputs(bmc), said=said)
    assert any(line.startswith("found its BMC armed by an earlier run") for line in said) == bool(found)
    _used(bmc)
