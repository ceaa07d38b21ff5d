"""The platform of a committed stack file, as plain data."""

from datetime import date
from pathlib import Path
from typing import Any

from core.model import StackFileError, stackfile


class StackFileRefusedError(RuntimeError):
    """The stack file has faults; the text lists them."""


def committed(stack: str, checkout: Path) -> dict[str, Any]:
    """The platform as the program reads it, key to value, with its included files and its machines' classes put in.

    Raises StackFileRefusedError where the stack file has faults.
    """
    try:
        return stackfile.written_out(checkout / f"Pulumi.{stack}.yaml", root=checkout, today=date.today())
    except StackFileError as error:
        raise StackFileRefusedError(error.report) from None
