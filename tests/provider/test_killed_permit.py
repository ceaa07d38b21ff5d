"""A provider killed at each of its requests to a BMC: the next run finds what is left, and says or undoes it."""

import itertools
import json
import os
import signal
import time

import pytest
from bmcs import Bmc, machine

from provider import framework, parent
from provider.resources import boot_journal, boot_permit, power
from tests.provider.habits import VENDORS
from tests.provider.test_habits import acts, armed, inputs, journal, permit, quick, switch_on, who  # noqa: F401

HABITS = ["", *sorted(set(VENDORS) - {"ami-forgetful"})]
# The requests before one that differs between them: each reads the machine's identity.
READS = 5
# More requests than a permit and a boot send to any of them.
MOST = 40
LEFT = "its BMC is armed: the next boot, whoever starts it, is from the network (Pxe, Once, UEFI, kept at "


@pytest.fixture(scope="module")
def bmc(tmp_path_factory):
    made = Bmc(tmp_path_factory.mktemp("bmc"), [machine(number) for number in range(len(HABITS))]).start()
    yield made
    made.stop()


class Run:
    """One update of a machine in a process of its own, as the engine has its resources made: what became of it."""

    def __init__(self, bmc, folder, kill_at):
        self.file = folder / "said"
        self.file.write_text("")
        given = inputs(bmc)
        child = os.fork()
        if child == 0:
            self._act(bmc, given, kill_at)
        _, status = os.waitpid(child, 0)
        self.killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert self.killed or os.waitstatus_to_exitcode(status) == 0, self.file.read_text()
        told = [json.loads(line) for line in self.file.read_text().splitlines()]
        self.said = [line["said"] for line in told if "said" in line]
        # What the engine writes to the state, in its order; the journal is there before anything is sent.
        self.state = [line["made"] for line in told if "made" in line]

    def _note(self, **line):
        with open(self.file, "a") as file:
            file.write(json.dumps(line) + "\n")

    def _act(self, bmc, given, kill_at):
        try:
            parent._engine = os.getppid()
            bmc.faults({"kill": os.getpid(), "at": kill_at})
            boot_permit._give(given, {}, lambda text: self._note(said=text))
            self._note(made="permit")
            boot_permit.HERE.clear()
            power._apply(given, None, lambda text: self._note(said=text))
            self._note(made="power")
            os._exit(0)
        except BaseException as error:
            self._note(said=repr(error))
            os._exit(1)


@pytest.mark.parametrize("vendor", HABITS)
def test_no_order_is_left_unsaid_whenever_it_is_killed(bmc, tmp_path, vendor):
    bmc.number = HABITS.index(vendor)
    habits = {"vendor": vendor} if vendor else {}
    left = 0
    for kill_at in range(1 if not vendor else READS, MOST):
        bmc.become(bmc.number, power_state="On", habits=habits)
        bmc.forget()
        run = Run(bmc, tmp_path, kill_at)
        bmc.faults()
        _settled(bmc)
        if not run.killed:
            assert run.state == ["permit", "power"] and acts(bmc).count("Pxe") == 1
            break
        found = armed(bmc)
        left += bool(found)
        # Said before it is sent, so that the output of the killed run has it.
        assert not found or any("its next boot is from the network, once, uefi" in line for line in run.said)
        if "permit" in run.state:
            _used(bmc)
        else:
            _refused(bmc, found)
            (_taken_back if (kill_at + bmc.number) % 2 else _given_again)(bmc, found)
        assert armed(bmc) == ""
    else:
        pytest.fail(f"more than {MOST} requests")
    assert left >= 3, "some kills leave an order"


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


def test_the_journal_is_in_the_state_before_an_order_is_sent():
    """It has nothing to ask a BMC when it is made, and so it can't be killed with an order under way."""
    assert boot_journal.BootJournal.contract.outputs == {}
    assert list(itertools.chain(boot_journal.USED)) == []
