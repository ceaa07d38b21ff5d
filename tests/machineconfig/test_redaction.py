"""What the day-two commands show of a value that may be secret."""

import pytest

from core.facts.secret_places import known_kinds, places
from core.machineconfig.redaction import HIDDEN, shown_value

PLACES = sorted((kind, place.path) for kind in ("", *known_kinds() - {"ContainerConfig"}) for place in places(kind))


@pytest.mark.parametrize(
    ("kind", "path"), PLACES, ids=lambda value: value if isinstance(value, str) else ".".join(value)
)
def test_a_value_at_a_place_of_a_secret_is_never_shown(kind, path):
    keys = tuple("0" if key == "[]" else "name" if key in ("*", "**") else key for key in path)
    if kind == "KubeEtcdEncryptionConfig":
        keys = ("config", "resources", "0", "providers", "0", "secretbox")
    assert shown_value(keys, "hunter2") == HIDDEN
    assert shown_value(keys, "(secret 0123456789ab)") == "(secret 0123456789ab)"


@pytest.mark.parametrize(
    "path", [("encryption", "provider"), ("machine", "install", "image"), ("cluster", "apiServer", "extraArgs", "v")]
)
def test_another_value_is_shown(path):
    assert shown_value(path, "luks2") == "luks2"
