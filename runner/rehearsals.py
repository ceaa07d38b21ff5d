"""The row of `./bedplate rehearse` in the table of commands, which the lab reads as well."""

from __future__ import annotations

from .command import STACK, Command, whole_number

# The phases of a rehearsal in their order, as `--only` takes them. tests/runner/test_rehearse.py holds them equal to
# those that the lab runs. They are written here because a refusal must not wait until the lab's Python is built.
PHASES = (
    "a stranger in the middle",
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
    "virtual machines on the move",
    "a virtual machine that grows",
    "another Kubernetes",
    "an object edited by hand",
    "a machine edited by hand",
    "no approver",
    "an adoption",
    "a renewal",
    "a snapshot on a schedule",
    "a restore",
    "virtual machines again",
    "lost machines",
    "a dead machine fenced",
    "an up with machines down",
    "a worker decommissioned",
    "a lost worker",
    "control planes decommissioned",
)
# Those of the smallest stack that need KubeVirt, and those that need Cilium.
VM_PHASES = ("virtual machines", "virtual machines' disks", "shared volumes", "virtual machines again")
NETWORK_PHASES = ("closed namespaces", "node ports and addresses")
REHEARSE = Command(
    "STACK [--keep] [--without-vms] [--without-cilium] [--only PHASE... | --kills N [--each N] [--seed N] | --steps]",
    "create the stack on real Talos nodes on this computer, and remove it again",
    "rehearse dev --keep",
    "rehearse:rehearse",
    {
        **STACK,
        "--keep": {"action": "store_true", "help": "leave the lab running for talosctl and kubectl"},
        "--without-vms": {
            "action": "store_true",
            "help": "leave out KubeVirt and all that runs on it: its programs take about 20 minutes to build, once",
        },
        "--without-cilium": {
            "action": "store_true",
            "help": "use a stand-in for Cilium, which enforces no policy, also where Cilium could run",
        },
        "--only": {
            "metavar": "PHASE",
            "action": "append",
            "default": [],
            "choices": PHASES,
            "help": "run only this phase; can be repeated",
        },
        "--kills": {
            "metavar": "N",
            "type": whole_number,
            "help": "kill N runs at random moments, and check that each lab converges afterwards",
        },
        "--each": {
            "metavar": "N",
            "type": whole_number,
            "default": 4,
            "help": "with --kills: kills per set of nodes (default: 4)",
        },
        "--seed": {
            "metavar": "N",
            "type": whole_number,
            "default": 1,
            "help": "with --kills: seed of the random moments, to repeat a run (default: 1)",
        },
        "--steps": {"action": "store_true", "help": "kill a run at every step of the machines' layers in turn"},
    },
    exclusive=("--only", "--kills", "--steps"),
    words={
        "stop": Command(
            "[STACK]",
            "stop a lab that was kept or killed, or all labs of this checkout",
            "rehearse stop dev",
            "rehearse:rehearse",
            {"stack": {"metavar": "STACK", "nargs": "?", "help": "the stack of the lab; all labs if none"}},
        ),
        "check": Command("", "show what this computer lacks for a rehearsal", "rehearse check", "rehearse:rehearse"),
        "fidelity": Command(
            "", "show what of a lab is real and what a stand-in replaces", "rehearse fidelity", "rehearse:rehearse"
        ),
    },
    more="phases: " + ", ".join(PHASES) + "; docs/rehearsal.md describes them",
)
