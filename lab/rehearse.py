"""`./bedplate rehearse STACK`: the real program, brought up on real nodes on this computer, and taken down again.

Each phase proves one thing and has a deadline. A failure names the phase and what it waited for, and everything ends
cleanly whatever happens.
"""

from collections.abc import Collection, Iterable

from . import report
from .phases import BEFORE, PHASES, Phase
from .rehearsal import Rehearsal
from .snapshot import Snapshot


def rehearse(rehearsal: Rehearsal, *, only: Collection[str] = ()) -> None:
    """Run a whole rehearsal. The lab is ended afterwards, unless it is to be kept.

    only: the names of the phases to show; without any, all that fit the platform.
    Raises NotShown, Timeout, Refused or Failed with what went wrong.
    """
    times = rehearsal.times
    with times.phase("look at the computer"):
        rehearsal.look()
    with times.phase("toolchain"):
        rehearsal.provide()
    rehearsal.before = Snapshot.take(rehearsal.layout)
    try:
        with times.phase("nodes"):
            rehearsal.start()
        _show(rehearsal, BEFORE, only)
        with times.phase("up"):
            rehearsal.up()
        _show(rehearsal, PHASES, only)
        if not rehearsal.keep:
            with times.phase("destroy"):
                rehearsal.destroy()
    except BaseException:
        report.explain(rehearsal)
        raise
    finally:
        if not rehearsal.keep:
            with times.phase("end"):
                rehearsal.end()
    report.close(rehearsal)


def _show(rehearsal: Rehearsal, phases: Iterable[Phase], only: Collection[str]) -> None:
    """Show the phases that fit the platform, or those of them that `only` names."""
    for phase in phases:
        if phase.fits(rehearsal) and (not only or phase.name in only):
            with rehearsal.times.phase(phase.name):
                phase.show(rehearsal)
