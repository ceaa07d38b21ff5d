"""The name of an installer image is read in one way by the model, the provider, `drift` and the policies."""

import pytest

from core.facts import installer
from core.facts.installer import InstallerImage
from core.model import parse
from core.native.machine import TALOS_VERSION
from tests.conftest import stack_platform

ID = "0123456789abcdef" * 4
DIGEST = f"@sha256:{'f' * 64}"


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        (f"factory.talos.dev/metal-installer/{ID}:v1.14.2", ("factory.talos.dev/metal-installer", ID, "v1.14.2")),
        (f"10.0.0.1:5000/a/installer/{ID}:v1.14.2-beta.1", ("10.0.0.1:5000/a/installer", ID, "v1.14.2-beta.1")),
        (f"[fd00::1]:5000/installer/{ID}:v1.14.2", ("[fd00::1]:5000/installer", ID, "v1.14.2")),
        (f"f.io/metal-installer-secureboot/{ID}:v1.14.2{DIGEST}", ("f.io/metal-installer-secureboot", ID, "v1.14.2")),
        ("ghcr.io/siderolabs/installer:v1.14.2", ("ghcr.io/siderolabs", "", "v1.14.2")),
        (f"f.io/installer/{ID[:-1]}:v1.14.2", ("f.io/installer", "", "v1.14.2")),
    ],
)
def test_an_image_has_a_repository_a_schematic_and_a_version(image, parts):
    assert installer.parse(image) == InstallerImage(*parts)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "metal-installer:v1.14.2",
        f"f.io/metal-installer/{ID}",
        f"f.io/metal-installer/{ID}:latest",
        f"f.io/metal-installer/{ID}:v1.14",
        f"f.io/metal-installer/{ID}:v1.14.2@sha256:abc",
        f"f.io/metal-installer/{ID}:v1.14.2\n",
        f"https://f.io/metal-installer/{ID}:v1.14.2",
    ],
)
def test_a_name_without_an_exact_version_is_no_installer_image(image):
    assert installer.parse(image) is None
    assert not TALOS_VERSION.inputs["image"].type.valid(image)


@pytest.mark.parametrize("schematic", [ID, {"secureboot": True, "secureboot_keys": "firmware"}])
@pytest.mark.parametrize("host", ["factory.talos.dev", "mirror.lan:5000"])
def test_the_platforms_own_image_passes_the_provider_and_the_policy(host, schematic):
    raw = stack_platform("prod")
    raw["talos"] |= {"factory": f"https://{host}", "schematic": schematic}
    platform = parse(raw)
    parsed = installer.parse(platform.installer_of("cp-1"))
    assert parsed is not None
    assert parsed.from_factory
    assert (parsed.schematic, parsed.version) == (platform.schematic_id_of("cp-1"), platform.talos.version)
    assert TALOS_VERSION.inputs["image"].type.valid(platform.installer_of("cp-1"))
