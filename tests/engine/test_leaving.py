"""A plan of machines that leave, with the real engine and a state that has the earlier machines."""

import pytest

pytestmark = pytest.mark.engine

MADE = ("**::talos-secrets", "**::talos-guard", "**::talos", "**::metal")


@pytest.fixture
def stood(checkout):
    """A checkout whose state has the PKI and the change guard, as far as an `up` gets without machines."""
    here = checkout("prod")
    names = ("cp-1", "cp-2", "cp-3", "wk-1", "wk-2")
    here.edit("prod", {"boot": None, **{f"machines.{name}.bmc": None for name in names}})
    targets = [part for urn in MADE for part in ("--target", urn)]
    # It ends with an error about resources outside of --target, but the targeted ones are created.
    here.pulumi("up", "--stack", "prod", "--yes", "--skip-preview", "--continue-on-error", *targets, check=False)
    assert "talos-guard" in here.pulumi("stack", "--stack", "prod").stdout
    return here


def planned(here, edits):
    here.edit("prod", edits)
    done = here.preview("prod", check=False, network=False)
    text = done.stdout + done.stderr
    assert "Traceback" not in text and "PRIVATE KEY" not in text
    return done.returncode, " ".join(text.split())


def test_two_control_planes_at_once_and_one_that_only_leaves_the_file_are_refused(stood):
    code, output = planned(stood, {"machines.cp-2.decommission": "wipe", "machines.cp-3.decommission": "lost"})
    assert code and (
        "cp-2 and cp-3 would leave or move at once; etcd has 3 votes, and losing more than one at a time can lose all "
        "its data; "
        "change one, run up, check that it is healthy (talosctl etcd status), then change the next" in output
    )
    code, output = planned(
        stood, {"machines.cp-2.decommission": None, "machines.cp-3.decommission": None, "machines.wk-1": None}
    )
    assert code and (
        "wk-1 is not in the stack file any more, and was not decommissioned; it would keep the cluster's keys; "
        "put it back with decommission: wipe, or lost if it is dead, run up, then delete it" in output
    )


def test_a_plan_describes_what_a_decommission_does(stood):
    code, output = planned(stood, {"machines.cp-3.decommission": "wipe", "machines.wk-2.decommission": "lost"})
    assert code == 0, output
    assert (
        "cp-3 LEAVES the platform: it is drained, leaves etcd (cp-1, cp-2 stay), its system disk is WIPED, it is "
        "switched off, and its Node is deleted" in output
    )
    assert (
        "wk-2 is given up as LOST: nothing is sent to it; its Node is deleted; up refuses this while it still answers"
        in output
    )
