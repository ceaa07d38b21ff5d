"""Names, versions, addresses and images: ASCII alone, ports that exist, and the part that is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusing import accepted, refused

from core.facts import addresses, images


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("name", "dеv", "U+0435 CYRILLIC SMALL LETTER IE"),
        ("workloads.cр-9", {"image": "example.com/a/b:1"}, "U+0440 CYRILLIC SMALL LETTER ER"),
        ("machines.wk-1.location.rack", "r１2", "U+FF11 FULLWIDTH DIGIT ONE"),
        ("machines.wk-1.serial", "CZJ2340АBC", "U+0410 CYRILLIC CAPITAL LETTER A"),
        ("machines.wk-1.install.disk.serial", "S4EWNX0RО1", "U+041E CYRILLIC CAPITAL LETTER O"),
        ("machines.wk-1.install.disk.model", "MZ7\u200b*", "U+200B ZERO WIDTH SPACE"),
        ("talos.version", "v1.14.٢", "U+0662 ARABIC-INDIC DIGIT TWO"),
        ("talos.kubernetes", "v1.３5.4", "U+FF13 FULLWIDTH DIGIT THREE"),
        ("cilium.version", "1.19.٦", "U+0666 ARABIC-INDIC DIGIT SIX"),
        ("cilium.chart", "\u202eciliu", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("talos.reserved.memory", "5१2Mi", "U+0967 DEVANAGARI DIGIT ONE"),
        ("workloads.portal.cpu", "5٠m", "U+0660 ARABIC-INDIC DIGIT ZERO"),
        ("vms.erp.memory", "４Gi", "U+FF14 FULLWIDTH DIGIT FOUR"),
        ("vms.erp.image", "quay.io/containerdisks/fedorа:42", "U+0430 CYRILLIC SMALL LETTER A"),
        ("talos.logs", ["tcp://logs.example.com:50４4"], "U+FF14 FULLWIDTH DIGIT FOUR"),
    ],
)
def test_a_look_alike_is_shown_by_its_number_and_its_name(path, value, named):
    line = refused({path: value})
    shown = path.encode("ascii", "backslashreplace").decode()
    assert line.startswith(f"platform.{shown}") and f"it contains {named}; " in line
    assert line.partition(": ")[2].replace("…", "").isascii(), "the message itself shows no look-alike"


@pytest.mark.parametrize("text", ["Grund: die Prüfung läuft über Nacht", "Причина: замена стойки"])
def test_a_text_for_people_may_be_in_any_script(text):
    exception = {"control": "CIS 1.2.15", "reason": text, "until": "2027-03-31", "ticket": "OPS-1"}
    assert accepted({"exceptions": [exception]}).exceptions[0].reason == text


@pytest.mark.parametrize("port", ["0", "65536", "99999", "0443", "100000", "00"])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("talos.logs", "tcp://logs.example.com:{}"),
        ("talos.logs", "udp://[fd00::9]:{}"),
        ("talos.factory", "https://factory.example.com:{}"),
        ("cilium.repository", "https://charts.example.com:{}/stable"),
        ("registries.mirrors.quay", "https://mirror.example.com:{}"),
        ("boot.matchbox.endpoint", "matchbox.example.com:{}"),
        ("boot.assets", "http://10.20.0.9:{}/assets"),
        ("machines.wk-1.bmc.url", "https://wk-1.bmc.prod.example.com:{}"),
        ("vms.erp.image", "registry.example.com:{}/disks/erp:1"),
        ("kubevirt.registry", "registry.example.com:{}/kubevirt"),
    ],
)
def test_a_port_that_does_not_exist_is_named(path, value, port):
    address = value.format(port)
    written = {"talos.logs": [address], "registries.mirrors.quay": {"endpoints": [address]}}.get(path, address)
    line = refused({path: written})
    assert f": its port {port} " in line, line


@pytest.mark.parametrize("port", ["1", "80", "5044", "9999", "10000", "65535"])
def test_every_port_that_exists_is_accepted(port):
    edits = {
        "talos.logs": [f"tcp://logs.example.com:{port}", f"udp://[fd00::9]:{port}"],
        "talos.factory": f"https://factory.example.com:{port}",
        "machines.wk-1.bmc.url": f"https://wk-1.bmc.prod.example.com:{port}",
        "vms.erp.image": f"registry.example.com:{port}/disks/erp:1",
        "kubevirt.registry": f"registry.example.com:{port}/kubevirt",
    }
    assert accepted(edits)


@given(st.integers(0, 10**6))
def test_a_port_is_right_if_it_is_1_to_65535(port):
    assert (addresses.port_fault(f"https://host:{port}/x") is None) == (1 <= port <= 65535)


@pytest.mark.parametrize(
    "host", ["10.0.0.300", "10.0.0", "010.0.0.1", "logs..example.com", "-logs.example.com", "12345"]
)
def test_a_host_that_is_neither_a_name_nor_an_address_is_refused(host):
    for url in (f"tcp://{host}:5044", f"udp://{host}:514"):
        assert "is not the address of a log receiver" in refused({"talos.logs": [url]})
    assert "is not an https URL" in refused({"talos.factory": f"https://{host}"})


@pytest.mark.parametrize(
    "host", ["10.0.0.30", "logs", "a-1.example.com", "1password.example.com", "3com", "[fd00:10::1]"]
)
def test_a_name_or_an_address_is_accepted(host):
    assert accepted({"talos.logs": [f"tcp://{host}:5044"], "talos.factory": f"https://{host}"})


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("talos.version", "v1.14.2"),
        ("talos.kubernetes", "v1.35.4"),
        ("kubevirt.version", "v1.8.4"),
        ("cilium.version", "1.19.6"),
    ],
)
@pytest.mark.parametrize(
    "version", ["1.8", "latest", "v1.8.4-rc.0", "v01.8.4", "v1.8.04", "v1.8.4 ", "V1.8.4", "v1.8.x"]
)
def test_a_moving_version_is_refused_with_an_example_of_that_field(path, example, version):
    line = refused({path: version})
    assert line.startswith(f"platform.{path}: ") and line.endswith(f", e.g. {example}")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("library/fedora:42", "'library' is not the host of a registry"),
        ("fedora:42", "it names no registry"),
        ("../fedora:42", "'..' is not the host of a registry"),
        ("quay.io/../fedora:42", "'..' is not a part of a name"),
        ("quay.io/-a/fedora:42", "'-a' is not a part of a name"),
        ("quay.io/a/fedora-:42", "'fedora-' is not a part of a name"),
        ("quay.io/a..b/fedora:42", "'a..b' is not a part of a name"),
        ("quay.io/a//fedora:42", "it has an empty part"),
        ("quay.io/a/:42", "it has an empty part"),
        ("quay.io/Fedora/fedora:42", "'Fedora' has capital letters"),
        ("Quay.io/a/fedora:42", "the host 'Quay.io' has capital letters"),
        ("https://quay.io/a/fedora:42", "it starts with https://"),
        ("quay.io:99999/a/fedora:42", "its port 99999 is not one of 1 to 65535"),
        ("-quay.io/a/fedora:42", "'-quay.io' is not the host of a registry"),
        ("quay.io/a/fedora", "it has neither a tag nor a digest"),
        ("quay.io/a/fedora:", "'' is not a tag"),
        ("quay.io/a/fedora:-1", "'-1' is not a tag"),
        ("quay.io/a/fedora:latest", "its tag is latest"),
        (f"quay.io/a/fedora:{'a' * 129}", "its tag has 129 characters"),
        (f"quay.io/a/fedora@sha256:{'A' * 64}", "its digest has capital letters"),
        (f"quay.io/a/fedora@sha256:{'a' * 63}", "its digest is not sha256: and 64 hexadecimal digits"),
        (f"quay.io/a/fedora@sha512:{'a' * 128}", "its digest is not sha256: and 64 hexadecimal digits"),
        (f"quay.io/a/fedora:latest@sha256:{'a' * 64}", "its tag is latest"),
    ],
)
def test_the_part_of_an_image_that_is_wrong_is_named(image, why):
    for path in ("vms.erp.image", "workloads.portal.image", "talos.extras.approver"):
        assert f"is not a pinned image reference: {why}" in refused({path: image})


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/fedora:42",
        "localhost/fedora:42",
        "localhost:5000/fedora:42",
        "registry:5000/fedora:42",
        "10.20.0.9/a/fedora:42",
        "[fd00::9]:5000/a/fedora:42",
        "quay.io/a_b/c__d/e-f/g---h/fedora.disk:42",
        f"quay.io/a/fedora:{'a' * 128}",
        "quay.io/a/fedora:latest-42",
        "quay.io/a/fedora:_x",
        f"quay.io/a/fedora@sha256:{'0a' * 32}",
        f"quay.io:443/a/fedora:42@sha256:{'0a' * 32}",
    ],
)
def test_an_image_that_containerd_pulls_is_accepted(image):
    assert images.fault(image) is None
    assert accepted({"vms.erp.image": image, "workloads.portal.image": image})


def test_a_password_in_an_image_is_never_repeated():
    for image in (
        "user:hunter2@quay.io/a/fedora:42",
        "https://user:hunter2@quay.io/a/fedora:42",
        "quay.io/a:hunter2@x",
    ):
        assert "hunter2" not in refused({"vms.erp.image": image})


@pytest.mark.parametrize(
    ("registry", "why"),
    [
        ("https://mirror.example.com/kubevirt", "it starts with https://"),
        ("mirror.example.com/kubevirt/", "it has an empty part"),
        ("mirror.example.com/kubevirt:v1.8.4", "it has a tag"),
        ("kubevirt", "'kubevirt' is not the host of a registry"),
        ("mirror.example.com/KubeVirt", "'KubeVirt' has capital letters"),
        ("mirror.example.com/../kubevirt", "'..' is not a part of a name"),
    ],
)
def test_the_part_of_kubevirts_registry_that_is_wrong_is_named(registry, why):
    assert f"is not an image registry: {why}" in refused({"kubevirt.registry": registry})


@pytest.mark.parametrize(
    "registry", ["quay.io/kubevirt", "mirror.example.com", "mirror:5000/a/b", "10.20.0.9/kubevirt"]
)
def test_a_registry_of_kubevirt_is_accepted(registry):
    assert accepted({"kubevirt.registry": registry})
