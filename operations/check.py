"""`python -m operations.check --from FOLDER [--json] FILE...`, which `./bedplate check` starts.

It judges stack files by what a plan judges before it starts, from the files alone: no engine, no state, no network.
With --before COMMAND it says nothing of a file without faults: a plan by `./bedplate` starts so.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from clients import judge
from core.loading import stackfile
from core.model import Platform, StackFileError
from core.model.advice import advice
from core.model.faults import Fault, Place, Sentence
from core.printable import LINE_CHARACTERS, printable
from runner import pipes

_POLICIES = "the policies (./bedplate preview judges them)"


@dataclass(frozen=True)
class Judged:
    """What was found about one stack file. `--json` prints it; docs/check.md documents the fields."""

    file: str
    """Its path from the folder in which the command was typed."""
    faults: tuple[Fault, ...]
    unasked: tuple[str, ...] = ()
    """What could not be judged here, and where it is."""
    warnings: tuple[Fault, ...] = ()
    """What is no fault and may not be meant."""


def main(arguments: list[str]) -> int:
    """Print the faults of stack files. Yields the exit code: 0 if there are none, and 2 otherwise."""
    parser = argparse.ArgumentParser(prog="./bedplate check")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="where the command was typed")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--root", type=Path, help="the checkout; by default the folder of the file")
    parser.add_argument("--before", metavar="COMMAND", help="say nothing without faults")
    given = parser.parse_args(arguments)
    # A plan asks Talos itself.
    ask = not given.before
    files = dict.fromkeys(stack for file in given.files for stack in _stacks_of(file))
    results = [judged(file, given.folder, date.today(), given.root, ask=ask) for file in files]
    if given.before:
        return _before(given.before, results)
    print(as_json(results) if given.json else "\n".join(line for result in results for line in lines(result)))
    return 2 if any(result.faults for result in results) else 0


def _stacks_of(file: Path) -> list[Path]:
    """The stack files that a person means: those that include the file, or the file itself."""
    if file.name.startswith("Pulumi."):
        return [file]
    checkout = next((folder for folder in file.parents if (folder / "Pulumi.yaml").is_file()), file.parent)
    stacks = sorted(checkout.glob("Pulumi.*.yaml"))
    return [stack for stack in stacks if file in stackfile.includes(stack, checkout)] or [file]


def judged(file: Path, folder: Path, today: date, root: Path | None = None, *, ask: bool = True) -> Judged:
    """What is wrong with a stack file.

    folder: paths are shown from there on. root: the checkout; by default the folder of the file. ask: Talos' own
    validation too, where it is at hand.
    """
    name, root = _shown(file, folder), root or file.parent
    try:
        if stackfile.is_elsewhere(file):
            return Judged(name, (), ("the platform, which the engine takes from an environment",))
        platform = stackfile.load(file, root=root, today=today, name=name)
        refused, unasked = _by_talos(platform) if ask else ([], ())
        if refused:
            raise StackFileError(stackfile.placed(refused, file, root=root, name=name))
        warnings = stackfile.placed(advice(platform, today), file, root=root, name=name)
    except StackFileError as error:
        return Judged(name, _shown_from(folder, root, name, error.faults))
    return Judged(name, (), (*unasked, _POLICIES), _shown_from(folder, root, name, warnings))


def _by_talos(platform: Platform) -> tuple[list[Fault], tuple[str, ...]]:
    """What Talos' own validation refuses, and what it could not be asked."""
    try:
        refused = judge.refusals(platform, os.environ)
    except judge.JudgeError as error:
        return [], (f"Talos' own validation of the machines ({error}; {judge.REMEDY.partition(',')[0]})",)
    if refused is None:
        return [], (f"Talos' own validation of the machines ({judge.REMEDY.partition(',')[0]})",)
    return refused, ()


def _before(command: str, results: Iterable[Judged]) -> int:
    """Print what a command that can't start says of faulty files. Yields the exit code."""
    faults = [fault for result in results for fault in result.faults]
    if faults:
        print(f"{command}: {StackFileError(faults).report}", file=sys.stderr)
    return 2 if faults else 0


def lines(result: Judged) -> Iterable[str]:
    """What a person reads of one file: a line for each fault and warning, which starts with file, line and column."""
    for kind, found in (("", result.faults), ("warning: ", result.warnings)):
        for fault in found:
            text = kind + str(replace(fault, at=None))
            yield printable(f"{fault.at}:{fault.at.column}: {text}" if fault.at else text, LINE_CHARACTERS)
    verdict = _counted(result.faults, "fault") if result.faults else "no faults"
    verdict += f", {_counted(result.warnings, 'warning')}" if result.warnings else ""
    yield printable(f"{result.file}: {verdict}" + "".join(f"; not judged here: {each}" for each in result.unasked))


def _counted(found: tuple[Fault, ...], noun: str) -> str:
    return f"{len(found)} {noun}{'s' * (len(found) != 1)}"


def as_json(results: Iterable[Judged]) -> str:
    """The results as JSON, for programs. Version 1 of the shape may get more fields and loses none."""
    files = [
        {
            "file": result.file,
            "faults": [_fields(result.file, fault) for fault in result.faults],
            "warnings": [_fields(result.file, warning) for warning in result.warnings],
            "not_judged": list(result.unasked),
        }
        for result in results
    ]
    return json.dumps({"version": 1, "files": files}, indent=1)


def _fields(file: str, fault: Fault) -> dict[str, Any]:
    place = fault.at or Place(file, 1, 1)
    text = Sentence.of(fault.text)
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "path": fault.where,
        "what": text.what,
        "why": text.why,
        "instead": text.instead,
        "text": str(fault),
    }


def _order(fault: Fault) -> tuple[str, int, int, Fault]:
    return (fault.at.file, fault.at.line, fault.at.column, fault) if fault.at else ("", 0, 0, fault)


def _shown_from(folder: Path, root: Path, name: str, faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted((_from(folder, root, name, fault) for fault in faults), key=_order))


def _from(folder: Path, root: Path, name: str, fault: Fault) -> Fault:
    """A fault with the path of its file from a folder on; messages call an included file by its path from root."""
    if fault.at is None or fault.at.file == name:
        return fault
    return replace(fault, at=replace(fault.at, file=_shown(root / fault.at.file, folder)))


def _shown(file: Path, folder: Path) -> str:
    """The path of a file as a person in that folder writes it."""
    return os.path.relpath(file, folder) if file.is_relative_to(folder) else str(file)


if __name__ == "__main__":
    sys.exit(pipes.guarded(lambda: main(sys.argv[1:])))
