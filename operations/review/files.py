"""A folder in which the engine runs this checkout's program with the stack file of another checkout.

Only data comes from the other checkout: the stack file, the files that it includes, and the folder of a chart. Links
are not followed, and no file that Python could import is taken.
"""

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from core.model import StackFileError, yamlfile
from core.model.faults import Fault, fault
from core.model.stackfile import KEY

# Config of other namespaces configures plugins: a kubeconfig in it could name a command to run.
_NAMESPACE = "bedplate:"
_LARGEST_BYTES = 4 << 20
_CHART_FILES = frozenset((".yaml", ".yml", ".tpl", ".txt", ".json", ".md", ".lock", ""))
_PROJECT = "Pulumi.yaml"


def prepared(stack: str, trusted: Path, given: Path, folder: Path) -> Path:
    """Make the folder: the program of `trusted`, with the files of `given`. Returns its path.

    Raises StackFileError with every fault of the files.
    """
    folder.mkdir()
    programs = {entry.name for entry in _programs(trusted)}
    for name in programs:
        (folder / name).symlink_to(trusted / name)
    shutil.copyfile(trusted / _PROJECT, folder / _PROJECT)
    name = f"Pulumi.{stack}.yaml"
    text = _file(given, name, programs)
    (folder / name).write_bytes(text)
    try:
        document = yamlfile.read(folder / name, name, "it describes the whole platform")
    except ValueError as error:
        raise StackFileError([Fault((), str(error))]) from None
    (folder / name).write_text(json.dumps(without_secrets(document)), encoding="utf-8")
    _copy(document, given, folder, programs)
    return folder


def without_secrets(document: Any) -> Any:
    """The config of a stack file with a stand-in for each encrypted value. Other settings of the file are left out.

    Raises StackFileError for config that is not Bedplate's.
    """
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        return {}
    others = [key for key in config if not str(key).startswith(_NAMESPACE)]
    if others:
        raise _refused(
            f"the stack file has config for {', '.join(map(repr, others))}",
            "config of a plugin, such as a kubeconfig, could run a command on the computer of the reviewer",
            f"leave only keys that start with {_NAMESPACE}",
        )
    return {"config": {key: _open(value, key, config) for key, value in config.items()}}


def _open(value: Any, path: str, config: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return _whole(path, config)
        return {key: _open(part, f"{path}.{key}", config) for key, part in value.items()}
    return [_open(part, f"{path}[]", config) for part in value] if isinstance(value, list) else value


def _whole(path: str, config: Mapping[str, Any]) -> Any:
    """The stand-in for a value that is encrypted as a whole."""
    platform = config.get(KEY)
    registries = platform.get("registries") if isinstance(platform, Mapping) else None
    hosts = registries.get("auth") if isinstance(registries, Mapping) else None
    login = ("username", "password")
    parts: Mapping[str, Any] = {
        "bedplate:matchbox": ("ca", "certificate", "key"),
        "bedplate:bmc": login,
        "bedplate:registries": dict.fromkeys(hosts or (), login),
    }
    return _filled(parts.get(path, ()), path) or _text(path)


def _filled(parts: Any, path: str) -> Any:
    if isinstance(parts, Mapping):
        return {key: _filled(part, f"{path}.{key}") for key, part in parts.items()}
    return {part: _text(f"{path}.{part}") for part in parts}


def _text(path: str) -> str:
    return f"stand-in for {path}"


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
    if not source.is_dir():
        return
    for file in sorted(source.rglob("*")):
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
    if path.parts[0] in programs:
        raise _refused(
            f"{name} is in {path.parts[0]}/, which contains code",
            "a review takes no code from a pull request",
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
