"""A run killed at every step of the machines' layers, one after the other, on real nodes with the real engine."""

import pytest

from lab.steps import Walk

# The least number of kills. There are some twenty steps, but one kill may hit two resources at the same time, and a
# step that begins while the engine dies is hit by none.
KILLS = 12
# Each of these steps runs alone and for some time. (ApiReady does not: the API answers since an earlier run.)
MET = ("Identity talos-cp-1", "Bootstrap talos-etcd", "NodeReady cilium-cp-1")


@pytest.mark.parametrize(
    ("line", "strikes"),
    [
        (" +  talos:machine:Secrets talos-secrets creating (0s)", True),
        (" +  talos:machine:Secrets talos-secrets created (0.04s)", True),
        ("@ updating....", False),
        (" +  kubernetes:core/v1:Namespace apps creating (0s)", False),
        (" +  bedplate-native:talos:Guard talos-guard created (0.01s)", True),
        (" +  talos:machine:Secrets talos-secrets creating failed", False),
        ("  bedplate-native:talos:Bootstrap (talos-etcd):", False),
    ],
)
def test_a_run_is_killed_where_a_step_begins_or_ends(line, strikes):
    walk = Walk()
    assert walk.strikes(line) is strikes
    assert walk.strikes(line) is False, "each step is struck once"


@pytest.mark.lab
def test_a_run_after_a_kill_at_any_step_continues(rehearsals):
    """One bootstrap, the PKI that was created first, nothing pending, and a second plan with no change."""
    steps = rehearsals.outcome("steps", seconds=1800)
    assert steps.code == 0, steps.output[-6000:]
    struck = steps.times["facts"]["killed_at"]
    assert len(struck) >= KILLS and not [step for step in MET if not any(step in met for met in struck)], struck
