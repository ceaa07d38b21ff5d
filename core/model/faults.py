"""How a faulty stack file is reported: one line per fault, with the place, the fault, the reason and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from pydantic_core import PydanticCustomError

from core.printable import LINE_CHARACTERS, printable

ROOT = "platform"


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a stack file."""

    path: tuple[str, ...]
    """Keys from the platform down to the faulty value."""
    text: str
    surplus: bool = field(default=False, compare=False)
    """The fault is an unknown key: without it, the mapping around it is valid."""
    absent: bool = field(default=False, compare=False)
    """The fault is a missing key."""

    def __str__(self) -> str:
        keys = (part if part and part.isprintable() else repr(part) for part in self.path)
        return printable(f"{'.'.join((ROOT, *keys))}: {self.text}", LINE_CHARACTERS)


class StackFileError(Exception):
    """The stack file can't be used. Carries every fault that was found, in the order of the file's paths."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))

    @property
    def report(self) -> str:
        """What a person reads: how many faults there are, and one line for each."""
        count = len(self.faults)
        return f"the stack file has {count} fault{'' if count == 1 else 's'}\n{self}"


def refuse(what: str, why: str, instead: str) -> NoReturn:
    """End a field's validation with a message of our own. Never pass a value that could be a secret.

    Raises PydanticCustomError.
    """
    raise PydanticCustomError("refused", "{text}", {"text": sentence(what, why, instead)})


def sentence(what: str, why: str, instead: str) -> str:
    """The form of every fault: what is wrong, why it matters, what to write instead."""
    return f"{what}; {why}; {instead}"


def fault(path: tuple[str, ...], what: str, why: str, instead: str) -> Fault:
    """A fault at a path."""
    return Fault(path, sentence(what, why, instead))
