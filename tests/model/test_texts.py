"""No text of a stack file contains what a reader does not see, whatever it ends in: the model is walked, not listed."""

import copy
import types
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from core.model import StackFileError, parse
from core.model.platform import Platform

HERE = Path(__file__).parent
TODAY = date(2026, 11, 1)
Path_ = tuple[str | int, ...]


def _everything() -> dict[str, Any]:
    text = (HERE / "everything.yaml").read_text(encoding="utf-8")
    named = {"PEM": HERE / "authority.pem", "KEY": HERE / "signer.pub"}

    def meant(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: meant(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [meant(inner) for inner in value]
        if value in named:
            return named[value].read_text(encoding="utf-8")
        return "ab" * 32 if value == "FINGERPRINT" else value

    made: dict[str, Any] = meant(yaml.safe_load(text))
    return made


EVERYTHING = _everything()
# Signatures need a newer contract than the other texts.
IMAGES = [{"image": "registry.example.com/shop/*", "key": (HERE / "signer.pub").read_text(encoding="utf-8")}]


def texts(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str, bool]]:
    """Each text of a config: the path of its entry, itself, and whether it is the key of that entry."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key), key, True
            yield from texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*path, index))


def put(raw: Any, path: Path_, text: Any, is_key: bool) -> dict[str, Any]:
    """The config with another text in that place."""
    made = copy.deepcopy(raw)
    at = made
    for part in path[:-1]:
        at = at[part]
    if is_key:
        at[text] = at.pop(path[-1])
    else:
        at[path[-1]] = text
    return made


def refusal(raw: dict[str, Any]) -> list[str]:
    try:
        parse(raw, TODAY)
    except StackFileError as refused:
        return [str(fault) for fault in refused.faults]
    return []


PLACES = list(texts(EVERYTHING))
# What no reader sees and some program acts on: control characters, line ends of every kind, formatting, blanks at ends.
UNSEEN = ["\n", "\r", "\x00", "\x1b", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff"]
# Attacked in tests of their own below, in tests/model/test_include.py, or refused in a class altogether.
ELSEWHERE = [
    ("classes", "*", "install", "disk", "serial"),
    ("classes", "*", "install", "disk", "wwid"),
    ("classes", "*", "schematic", "id"),
    ("include", "*"),
    ("machines", "*", "schematic", "id"),
    ("talos", "images", "*", "image"),
    ("talos", "images", "*", "key"),
    ("talos", "schematic", "id"),
    ("talos", "snapshots", "to", "claim"),
    # In tests/model/refused-guests.yaml: it is for amd64 alone.
    ("vms", "*", "memory", "max"),
]
# Texts of several lines on purpose: PEM, and what other programs read as files or as scripts.
SEVERAL_LINES = ("ca", "key", "trusted_roots", "patches", "cloud_init", "command", "values")


def test_the_platform_that_is_changed_is_valid():
    assert refusal(EVERYTHING) == []


def test_every_text_of_the_model_is_in_it():
    """A new field of the model fails here until its text is in everything.yaml, and so is attacked below."""
    there = {shape(path) for path, _, is_key in PLACES if not is_key}
    assert sorted(set(declared(Platform)) - there) == sorted(ELSEWHERE)


def shape(path: Path_) -> tuple[str, ...]:
    """A path of the config as the model's: names of entries and indices are *."""
    at: Any = Platform
    made: list[str] = []
    for part in path:
        fields = {field.alias or name: field for name, field in at.model_fields.items()} if is_model(at) else {}
        if part in fields:
            made.append(str(part))
            at = inner(fields[str(part)].annotation)
        else:
            made.append("*")
            if not is_model(at):
                continue
    return tuple(made)


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def inner(annotation: Any) -> Any:
    """The model within an annotation, or the annotation."""
    if is_model(annotation):
        return annotation
    found = [inner(argument) for argument in get_args(annotation)]
    return next((each for each in reversed(found) if is_model(each)), annotation)


def declared(annotation: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each text that the model declares, without keys of mappings."""
    origin = get_origin(annotation)
    if annotation is str:
        yield path
    elif is_model(annotation):
        for name, field in annotation.model_fields.items():
            yield from declared(field.annotation, (*path, field.alias or name))
    elif origin is Annotated:
        yield from declared(get_args(annotation)[0], path)
    elif origin in (tuple, list):
        yield from declared(get_args(annotation)[0], (*path, "*"))
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        # A free mapping, such as a patch, is attacked at the texts that everything.yaml has in it.
        if get_args(annotation)[1] is not Any:
            yield from declared(get_args(annotation)[1], (*path, "*"))
    elif origin is not Literal and (origin is types.UnionType or get_args(annotation)):
        for argument in get_args(annotation):
            yield from declared(argument, path)


@pytest.mark.parametrize("unseen", ["\n", "\x1b"], ids=lambda unseen: f"U+{ord(unseen):04X}")
def test_a_character_that_no_reader_sees_is_refused_in_every_text(unseen):
    accepted = []
    for path, text, is_key in PLACES:
        several = any(part in SEVERAL_LINES for part in path) and not is_key
        if unseen == "\n" and "accept_change" not in path and several:
            continue
        said = refusal(put(EVERYTHING, path, text + unseen, is_key))
        if not said:
            accepted.append((path, text))
        for line in said:
            assert line.isprintable() and line.count("; ") >= 2, line
    assert accepted == []


@settings(max_examples=150)
@given(st.sampled_from(PLACES), st.sampled_from(UNSEEN[1:]), st.data())
def test_it_is_refused_wherever_it_is_and_by_the_name_of_its_place(place, unseen, data):
    path, text, is_key = place
    position = data.draw(st.integers(0, len(text)))
    assume(unseen + text[position : position + 1] != "\r\n")  # The end of a line, as some editors write it.
    said = refusal(put(EVERYTHING, path, text[:position] + unseen + text[position:], is_key))
    assert any(line.startswith(f"platform.{path[0]}") or (is_key and len(path) == 1) for line in said), said


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("talos", "images"), lambda end: [{**IMAGES[0], "image": IMAGES[0]["image"] + end}], "talos.images.0.image"),
        (("talos", "images"), lambda end: [{**IMAGES[0], "key": IMAGES[0]["key"] + end}], "talos.images.0.key"),
        (("talos", "schematic"), lambda end: "ab" * 32 + end, "talos.schematic"),
        (("talos", "snapshots", "to"), lambda end: {"claim": f"etcd{end}"}, "talos.snapshots.to.claim"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_excludes_another_text_is_attacked_in_its_place(path, value, place):
    for unseen in UNSEEN[1:]:
        said = refusal(put(EVERYTHING, path, value(unseen), False))
        assert any(line.startswith(f"platform.{place}: ") for line in said), (place, unseen, said)


# What ends in a shell, a boot loader's script, a configuration or an address means itself.
@pytest.mark.parametrize("meant", [" ", '"', "'", "\\", "`", "$(reboot)", ";", "|", " && ", "<", ">", "{{", "\t"])
def test_a_character_with_a_meaning_elsewhere_is_refused_where_texts_end_in_scripts(meant):
    for path in (
        ("name",),
        ("boot", "provisioning", "interface"),
        ("boot", "provisioning", "http"),
        ("boot", "provisioning", "tftp_root"),
        ("boot", "matchbox", "endpoint"),
        ("boot", "assets"),
        ("boot", "kernel_args", 0),
        ("talos", "factory"),
        ("talos", "schematic", "kernel_args", 0),
        ("talos", "snapshots", "folder"),
        ("talos", "snapshots", "to", "nfs", "server"),
        ("talos", "snapshots", "to", "nfs", "path"),
        ("network", "time", 0),
        ("machines", "cp-1", "mac"),
        ("registries", "mirrors", "docker.io", "endpoints", 0),
        ("registries", "auth", 0),
        ("cilium", "chart"),
        ("cilium", "repository"),
        ("cilium", "version"),
        ("vms", "web", "image"),
        ("vms", "web", "namespace"),
    ):
        (text,) = (text for place, text, is_key in PLACES if place == path and not is_key)
        assert refusal(put(EVERYTHING, path, text[:3] + meant + text[3:], False)), (path, meant)
