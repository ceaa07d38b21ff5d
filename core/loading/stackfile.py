"""The one loader of stack files: every command and the program itself read a platform with it.

Whatever is wrong with a file is one StackFileError with all its faults, and `report` is what a person reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from core.effective.faults import faults as of_patches
from core.model import classes, envelope, sealed, setting, stored, yamlfile
from core.model.envelope import KEY, config_of
from core.model.faults import Fault, StackFileError, fault
from core.model.include import put_in
from core.model.load import parse
from core.model.platform import Platform
from core.model.yamlfile import Document

from . import chartfile
from .handed import is_read_from
from .sources import Sources

__all__ = ["KEY", "Handed", "assemble", "document", "handed", "load", "written_out"]

_OTHERWISE = "it describes the whole platform"


def document(file: Path, name: str | None = None) -> Document:
    """A stack file as YAML, with every fault of the file itself; the platform's own values are not judged.

    name: the file as messages call it, if that is not its name. Raises StackFileError where it can't be read.
    """
    found = yamlfile.document(file, name or file.name, _OTHERWISE)
    return replace(found, faults=(*map(_below_platform, found.faults), *envelope.faults(found)))


def load(file: Path, *, root: Path, today: date, name: str | None = None) -> Platform:
    """The platform of a stack file.

    root: the checkout, which paths under include: start from. today: recorded exceptions that ended before are faults.
    name: the file as messages call it, if that is not its name. Raises StackFileError with every fault.
    """
    found = document(file, name)
    config = config_of(found.value)
    closed = sealed.without_secrets(config.get(KEY), config)
    with _naming(file):
        return _assembled(closed.platform, found, (*_credentials(found), *closed.faults), root, today)


def assemble(raw: Any, *, root: Path, today: date) -> Platform:
    """The platform of a config value; None where the config has none.

    root, today: as for `load`. Raises StackFileError with every fault.
    """
    return _assembled(raw, None, (), root, today)


@dataclass(frozen=True)
class Handed:
    """What the engine handed to the program."""

    platform: Platform
    """With stand-ins for what the stack file has encrypted."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret."""
    from_file: bool = False
    """The engine read it from the stack file, so that faults have a place there."""


def handed(raw: Any, keys: Iterable[str], file: Path, *, root: Path, today: date, encrypted: bool = False) -> Handed:
    """The platform of the config value that the engine handed to the program.

    The engine hands on values alone, so what it loses is read from the stack file, if that is where it read the value.
    keys: all keys of the program's config. file: the stack file. root, today: as for `load`. encrypted: the engine has
    decrypted something in the value, so that the file must say what.
    Raises StackFileError with every fault.
    """
    unknown = tuple(envelope.unknown_settings(keys))
    with _naming(file):
        try:
            found: Document | None = document(file)
        except StackFileError:
            found = None  # The engine can't have read it either.
        if found is None or not is_read_from(raw, found):
            if encrypted:
                raise StackFileError([*unknown, _not_in_the_file()])
            return Handed(_assembled(raw, None, unknown, root, today))
        closed = sealed.sealed(raw, config_of(found.value), KEY)
        if encrypted and not closed.secrets and not closed.faults:
            raise StackFileError([*unknown, _not_in_the_file()])
        known = (*_credentials(found), *closed.faults)
        platform = _assembled(closed.platform, found, known, root, today)
        return Handed(platform, closed.secrets, from_file=True)


def is_elsewhere(file: Path) -> bool:
    """Whether a stack file has no platform, because the engine takes config from an environment that the file names.

    Raises StackFileError where the file can't be read.
    """
    found = document(file)
    return KEY not in config_of(found.value) and isinstance(found.value, dict) and "environment" in found.value


def includes(file: Path, root: Path) -> list[Path]:
    """The paths of the files that a stack file includes; none where it can't be read. root: as for `load`."""
    try:
        platform = config_of(document(file).value).get(KEY)
    except StackFileError:
        return []
    names = platform.get("include") if isinstance(platform, Mapping) else None
    return [root / name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def placed(faults: Iterable[Fault], file: Path, *, root: Path, name: str | None = None) -> list[Fault]:
    """Faults that were found after the file was loaded, with their places.

    root, name: as for `load`. Raises StackFileError where the file can no longer be read.
    """
    found = document(file, name)
    whole = put_in(config_of(found.value).get(KEY), root)
    return [Sources(found, whole.owners).placed(each, whole.platform) for each in faults]


def written_out(file: Path, *, root: Path, today: date) -> dict[str, Any]:
    """The platform as the file's keys to their values, with its includes and classes put in and validated.

    Raises StackFileError with every fault.
    """
    load(file, root=root, today=today)
    config = config_of(document(file).value)
    platform = dict(put_in(sealed.without_secrets(config[KEY], config).platform, root).platform)
    platform["machines"] = {name: dict(machine) for name, machine in platform["machines"].items()}
    classes.resolve(platform)
    for machine in platform["machines"].values():
        machine.pop("class", None)
    return {key: value for key, value in platform.items() if key not in ("include", "classes")}


def _assembled(raw: Any, found: Document | None, known: tuple[Fault, ...], root: Path, today: date) -> Platform:
    """The platform of a value. found: the file that it was read from. known: what is wrong with that file."""
    around = {fault.path for fault in known if not fault.root}
    if raw is None and not around:
        raise StackFileError([*known, Sources(found).placed(_no_platform(), None)])
    if raw is None or around & {("config",), (KEY,)}:
        # It is missing because of these, or it is not certain which value is meant.
        raise StackFileError(known)
    whole = put_in(raw, root)
    sources = Sources(found, whole.owners)
    try:
        platform = parse(whole.platform, today, (*known, *whole.faults), incomplete=whole.incomplete)
        if faults := [*chartfile.faults(platform, root), *of_patches(platform)]:
            raise StackFileError(faults)
    except StackFileError as error:
        raise StackFileError(sources.placed(each, whole.platform) for each in error.faults) from None
    return platform


def _credentials(found: Document) -> Iterator[Fault]:
    """The faults of a file, with those of the credentials in it."""
    yield from found.faults
    for path, text in stored.faults(config_of(found.value)):
        yield Fault(path, text, root="", at=found.place(("config", *path))[0])


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Put the stack's name into commands that messages contain."""
    stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    try:
        yield
    except StackFileError as error:
        raise StackFileError(replace(each, text=setting.named(each.text, stack)) for each in error.faults) from None


def _below_platform(found: Fault) -> Fault:
    """A fault of a file, with its path from the platform, or from the config, on."""
    if found.path[:2] == ("config", KEY) and found.path[2:]:
        return replace(found, path=found.path[2:])
    return replace(found, root="", path=found.path[1:] if found.path[1:] and found.path[0] == "config" else found.path)


def _not_in_the_file() -> Fault:
    # No message about the value itself: it contains what the engine decrypted.
    return fault(
        (),
        "has an encrypted value that is not in the stack file of this folder",
        "only the file says which values are secret, and this one could leave in plain text",
        "run in the folder of the stack file, without --config-file",
    )


def _no_platform() -> Fault:
    return fault(
        (),
        "is missing",
        f"a stack file describes the whole platform under config: {KEY}",
        "copy that key from Pulumi.dev.yaml and adapt it",
    )
