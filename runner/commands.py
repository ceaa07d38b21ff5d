"""The table of commands."""

from __future__ import annotations

import argparse

from .command import STACK, Arguments, Command, whole_number
from .rehearsals import REHEARSE

ENGINE: Arguments = {
    **STACK,
    "options": {"metavar": "OPTION", "nargs": argparse.REMAINDER, "help": "passed on to the engine, such as --diff"},
}
JSON: Arguments = {"--json": {"action": "store_true", "help": "print JSON, for programs"}}

# What `./bedplate bench` measures if nothing is chosen.
SIZES = "dev,10x10,1000x10,100x100,100x1000"

COMMANDS = {
    "setup": Command(
        "[--all] [--write-manifests] [PART...]",
        "set up the toolchain (every command does so by itself)",
        "setup talosctl kubectl",
        "setup:setup",
        {
            "parts": {"metavar": "PART", "nargs": "*", "help": "a part, a set or a file; the parts of a plan if none"},
            "--all": {"action": "store_true", "help": "set up every part"},
            "--write-manifests": {"action": "store_true", "help": "write the committed manifests from their modules"},
        },
    ),
    "preview": Command(
        "STACK [OPTION...]",
        "show what an up would change, checked by the policy pack",
        "preview dev --diff",
        "operate:preview",
        ENGINE,
    ),
    "up": Command(
        "STACK [OPTION...]", "create or change what the stack describes", "up dev --yes", "operate:up", ENGINE
    ),
    "refresh": Command(
        "STACK [OPTION...]",
        "read the real state into the stack's state",
        "refresh dev --preview-only --diff",
        "operate:refresh",
        ENGINE,
    ),
    "destroy": Command(
        "STACK [OPTION...]", "remove the stack, except for what is protected", "destroy dev", "operate:destroy", ENGINE
    ),
    "check": Command(
        "[STACK | FILE...] [--json]",
        "judge stack files, without engine, state and network",
        "check dev",
        "check:check",
        {
            "files": {
                "metavar": "STACK | FILE",
                "nargs": "*",
                "help": "a stack, or the path of a stack file; every stack of the checkout if none",
            },
            **JSON,
        },
        more="Exit code 0: no faults. 2: a file has faults, each with its line. docs/check.md says more.",
    ),
    "images": Command(
        "STACK [--json]",
        "list every container image that the stack's machines pull, with its digest where it is known",
        "images prod",
        "operations:images",
        {**STACK, **JSON},
        more="From the stack file alone. docs/images.md says how to fill a mirror with them.",
    ),
    "review": Command(
        "STACK [--from CHECKOUT] [--state FILE] [--diff] [--json]",
        "show the plan of a pull request, without any secret",
        "review prod --from ../pull-request --state prod.state.json",
        "review:review",
        {
            **STACK,
            "--from": {
                "metavar": "CHECKOUT",
                "dest": "checkout",
                "help": "take the stack's files from there, and the code from here",
            },
            "--state": {"metavar": "FILE", "help": "what ./bedplate redact wrote; without it, everything is created"},
            "--diff": {"action": "store_true", "help": "show each property that changes"},
            **JSON,
        },
        more="docs/pull-requests.md says what a pull request can do, and which jobs to run it in.",
    ),
    "redact": Command(
        "STACK FILE",
        "write the stack's state with a stand-in for every secret, for review",
        "redact prod prod.state.json",
        "review:redact",
        {**STACK, "file": {"metavar": "FILE", "help": "where the state is written"}},
    ),
    "access": Command(
        "STACK",
        "write the credentials of the stack's APIs to files, and print how to use them",
        "access dev",
        "access:access",
        STACK,
    ),
    "changes": Command(
        "STACK [--json]",
        "show what an up changes on each machine and VM, which machines reboot, and which VMs restart",
        "changes dev",
        "operations:changes",
        {**STACK, **JSON},
        more="Exit code 0: no machine and no VM changes. 7: one does. 2: it could not be compared.",
    ),
    "drift": Command(
        "STACK [--json]",
        "compare what the stack's machines run with what was declared",
        "drift dev --json",
        "operations:drift",
        {**STACK, **JSON},
        more="Exit code 0: no difference. 7: a difference. 2: it could not be compared, or the stack file has faults.",
    ),
    "fence": Command(
        "STACK MACHINE [--return] [--yes]",
        "switch off a dead machine by its BMC, and have its VMs start elsewhere",
        "fence prod wk-2 --yes",
        "operations:fence",
        {
            **STACK,
            "machine": {"metavar": "MACHINE", "help": "a machine of the stack that has died"},
            "--return": {
                "action": "store_true",
                "dest": "back",
                "help": "the machine is Ready again: let pods and VMs start there",
            },
            "--yes": {"action": "store_true", "help": "do it; without this, it is only checked and shown"},
        },
        more="A machine that may be alive is refused. Exit code 0: done, or shown. 2: refused, or not done to the end; "
        "the same command goes on from there. docs/runbooks/dead-machine.md says more.",
    ),
    "snapshot": Command(
        "STACK [FILE]",
        "write a snapshot of the stack's etcd to a file",
        "snapshot dev etcd.db",
        "snapshot:snapshot",
        {**STACK, "file": {"metavar": "FILE", "nargs": "?", "help": "by default .toolchain/snapshots/STACK-TIME.db"}},
    ),
    "import": Command(
        "STACK FILE",
        "import the secrets of a running cluster into the stack's state",
        "import prod secrets.yaml",
        "operations:adopt",
        {**STACK, "file": {"metavar": "FILE", "help": "the file that talosctl gen secrets wrote"}},
    ),
    "boot": Command(
        "STACK FOLDER",
        "write the files of the server that the stack's machines boot from",
        "boot prod files",
        "operations:boot",
        {**STACK, "folder": {"metavar": "FOLDER", "help": "where the files are written"}},
    ),
    "rehearse": REHEARSE,
    "test": Command(
        "[--quick | --all] [PYTEST-OPTION...]",
        "run the tests; --quick: those without engine, lab or virtual machine; --all: with KubeVirt",
        "test tests/model -q",
        "testing:test",
        raw=True,
        more="Without a path, the quick tests run while the parts that the others need are built. Rehearsals run "
        "virtual machines wherever KubeVirt is built; --all builds it first, in about 20 minutes.",
    ),
    "lint": Command(
        "[PATH...]",
        "check format, style, types and docstrings of the code",
        "lint core tests/model",
        "lint:lint",
        {"paths": {"metavar": "PATH", "nargs": "*", "help": "show only findings in these files and folders"}},
    ),
    "doctor": Command("", "show each part of the toolchain and what is wrong with it", "doctor", "doctor:doctor"),
    "schema": Command(
        "[FILE]",
        "write the JSON Schema of the stack files",
        "schema",
        "operations:schema",
        {"file": {"metavar": "FILE", "nargs": "?", "help": "by default schema/stack.schema.json in the checkout"}},
    ),
    "bench": Command(
        "[ROUNDS] [--sizes SIZE,...] [--against CHECKOUT] [--policies]",
        "measure what a plan costs, as ratios of one run",
        "bench 3 --sizes dev,100x100",
        "bench:bench",
        {
            "rounds": {"metavar": "ROUNDS", "nargs": "?", "type": whole_number, "default": 3, "help": "by default 3"},
            "--sizes": {
                "metavar": "SIZE,...",
                "default": SIZES,
                "help": f"stacks, or MACHINESxVMS such as 10x100 (default: {SIZES})",
            },
            "--against": {"metavar": "CHECKOUT", "help": "a folder: time that checkout's program as well"},
            "--policies": {"action": "store_true", "help": "time the program with the policy pack as well"},
        },
    ),
    "pulumi": Command(
        "ARGUMENT...",
        "run the engine itself, in the right environment",
        "pulumi stack output --stack dev",
        "engine:pulumi",
        raw=True,
        passphrase=True,
        more="The engine's own help: ./bedplate pulumi help",
    ),
}
