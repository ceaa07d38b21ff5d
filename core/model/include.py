"""Parts of a platform in files of their own: many VMs, or one file per team.

Pulumi hands a stack's config to the program in one environment variable, which Linux limits to 128 KiB: about a
thousand VMs. Included files are read from the checkout instead.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from core.facts.characters import invisible

from . import sealed, yamlfile
from .faults import Fault, Sentence, StackFileError, fault, sentence
from .yamlfile import Document

# What a file may contain: mappings by name, which can be combined without losing an entry.
SECTIONS = ("machines", "vms", "workloads")
# Characters of a path; far more than a checkout needs, and few enough for a message.
_LONGEST = 255
_INSIDE = "a plan must be the same on every computer"
_PATH = "write a path relative to the checkout, e.g. vms/team-a.yaml"


@dataclass
class Included:
    """A platform with its included files put in."""

    platform: Any
    """The same value, if it names no files."""
    owners: dict[tuple[str, str], Document] = field(default_factory=dict)
    """Section and name of an entry -> the file that defines it; entries of the stack file itself are not in it."""
    faults: list[Fault] = field(default_factory=list)
    incomplete: bool = False
    """A file could not be read, so that entries may be missing."""


def included(raw: Any, root: Path) -> Any:
    """The platform with its included files put in.

    root: the folder that the paths start from. Raises StackFileError with every fault of the includes.
    """
    whole = put_in(raw, root)
    if whole.faults:
        raise StackFileError(whole.faults)
    return whole.platform


def put_in(raw: Any, root: Path) -> Included:
    """The platform with its included files put in, and what is wrong with them. root: as for `included`."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("include"), list):
        return Included(raw)  # The model reports any other value.
    sections = {name: dict(raw[name] or {}) for name in SECTIONS if isinstance(raw.get(name, 0), Mapping | None)}
    whole = Included({**raw, **sections})
    names: set[str] = set()
    for index, name in enumerate(raw["include"]):
        path = ("include", str(index))
        try:
            document = _read(name, root)
            if name in names:
                raise ValueError(sentence(f"names {name} again", "every entry of it would be there twice", "remove it"))
            names.add(name)
        except ValueError as error:
            whole.faults.append(Fault(path, Sentence.of(error.args[0])))
            whole.incomplete = True
        except yamlfile.NoFileError as error:
            whole.faults.append(Fault(path, error.text))
            whole.incomplete = True
        except StackFileError as error:
            whole.faults += error.faults
            whole.incomplete = True
        else:
            whole.faults += _added(whole, document)
    return whole


def _added(whole: Included, document: Document) -> Iterator[Fault]:
    """Add the entries of a file to the platform, and yield what is wrong with the file."""
    yield from document.faults
    yield from (_placed(each, document) for each in sealed.included_faults(document.value))
    for section, entries in _sections(document):
        present = whole.platform.setdefault(section, {})
        for entry, value in entries.items():
            if not isinstance(present, dict):
                break  # The model reports it.
            path = (section, entry)
            if entry in present:
                there = whole.owners.get(path)
                first = f"in {there.place(path)[0]}" if there else "in the stack file"
                yield _placed(
                    fault(
                        path,
                        f"is defined already, {first}",
                        "one of the two definitions would be lost",
                        "rename one of them, or remove it",
                    ),
                    document,
                )
            else:
                present[entry] = value
                whole.owners[path] = document
    yield from _strange(document)


def _sections(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(document.value, Mapping):
        for section in SECTIONS:
            if isinstance(entries := document.value.get(section), Mapping):
                yield section, entries


def _strange(document: Document) -> Iterator[Fault]:
    """What a file contains beside mappings of machines, VMs and workloads; empty ones mean that nothing is set."""
    why, instead = "only mappings by name can be combined without losing an entry", ", ".join(SECTIONS)
    if document.value is not None and not isinstance(document.value, Mapping):
        text = sentence(
            "the file is not a mapping", why, "write machines: {…}, vms: {…} or workloads: {…} at its top level"
        )
        yield _placed(Fault((), text, root=""), document)
        return
    for key, value in (document.value or {}).items():
        if key not in SECTIONS:
            what = f"does not belong into an included file, which may contain {instead}"
            yield _placed(fault((key,), what, why, "write it in the stack file itself"), document)
        elif value is not None and not isinstance(value, Mapping):
            yield _placed(fault((key,), "is not a mapping", why, f"write {key}: {{NAME: {{…}}}}"), document)


def _placed(fault: Fault, document: Document) -> Fault:
    return replace(fault, at=document.place(fault.path)[0])


def _read(name: Any, root: Path) -> Document:
    """An included file. Raises ValueError with a sentence for a path that is none; StackFileError for its content."""
    if not isinstance(name, str) or not name:
        raise ValueError(sentence("is not a path", "it names a file with more of the platform", _PATH))
    if found := invisible(name):
        what = f"contains the character {found}"
        raise ValueError(sentence(what, "a reader does not see it, and no file of a checkout has it", _PATH))
    if len(name) > _LONGEST:
        raise ValueError(sentence(f"is longer than {_LONGEST} characters", "it can't be read by everyone", _PATH))
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(sentence("is not a path inside the checkout", _INSIDE, _PATH))
    if link := _link(root, path):
        what = f"is not a path inside the checkout: {link} is a symbolic link"
        raise ValueError(sentence(what, _INSIDE, "write the path of the file that the link leads to, or copy it"))
    return yamlfile.document(root / path, name, "its machines, VMs and workloads would be missing")


def _link(root: Path, path: PurePosixPath) -> PurePosixPath | None:
    """The first link on the way to a file of the checkout; None where there is none."""
    way = [part for part in (*reversed(path.parents), path) if part.parts]
    try:
        return next((part for part in way if (root / part).is_symlink()), None)
    except OSError:
        return None  # A name that is too long; reading the file reports it.
