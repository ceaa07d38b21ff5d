"""Parts of a platform in files of their own: many VMs, or one file a team.

Pulumi hands a stack's config to the program in one environment variable, which Linux limits to 128 KiB: about a
thousand VMs. What is included is read from the checkout instead.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from .faults import Fault, StackFileError, sentence

# What a file may hold: mappings by name, so that putting them together can't lose anything.
SECTIONS = ("machines", "vms", "workloads")

# libyaml, where the wheel has it: ten times as fast on a file of this size.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def included(raw: Any, root: Path) -> Any:
    """The platform with its included files put in.

    root: the folder that the paths start from. Raises StackFileError with every fault of the includes.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("include"), list):
        return raw  # Whatever else stands there is told by the model.
    made = {**raw, **{section: dict(raw[section]) for section in SECTIONS if isinstance(raw.get(section), Mapping)}}
    faults: list[Fault] = []
    for index, name in enumerate(raw["include"]):
        where = ("include", str(index))
        try:
            part = _read(name, root)
        except ValueError as error:
            faults.append(Fault(where, str(error)))
            continue
        for section, entries in part.items():
            there = made.setdefault(section, {})
            if not isinstance(there, dict):
                continue  # Told by the model.
            faults += [
                Fault(
                    where,
                    sentence(
                        f"{name} names {section}.{entry}, which is there already",
                        "one of the two would be lost",
                        "give it another name, or keep it in one place",
                    ),
                )
                for entry in entries
                if entry in there
            ]
            there.update(entries)
    if faults:
        raise StackFileError(faults)
    return made


def _read(name: Any, root: Path) -> dict[str, Mapping[str, Any]]:
    path = PurePosixPath(name) if isinstance(name, str) else PurePosixPath("/")
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(
            sentence(
                "is not a path inside the checkout",
                "a plan must be the same on every machine",
                "write e.g. vms/team-a.yaml",
            )
        )
    try:
        with (root / path).open(encoding="utf-8") as file:
            part = yaml.load(file, _Loader)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(
            sentence(
                f"{name} can't be read ({why})",
                "its machines and VMs would be missing",
                "write the path of a YAML file, from the checkout's root",
            )
        ) from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f" in line {line + 1}" if line is not None else ""
        raise ValueError(
            sentence(
                f"{name} is not YAML{at}",
                "nothing in it can be trusted",
                "mend it; an editor with the schema shows where",
            )
        ) from None
    if (
        not isinstance(part, Mapping)
        or not all(isinstance(v, Mapping) for v in part.values())
        or set(part) - set(SECTIONS)
    ):
        raise ValueError(
            sentence(
                f"{name} holds something else than machines:, vms: and workloads:",
                "only mappings by name can be put together without loss",
                "write machines: {…} or vms: {…} at its top",
            )
        )
    return dict(part)
