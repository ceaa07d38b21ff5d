"""Rules for what a boot server writes into the scripts of boot loaders: arguments, addresses and names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.facts.addresses import is_plain, is_safe_for_boot
from core.facts.kernel_arguments import is_one_argument

from .field import Field
from .kernel import BOOT, PROFILE, arguments
from .rule import Resource, Rule

GROUP = frozenset({"matchbox:index/group:Group"})
# matchbox makes file names of names. Source: poseidon/matchbox v0.11, matchbox/storage/filestore.go.
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*", re.ASCII)


def arguments_whole(resource: Resource) -> Iterator[str]:
    """Yields kernel arguments that a boot loader would read as several, or as a command."""
    for argument in arguments(resource):
        if not is_one_argument(argument.text() or ""):
            yield f"{argument.path} is not one kernel argument"


def script_plain(resource: Resource) -> Iterator[str]:
    """Yields addresses, names and labels that mean more to a boot loader or to matchbox than themselves."""
    for place in _images(resource):
        if place.given and not is_plain(place.text() or ""):
            yield f"{place.path} is not a plain address"
    name, profile = resource.inputs["name"], resource.inputs["profile"]
    # A profile whose name is not known yet is one of this plan, where its own name is judged.
    for place in (name,) if profile.unknown else (name, profile):
        if place.given and not _NAME.fullmatch(place.text() or ""):
            yield f"{place.path} is not a plain name"
    for mapping in (resource.inputs["selector"], resource.inputs["metadata"]):
        for key, place in mapping.entries():
            if not _WORD.fullmatch(key) or not _WORD.fullmatch(place.text() or ""):
                yield f"{place.path} is not a plain word"


def images_by_tls(resource: Resource) -> Iterator[str]:
    """Yields kernels and initrds that come without TLS from outside of a private network."""
    for place in _images(resource):
        if is_plain(place.text() or "") and not is_safe_for_boot(place.text() or ""):
            yield f"{place.path} is fetched without TLS"


def _images(resource: Resource) -> list[Field]:
    return [resource.inputs["kernel"], *resource.inputs["initrds"].items()]


RULES = (
    Rule(
        name="boot-arguments-are-whole",
        severity="critical",
        kinds=BOOT,
        check=arguments_whole,
        why="Boot loaders run what follows a line break or one of ; && || as a command of its own.",
        remedy="write one argument per entry, with blanks within double quotes alone",
    ),
    Rule(
        name="boot-script-is-plain",
        severity="critical",
        kinds=PROFILE | GROUP,
        check=script_plain,
        why="Matchbox copies these texts into scripts that every booting machine runs, and into names of files.",
        remedy="write an address without user, query and blanks, or a name of letters, digits, dots and dashes",
    ),
    Rule(
        name="boot-images-come-by-tls",
        severity="high",
        kinds=PROFILE,
        check=images_by_tls,
        why="A kernel from the network is not signed, so whoever is on its way chooses what the machine runs.",
        remedy="use https, or http with an address of the private boot network",
    ),
)
