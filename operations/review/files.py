"""A folder in which the engine runs this checkout's program with the stack file of another checkout.

Only data comes from the other checkout: the stack file, the files that it includes, and the folder of a chart. Links
are not followed, and no file that Python could import is taken.
"""

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from core.facts.charts import CACHE
from core.loading import stackfile
from core.loading.stackfile import KEY
from core.model import StackFileError
from core.model.faults import Fault, fault

from .config import without_secrets

_MOST_FILES = 500
_LARGEST_BYTES = 4 << 20
# Cilium's chart has scripts for its pods in .bash files. Nothing here runs them.
_CHART_FILES = frozenset((".yaml", ".yml", ".tpl", ".txt", ".json", ".md", ".gotmpl", ".bash", ".lock", ".tgz", ""))
_PROJECT = "Pulumi.yaml"


@dataclass(frozen=True)
class Prepared:
    """What the engine plans."""

    program: Path
    """A folder with the program, and the stack's files as they are."""
    config: Path
    """The stack file without secrets, which the engine reads."""


def prepared(stack: str, trusted: Path, given: Path, home: Path) -> Prepared:
    """Make, in an empty folder, the program of `trusted` with the files of `given`.

    Raises StackFileError with every fault of the files.
    """
    folder, config = home / "program", home / f"Pulumi.{stack}.yaml"
    folder.mkdir()
    programs = {entry.name for entry in _programs(trusted)}
    for name in programs:
        (folder / name).symlink_to(trusted / name)
    shutil.copyfile(trusted / _PROJECT, folder / _PROJECT)
    # Charts of repositories, each in a file that was compared with the digest in its name.
    charts = trusted / CACHE
    charts.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / CACHE).parent.mkdir()
    (folder / CACHE).symlink_to(charts)
    name = f"Pulumi.{stack}.yaml"
    text = _file(given, name, programs)
    (folder / name).write_bytes(text)
    document = stackfile.document(folder / name)
    if document.faults:
        raise StackFileError(document.faults)
    _copy(document.value, given, folder, programs)
    config.write_text(json.dumps(without_secrets(document.value)), encoding="utf-8")
    return Prepared(folder, config)


def _programs(trusted: Path) -> Iterator[Path]:
    """Yield what is code at the root of a checkout: the program, and every package."""
    for entry in sorted(trusted.iterdir()):
        if entry.name == "__main__.py" or (entry.is_dir() and (entry / "__init__.py").is_file()):
            yield entry


def _copy(document: Any, given: Path, folder: Path, programs: set[str]) -> None:
    config = document.get("config") if isinstance(document, Mapping) else None
    platform = config.get(KEY) if isinstance(config, Mapping) else None
    if not isinstance(platform, Mapping):
        return  # The program reports it.
    faults = []
    for path, name, is_folder in _named(platform):
        try:
            source = _inside(given, name, programs)
            if not source.exists():
                continue  # The program reports it.
            files = list(_chart(source, given, programs)) if is_folder else [_yaml(name)]
            for each in files:
                (folder / each).parent.mkdir(parents=True, exist_ok=True)
                (folder / each).write_bytes(_file(given, each, programs))
        except StackFileError as error:
            faults += [Fault(path, each.text) for each in error.faults]
    if faults:
        raise StackFileError(faults)


def _named(platform: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Yield each file that a platform names: the path of its key, the file's path, and whether it is a folder."""
    includes = platform.get("include")
    for index, name in enumerate(includes if isinstance(includes, list) else []):
        if isinstance(name, str) and not PurePosixPath(name).is_absolute():
            yield ("include", str(index)), name, False
    cilium = platform.get("cilium")
    chart = cilium.get("chart") if isinstance(cilium, Mapping) else None
    if isinstance(chart, str) and chart and "://" not in chart and not PurePosixPath(chart).is_absolute():
        yield ("cilium", "chart"), chart, True


def _yaml(name: str) -> str:
    """The name of an included file. Raises StackFileError for one that Python or the engine would read as its own."""
    path = PurePosixPath(name)
    if path.suffix not in (".yaml", ".yml") or path.name.lower().startswith("pulumi"):
        raise _refused(
            f"{name} does not end in .yaml, or its name starts with Pulumi",
            "the engine and Python run what such files contain",
            "rename the file, e.g. vms/team-a.yaml",
        )
    return name


def _chart(source: Path, given: Path, programs: set[str]) -> Iterator[str]:
    """Yield the path of each file of a chart, from the root of its checkout."""
    if source.is_file() and source.suffix == ".tgz":
        yield source.relative_to(given).as_posix()
    found = sorted(islice(source.rglob("*"), _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        raise _refused(
            f"{source.relative_to(given)} has more than {_MOST_FILES} files",
            "a review would fill the disk",
            "name the folder of the chart alone",
        )
    for file in found:
        name = file.relative_to(given).as_posix()
        _inside(given, name, programs)
        if file.is_dir():
            continue
        if file.suffix not in _CHART_FILES:
            raise _refused(
                f"{name} is no file of a chart's text",
                "code of a pull request is never run beside the credentials of this computer",
                f"leave only files that end in {', '.join(sorted(_CHART_FILES - {''}))}",
            )
        yield name


def _inside(given: Path, name: str, programs: set[str]) -> Path:
    """The file of that name in the other checkout.

    Raises StackFileError for a name that leads out of it, or to code.
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or not name.isprintable():
        raise _refused(
            f"{name!r} is not a path inside the checkout",
            "files of the computer that reviews it are not part of a pull request",
            "write a path relative to the checkout, e.g. vms/team-a.yaml",
        )
    # On a file system that ignores case, Core/ is core/.
    if path.parts[0].casefold() in {each.casefold() for each in programs} or path.parts[0].startswith("."):
        raise _refused(
            f"{name} is in {path.parts[0]}/, which contains code or settings",
            "a review takes neither from a pull request",
            "move the file to a folder of its own, e.g. vms/",
        )
    here = given
    for part in path.parts:
        here = here / part
        if here.is_symlink():
            raise _refused(
                f"{name} is, or is below, a link",
                "a link can lead to any file of the computer that reviews it",
                "write the file itself",
            )
    return here


def _file(given: Path, name: str, programs: set[str]) -> bytes:
    """The content of a file of the other checkout. Raises StackFileError."""
    file = _inside(given, name, programs)
    try:
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _refused(f"{name} can't be read: {error.strerror}", "it is part of the plan", "add the file") from None
    if len(content) > _LARGEST_BYTES:
        raise _refused(
            f"{name} has more than {_LARGEST_BYTES >> 20} MiB", "a plan would take its memory", "split the file"
        )
    return content


def _refused(what: str, why: str, instead: str) -> StackFileError:
    return StackFileError([fault((), what, why, instead)])
