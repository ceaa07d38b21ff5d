"""Flags of a program that Talos starts: Talos' own, with those of the machine's config merged in as Talos merges them.

Source: siderolabs/talos, pkg/argsbuilder at v1.12 to v1.14.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Policy(Enum):
    """What Talos does where the config sets a flag that Talos sets too."""

    OVERRIDABLE = "overridable"
    """The config's value replaces Talos' own."""
    ADDITIVE = "additive"
    """The config's values are added to Talos' own, separated by commas."""
    DENIED = "denied"
    """The program is not started."""


@dataclass(frozen=True)
class Flag:
    """One flag as the program gets it."""

    values: tuple[str, ...]
    """A value for each time that the flag is given; empty where only the running machine knows it."""
    origin: str
    """Where it comes from: Talos and its release, or the document or patch that sets it last."""
    policy: Policy = Policy.OVERRIDABLE


@dataclass(frozen=True)
class Program:
    """One program that Talos starts."""

    name: str
    flags: Mapping[str, Flag]
    denied: Mapping[str, str] = field(default_factory=dict)
    """Flags of the config with which Talos does not start the program: name to origin."""

    def arguments(self) -> list[str]:
        """The flags as they are on the command line, in Talos' order."""
        return [f"--{name}={value}" for name, flag in sorted(self.flags.items()) for value in flag.values]


def policies(additive: Iterable[str] = (), denied: Iterable[str] = ()) -> dict[str, Policy]:
    """Flag to what Talos does where the config sets it; any other flag is overridable."""
    return {**dict.fromkeys(additive, Policy.ADDITIVE), **dict.fromkeys(denied, Policy.DENIED)}


def values(given: Any) -> tuple[str, ...]:
    """The values of a flag as a config writes it: a text, or a list of texts."""
    return tuple(_text(each) for each in given) if isinstance(given, list | tuple) else (_text(given),)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def program(
    name: str,
    own: Mapping[str, tuple[str, ...]],
    extra: Mapping[str, Flag],
    rules: Mapping[str, Policy],
    origin: str,
) -> Program:
    """A program with Talos' own flags and those of the config."""
    flags = {
        flag: Flag(value, origin, rules.get(flag, Policy.OVERRIDABLE)) for flag, value in own.items()
    }  # fmt: skip
    denied = {}
    for flag, given in extra.items():
        policy = rules.get(flag, Policy.OVERRIDABLE)
        if policy is Policy.DENIED:
            denied[flag] = given.origin
        elif policy is Policy.ADDITIVE:
            present = flags[flag].values if flag in flags else ()
            flags[flag] = Flag((_added(present, given.values),), given.origin, policy)
        else:
            flags[flag] = Flag(given.values, given.origin, policy)
    return Program(name, flags, denied)


def _added(present: tuple[str, ...], more: tuple[str, ...]) -> str:
    parts = (part.strip() for value in (*present, *more) for part in value.split(","))
    return ",".join(dict.fromkeys(part for part in parts if part))
