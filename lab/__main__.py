"""`python -m lab ARGUMENT...`: the arguments of `./bedplate rehearse`, read by the same parser."""

import argparse
import signal
import sys
from pathlib import Path

from core.model import StackFileError
from runner import pipes, stacks
from runner.errors import UsageError
from runner.parser import parse
from runner.rehearse import check
from toolchain import Layout as Toolchain

from . import cleanup, converge, fidelity, preflight, steps
from .layout import InvalidName, Layout
from .rehearsal import Refused, Rehearsal
from .rehearse import rehearse
from .shown import NotShown
from .waiting import Timeout

CHECKOUT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run one of the commands; returns the exit code: 0 if everything was shown, 2 if it can't be run as typed."""
    # A SIGTERM ends the command as Ctrl-C does: with the lab taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    layout = Toolchain.of(CHECKOUT)
    try:
        _, given = parse(["rehearse", *arguments], layout)
        check(given, layout)
        return _run(given, layout.home)
    except UsageError as error:
        print(f"bedplate: {error}", file=sys.stderr)
        return 2
    except StackFileError as error:
        print(f"rehearse: Pulumi.{given.stack}.yaml: {error.report}", file=sys.stderr)
        return 1
    except (Refused, NotShown, Timeout, RuntimeError, OSError, InvalidName) as error:
        if isinstance(error, BrokenPipeError) and pipes.abandoned():
            raise
        print(f"rehearse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        left = (
            "its nodes run on, until ./bedplate rehearse stop"
            if "--keep" in arguments
            else "nothing of it is left running"
        )
        print(f"rehearse: stopped; {left}", file=sys.stderr)
        return 130


def _run(given: argparse.Namespace, root: Path) -> int:
    left_out = {key: getattr(given, key, False) for key in ("without_vms", "without_cilium")}
    match given.command.split():
        case [_, "stop"]:
            return stop(root, given.stack)
        case [_, "check"]:
            findings = preflight.examine()
            print("\n".join(map(str, findings)))
            return int(any(finding.fatal and not finding.ok for finding in findings))
        case [_, "fidelity"]:
            print(fidelity.report())
        case _ if given.steps:
            return steps.run(given.stack, root=root, checkout=CHECKOUT, **left_out)
        case _ if given.kills:
            return converge.run(
                given.stack,
                root=root,
                checkout=CHECKOUT,
                kills=given.kills,
                each=given.each,
                seed=given.seed,
                **left_out,
            )
        case _:
            whole = Rehearsal(given.stack, root=root, checkout=CHECKOUT, keep=given.keep, **left_out)
            rehearse(whole, only=given.only)
    return 0


def stop(root: Path, stack: str | None) -> int:
    """End one lab of this checkout or all, and print what was done. Returns the exit code, 0.

    Raises UsageError for a name that neither a stack nor a lab of this checkout has.
    """
    layouts = [Layout.of(root, stack)] if stack else cleanup.running(root)
    if stack and stack not in stacks.known(Toolchain.of(CHECKOUT)) and not layouts[0].directory.exists():
        running = ", ".join(layout.name for layout in cleanup.running(root)) or "none"
        raise UsageError(f"rehearse stop: there is no stack and no lab {stack!r}; labs that are running: {running}")
    done = [line for layout in layouts for line in cleanup.stop(layout)]
    print("\n".join(done) if done else "no lab of this checkout is running, and no lab left anything behind")
    for line in cleanup.left_alone(root):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
