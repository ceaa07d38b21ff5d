"""The one loader of stack files: every command and the program itself read a platform with it.

Whatever is wrong with a file is one StackFileError with all its faults, and `report` is what a person reads.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from . import chartfile, classes, yamlfile
from .faults import Fault, StackFileError, fault
from .include import included
from .load import parse
from .platform import Platform

KEY = "bedplate:platform"
"""The key of a stack's config that contains the platform."""


def load(file: Path, *, root: Path, today: date) -> Platform:
    """The platform of a stack file.

    root: the checkout, which paths under include: start from. today: recorded exceptions that ended before are faults.
    Raises StackFileError with every fault.
    """
    return assemble(_platform_of(file), root=root, today=today)


def assemble(raw: Any, *, root: Path, today: date) -> Platform:
    """The platform of a config value, such as the engine hands to the program; None where the config has none.

    Raises StackFileError with every fault.
    """
    if raw is None:
        raise StackFileError([_no_platform()])
    platform = parse(included(raw, root), today)
    if faults := list(chartfile.faults(platform, root)):
        raise StackFileError(faults)
    # Loaded here, because what it loads needs the model.
    from core.effective.faults import faults as of_patches

    if faults := of_patches(platform):
        raise StackFileError(faults)
    return platform


def written_out(file: Path, *, root: Path, today: date) -> dict[str, Any]:
    """The platform as the file's keys to their values, with its includes and classes put in and validated.

    Raises StackFileError with every fault.
    """
    raw = _platform_of(file)
    assemble(raw, root=root, today=today)
    platform = dict(included(raw, root))
    platform["machines"] = {name: dict(machine) for name, machine in platform["machines"].items()}
    classes.resolve(platform)
    for machine in platform["machines"].values():
        machine.pop("class", None)
    return {key: value for key, value in platform.items() if key not in ("include", "classes")}


def _platform_of(file: Path) -> Any:
    """The value under `config: {bedplate:platform: …}`; None where there is none."""
    try:
        document = yamlfile.read(file, file.name, "it describes the whole platform")
    except ValueError as error:
        raise StackFileError([Fault((), str(error))]) from None
    config = document.get("config") if isinstance(document, Mapping) else None
    return config.get(KEY) if isinstance(config, Mapping) else None


def _no_platform() -> Fault:
    return fault(
        (),
        "is missing",
        f"a stack file describes the whole platform under config: {KEY}",
        "copy that key from Pulumi.dev.yaml and adapt it",
    )
