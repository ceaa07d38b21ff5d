"""Disks: sizes as people write them, selectors that name no disk, and one disk that is named twice."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refusing import accepted, refused

from core.facts import disk_size, globs
from core.machineconfig.documents.disks import expression
from provider.identity import matches

DISK = "machines.wk-1.install.disk"


@pytest.mark.parametrize(
    ("size", "compared"),
    [
        (">= 200GB", (">=", 200 * 10**9)),
        (">= 1.92TB", (">=", 1_920_000_000_000)),
        ("<=3.84TB", ("<=", 3_840_000_000_000)),
        ("> 0.5 TiB", (">", 2**39)),
        ("1920GB", ("==", 1_920_000_000_000)),
        ("  == 960 GB".strip(), ("==", 960 * 10**9)),
        ("< 894.25GiB", ("<", 960_193_626_112)),
    ],
)
def test_a_size_is_read_as_people_write_it(size, compared):
    disk = accepted({DISK: {"model": "MZ7L3*", "size": size}}).machines["wk-1"].install.disk
    comparison = disk_size.parse(disk.size)
    assert (comparison.operator, comparison.size) == compared
    assert expression(disk).endswith(f"disk.size {compared[0]} {compared[1]}u")


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ("500000MB", "is not a size to compare disks with; "),
        ("2TB or more", "is not a size to compare disks with; "),
        ("=> 200GB", "is not a size to compare disks with; "),
        ("200", "is not a size to compare disks with; "),
        (">= 1,92TB", "it has a comma, which Talos skips"),
        (">= .5TB", "is not a size to compare disks with; "),
        (">= 1e3GB", "is not a size to compare disks with; "),
        (">= 010GB", "is not a size to compare disks with; "),
        (">= ٢TB", "U+0662 ARABIC-INDIC DIGIT TWO"),
        ("< 0GB", "matches no disk"),
        ("== 0.0TB", "matches no disk"),
        ("> 5000TB", "matches no disk"),
    ],
)
def test_a_size_that_means_something_else_is_refused(size, why):
    line = refused({DISK: {"model": "MZ7L3*", "size": size}})
    assert line.startswith(f"platform.{DISK}.size: ") and why in line


@pytest.mark.parametrize(
    "disk",
    [
        {"serial": "*"},
        {"wwid": "**"},
        {"model": "*", "type": "ssd"},
        {"size": ">= 0GB"},
        {"size": "> 0.5GB"},
        {"serial": "*", "size": ">= 0TB"},
        {"size": "<= 9999TB"},
        {"type": "nvme"},
        {},
    ],
)
def test_a_selector_that_every_disk_matches_is_refused(disk):
    for place in (DISK, "machines.wk-1.volumes.data.disk"):
        line = refused({place: disk})
        assert line.startswith(f"platform.{place}: selects no disk") and "the first disk" in line


@pytest.mark.parametrize(
    "disk",
    [
        {"serial": "PHYG2*"},
        {"model": "*EVO*"},
        {"model": "*", "size": ">= 200GB"},
        {"size": "<= 480GB"},
        {"wwid": "eui.00253*", "size": ">= 0GB"},
        {"size": ">= 2GB", "type": "sd"},
    ],
)
def test_a_selector_that_leaves_disks_out_is_accepted(disk):
    assert accepted({DISK: disk})


@pytest.mark.parametrize(
    "value", [" ", "", "S4EWNX0R ", "S4\u200bEW", "S4EWN\u0425", "\u202eR0XNWE4S", 'S4"EW', "S4\\EW"]
)
def test_a_property_that_no_disk_reports_is_refused(value):
    for key in ("serial", "wwid", "model"):
        line = refused({DISK: {key: value, "size": ">= 200GB"}})
        assert line.startswith(f"platform.{DISK}.{key}: ") and line.isascii()


# What names one disk on two machines, in spellings that differ.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"serial": "PHYG2001"}, {"serial": "PHYG2001"}),
        ({"serial": "PHYG2001"}, {"serial": "phyg2001"}),
        ({"wwid": "eui.0025385991b0a001"}, {"wwid": "eui.0025385991B0A001"}),
        ({"wwid": "naa.5000c500a1b2c3d4"}, {"wwid": "0x5000C500A1B2C3D4"}),
        ({"serial": "S1", "size": ">= 1TB"}, {"serial": "S1", "model": "MZ*"}),
    ],
)
def test_one_disk_in_two_machines_is_refused_wherever_it_is_named(one, other):
    for where in ("install.disk", "volumes.data.disk"):
        line = refused({f"machines.cp-1.{where}": one, f"machines.wk-2.{where}": other})
        assert line.startswith(f"platform.machines.wk-2.{where}.") and "machines.cp-1" in line
    line = refused({"machines.cp-1.install.disk": one, "machines.wk-2.volumes.data.disk": other})
    assert line.startswith("platform.machines.wk-2.volumes.data.disk.") and "machines.cp-1;" in line


def test_equal_selectors_of_several_disks_are_accepted():
    """Two machines of one model have equal selectors, and so have two volumes on equal disks of one machine."""
    assert accepted(
        {"machines.cp-1.install.disk": {"serial": "PHYG*"}, "machines.cp-2.install.disk": {"serial": "PHYG*"}}
    )
    equal = {"model": "MZQL2*", "size": ">= 3TB"}
    volumes = {
        "a": {"disk": equal},
        "b": {"disk": equal},
        "c": {"disk": {"serial": "S64G*"}},
        "d": {"disk": {"serial": "S64G*"}},
    }
    assert accepted({"machines.wk-1.volumes": volumes})
    one = {"serial": "S64G1"}
    assert accepted({"machines.wk-1.volumes": {"a": {"disk": one, "max": "1Ti"}, "b": {"disk": one}}})


@pytest.mark.parametrize(
    "other",
    [
        {"serial": "S64G1"},
        {"serial": "s64g1"},
        {"serial": "S64G1", "size": ">= 1TB"},
        {"serial": "S64G1", "model": "MZ*"},
    ],
)
def test_two_volumes_that_take_all_of_one_disk_are_refused(other):
    line = refused({"machines.wk-1.volumes": {"a": {"disk": {"serial": "S64G1"}}, "b": {"disk": other}}})
    assert line.startswith("platform.machines.wk-1.volumes.b.max: is missing, as it is for volume a on the same disk")


@pytest.mark.parametrize(
    "volume",
    [
        {"serial": "PHYG1001"},
        {"serial": "phyg1001"},
        {"serial": "PHYG1001", "model": "X*"},
        {"serial": "PHYG1001", "size": "> 1TB"},
    ],
)
def test_a_volume_on_its_own_machines_install_disk_is_refused(volume):
    line = refused({"machines.cp-1.volumes.data.disk": volume})
    assert "is the disk that Talos is installed on, by its serial" in line


TEXTS = st.text("AB?[]", max_size=6)


@example("A*A", "A")
@example("*AB*B", "AB")
@example("A*", "A")
@given(st.text("AB*?[]", max_size=6), TEXTS)
def test_a_star_is_the_only_character_with_a_meaning(pattern, text):
    """A slow comparison, letter by letter, agrees."""

    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return slow(pattern[1:], text) or (bool(text) and slow(pattern, text[1:]))
        return bool(text) and pattern[0] == text[0] and slow(pattern[1:], text[1:])

    assert globs.matches(pattern, text) == slow(pattern, text)
    if pattern:
        assert matches({"serial": pattern}, {"serial": text}) == slow(pattern, text)
