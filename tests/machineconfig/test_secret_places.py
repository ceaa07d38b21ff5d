"""The table of places of secrets, compared with the types of Talos' own code and with its validation."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from conftest import changed, stack_platform

from core.effective import judged
from core.facts import secret_forms
from core.facts.secret_places import NONE, holds, known_kinds, places
from core.machineconfig.redaction import secret
from core.model import parse
from tests.machineconfig.judge import Judge
from tests.machineconfig.types import KINDS

pytestmark = pytest.mark.engine
RELEASES = ("config-judge-v112", "config-judge")
STAND_INS = [f"(secret {number:012x})" for number in range(9)]


@pytest.fixture(scope="module")
def judges() -> Iterator[dict[str, Judge]]:
    judges = {binary: Judge(binary) for binary in RELEASES}
    yield judges
    for each in judges.values():
        each.end()


@pytest.fixture(scope="module")
def shapes(judges) -> list[dict[str, Any]]:
    return [judge.all([{"kinds": ["", *KINDS]}])[0]["shapes"] for judge in judges.values()]


def _leads(shape: dict[str, Any] | None, path: Sequence[str]) -> bool:
    """Whether a path leads to a text of this type. What an open field holds is no matter of Talos' types."""
    for part in path:
        if shape is None:
            return False
        if part == "**" or shape["kind"] == "interface" or (shape.get("elem") or {}).get("kind") == "interface":
            return True
        if shape.get("atom"):
            return part == "key" and shape["type"].startswith("x509.PEMEncoded")
        fields = shape.get("fields") or {}
        if part == "*" and fields:
            shape = next(iter(fields.values()))
        else:
            shape = shape.get("elem") if part in ("*", "[]") else fields.get(part)
    return shape is not None and not shape.get("fields")


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, place.path) for kind in sorted(("", *known_kinds() - NONE)) for place in places(kind)]
)
def test_each_place_is_a_field_of_talos(shapes, kind, path):
    """With a misspelt one, a secret would be accepted in plain text, and refused encrypted."""
    assert any(_leads(release.get(kind), path) for release in shapes), (kind, path)


def _texts(shape: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if shape["kind"] == "string":
        yield path
    for name, inner in (shape.get("fields") or {}).items():
        yield from _texts(inner, (*path, name))
    if shape.get("elem"):
        yield from _texts(shape["elem"], (*path, "*" if shape["kind"] == "map" else "[]"))


SAFE = ("content", "auth", "publicKey", "tlsServerName", "environment", "authorizationConfig", "acceptedCAs", "keys")


def test_no_text_of_talos_that_is_named_like_a_secret_is_missing_in_the_table(shapes):
    for release in shapes:
        for kind, shape in release.items():
            for path in _texts(shape):
                if secret(path[-1:], "x") and path[-1] not in SAFE:
                    written = tuple({"[]": 0, "*": "name"}.get(part, part) for part in path)
                    assert holds(kind, written), (kind, path)


def test_talos_validates_a_config_with_made_up_secrets(judges):
    """A stand-in is no key of WireGuard, and no base64: the config is judged all the same."""

    def ask(questions):
        return judges["config-judge"].all(list(questions))

    wireguard = {
        "apiVersion": "v1alpha1",
        "kind": "WireguardConfig",
        "name": "wg0",
        "privateKey": STAND_INS[0],
        "addresses": [{"address": "10.99.0.1/24"}],
        "peers": [{"publicKey": secret_forms.made_up("WireguardConfig", ("privateKey",), "a"),
                   "presharedKey": STAND_INS[1], "allowedIPs": ["10.99.0.2/32"]}],
    }  # fmt: skip
    patches = [
        wireguard,
        {"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "nut", "environment": [STAND_INS[2]]},
        {"apiVersion": "v1alpha1", "kind": "RegistryAuthConfig", "name": "r.example.com", "username": "u",
         "password": STAND_INS[3]},
        {"machine": {"env": {"https_proxy": STAND_INS[4]}}},
    ]  # fmt: skip
    platform = parse(changed(stack_platform("dev"), {"talos.patches": patches}))
    assert judged.faults(platform, ask) == []
    # Talos does refuse a stand-in there, so the test above shows something.
    given = judged._question(platform, "cp-1", judged.sources(platform, "cp-1"))
    made_up = secret_forms.made_up("WireguardConfig", ("privateKey",), STAND_INS[0])
    (answer,) = ask([{**given, "config": given["config"].replace(made_up, STAND_INS[0])}])
    assert made_up in given["config"] and "private key is invalid" in answer["error"]
