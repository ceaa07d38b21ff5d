"""`python -m lab STACK [--keep]`, `python -m lab stop [STACK]`, `python -m lab check`."""

import argparse
import signal
import sys
from pathlib import Path

from core.model import StackFileError
from runner import pipes

from . import cleanup, converge, fidelity, preflight, steps
from .layout import InvalidName, Layout
from .phases import PHASES
from .rehearsal import Refused, Rehearsal
from .rehearse import rehearse
from .shown import NotShown
from .waiting import Timeout

CHECKOUT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run one of the commands; returns the exit code, 0 if everything was shown."""
    given = _parser().parse_args(arguments)
    # A SIGTERM ends the command as Ctrl-C does: with the lab taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(given, CHECKOUT / ".toolchain")
    except StackFileError as error:
        print(f"rehearse: Pulumi.{given.what}.yaml: {error.report}", file=sys.stderr)
        return 1
    except (Refused, NotShown, Timeout, RuntimeError, OSError, InvalidName) as error:
        if isinstance(error, BrokenPipeError) and pipes.abandoned():
            raise
        print(f"rehearse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rehearse: stopped; nothing of it is left running", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./bedplate rehearse", description=__doc__)
    parser.add_argument("what", nargs="?", default="dev", help="a stack, or: stop, check, fidelity")
    parser.add_argument("stack", nargs="?", help="with stop: which lab; without it, all labs of this checkout")
    parser.add_argument("--keep", action="store_true", help="leave the lab running for talosctl and kubectl")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[phase.name for phase in PHASES],
        help="run only this phase; can be repeated",
    )
    parser.add_argument(
        "--kills", type=int, default=0, help="kill this many runs at random moments, and check that each converges"
    )
    parser.add_argument("--each", type=int, default=4, help="with --kills: how many kills per set of nodes")
    parser.add_argument("--seed", type=int, default=1, help="with --kills: seed of the random moments, to repeat a run")
    parser.add_argument(
        "--steps", action="store_true", help="kill a run at every step of the machines' layers, one after the other"
    )
    return parser


def _run(given: argparse.Namespace, root: Path) -> int:
    match given.what:
        case "stop":
            return stop(root, given.stack)
        case "check":
            findings = preflight.examine()
            print("\n".join(map(str, findings)))
            return int(any(finding.fatal and not finding.ok for finding in findings))
        case "fidelity":
            print(fidelity.report())
            return 0
        case stack if given.steps:
            return steps.run(stack, root=root, checkout=CHECKOUT)
        case stack if given.kills:
            return converge.run(
                stack, root=root, checkout=CHECKOUT, kills=given.kills, each=given.each, seed=given.seed
            )
        case stack:
            rehearse(Rehearsal(stack, root=root, checkout=CHECKOUT, keep=given.keep), only=given.only)
            return 0


def stop(root: Path, stack: str | None) -> int:
    """End one lab of this checkout or all, and print what was done. Returns the exit code, 0."""
    layouts = [Layout.of(root, stack)] if stack else cleanup.running(root)
    done = [line for layout in layouts for line in cleanup.stop(layout)]
    print("\n".join(done) if done else "no lab of this checkout is running, and no lab left anything behind")
    for line in cleanup.left_alone(root):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
