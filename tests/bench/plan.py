"""What a plan costs, as ratios of one run: to an empty program, and to the same resources registered raw.

    ./bedplate bench [ROUNDS] [--sizes dev,100x1000] [--against CHECKOUT] [--policies]

A size is a stack file's name or MACHINESxVMS. Each round times every program once, one after the other, so that a slow
minute of the machine hits all alike. The medians of wall seconds, processor seconds and peak memory are printed,
then the ratios. On a busy machine those of processor seconds count.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from runner.parser import parse  # noqa: E402 (found from the root, however this was started)
from tests.bench.measuring import Measured, measure  # noqa: E402
from tests.bench.programs import checkout, empty, platform, raw  # noqa: E402
from tests.bench.report import growth, ratios, table  # noqa: E402
from toolchain import Layout  # noqa: E402


@dataclass(frozen=True)
class Run:
    """One program that is timed: its size, and what it is."""

    size: str
    program: str
    """empty, raw, program, unjudged (the program without Talos' validation), policies (the program with the policy
    pack) or against (another checkout's program)."""


def main(arguments: list[str]) -> None:
    """Measure and report."""
    _, options = parse(["bench", *arguments], Layout.of(ROOT))
    with tempfile.TemporaryDirectory(prefix="bedplate-bench-") as name:
        home = Path(name)
        _private_state(home)
        folders = _folders(home, options)
        seen: dict[Run, list[Measured]] = {run: [] for run in folders}
        for number in range(options.rounds):
            for run, folder in folders.items():
                seen[run].append(measure(folder, run.program == "policies", run.program != "unjudged"))
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr, flush=True)
    measured = {(run.size, run.program): all_ for run, all_ in seen.items()}
    print("\n".join([*table(measured), "", *ratios(measured), "", *growth(measured)]))


def _private_state(home: Path) -> None:
    """Have every stack of this run in a folder of its own."""
    (home / "state").mkdir()
    os.environ |= {
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    }
    os.environ.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)


def _folders(home: Path, options: argparse.Namespace) -> dict[Run, Path]:
    """Each program to time, and the folder that it is in."""
    folders = {Run("", "empty"): empty(home / "empty")}
    command = ["pulumi", "stack", "init", "bench", "--non-interactive"]
    subprocess.run(command, cwd=home / "empty", check=True, capture_output=True)
    for size in options.sizes.split(","):
        own = checkout(ROOT, home / size, platform(size))
        folders[Run(size, "raw")] = raw(home / f"{size}-raw", own)
        if options.against:
            folders[Run(size, "against")] = checkout(Path(options.against), home / f"{size}-against", platform(size))
        folders[Run(size, "unjudged")] = folders[Run(size, "program")] = own
        if options.policies:
            folders[Run(size, "policies")] = own
    return folders


if __name__ == "__main__":
    main(sys.argv[1:])
