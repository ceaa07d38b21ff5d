"""The whole rehearsal of dev, as a user runs it: real nodes, the real engine, and nothing left of either."""

import pytest

from runner.rehearsals import NETWORK_PHASES, VM_PHASES
from tests.lab.conftest import WITHOUT_CILIUM, WITHOUT_VMS

pytestmark = pytest.mark.lab

PHASES = [
    "look at the computer",
    "toolchain",
    "nodes",
    "a stranger in the middle",
    "up",
    "what stands",
    "what the plan computes",
    "kubelets' certificates",
    "virtual machines",
    "virtual machines' disks",
    "the images",
    "shared volumes",
    "up again",
    "closed namespaces",
    "node ports and addresses",
    "a stranger in its place",
    "a change",
    "restarts in turns",
    "another Kubernetes",
    "an object edited by hand",
    "a machine edited by hand",
    "no approver",
    "an adoption",
    "a renewal",
    "a snapshot on a schedule",
    "a restore",
    "virtual machines again",
    "destroy",
    "end",
]


def test_a_rehearsal_of_dev_passes_every_phase_and_leaves_nothing(rehearsals):
    whole = rehearsals.outcome("whole", seconds=900 if WITHOUT_VMS and WITHOUT_CILIUM else 2400)
    assert whole.code == 0, whole.output[-6000:]
    left_out = (*(VM_PHASES if WITHOUT_VMS else ()), *(NETWORK_PHASES if WITHOUT_CILIUM else ()))
    phases = [phase for phase in PHASES if phase not in left_out]
    assert [(one["phase"], one["outcome"]) for one in whole.times["phases"]] == [(phase, "ok") for phase in phases]
    facts = whole.times["facts"]
    assert facts["drift"].startswith("detected and restored"), facts
    assert facts["namespaces_ended"] > 5
    assert facts["kubelets_certificates"]["subject"] == {"cp-1": "system:node:cp-1"}
    assert facts["without_approver"].startswith("the node was Ready")
    assert any("Secrets" in kind for kind in facts["kept_by_destroy"]) and facts["left_behind"] == {}
    # Ready within 90 s of the command on an idle machine; here other tests run beside it.
    assert 0 < facts["api_ready_after_command"] < facts["nodes_ready_after_command"]
