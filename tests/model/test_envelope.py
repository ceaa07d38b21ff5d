"""What stands around the platform in a stack file: a key that nobody reads is refused, and belongs somewhere."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from conftest import KEY, stack_platform

from core.loading import stackfile
from core.model import StackFileError

IGNORED = "nothing reads this key, so everything in it would silently be ignored"
BENEATH = f"move it beneath config: {KEY}:, indented by two blanks more than that line"
TODAY = date(2026, 11, 1)


def faults(folder: Path, above: str = "", within: str = "", below: str = "") -> list[str]:
    """The faults of the smaller example with lines above config:, at the level of its key, and beneath all."""
    (folder / "Pulumi.x.yaml").write_text(f"{above}config:\n{within}{PLATFORM}{below}", encoding="utf-8")
    try:
        stackfile.load(folder / "Pulumi.x.yaml", root=folder, today=TODAY)
    except StackFileError as error:
        return [str(fault) for fault in error.faults]
    return []


PLATFORM = "".join(f"  {line}\n" for line in yaml.safe_dump({KEY: stack_platform("dev")}).splitlines())


@pytest.mark.parametrize("section", ["vms", "machines", "workloads", "talos", "exceptions", "include"])
def test_a_section_one_indent_too_far_left_is_told_where_it_belongs(tmp_path, section):
    assert faults(tmp_path, within=f"  bedplate:{section}: {{}}\n") == [
        f"Pulumi.x.yaml:2: bedplate:{section}: is not a setting of Bedplate; {IGNORED}; {BENEATH}"
    ]


@pytest.mark.parametrize("section", ["vms", "machines", "workloads", "cilium"])
def test_a_section_beside_config_is_told_where_it_belongs(tmp_path, section):
    assert faults(tmp_path, above=f"{section}: {{}}\n") == [
        f"Pulumi.x.yaml:1: {section}: is not a key of a stack file; {IGNORED}; {BENEATH}"
    ]


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("bedplate:platfrom", "did you mean bedplate:platform?"),
        ("bedplate:regsitries", "did you mean bedplate:registries?"),
        ("bedplate:bcm", "did you mean bedplate:bmc?"),
        ("bedplate:x", "remove it; known keys here: bedplate:platform, bedplate:matchbox, bedplate:bmc, "
         "bedplate:registries"),
    ],
)  # fmt: skip
def test_a_setting_that_is_misspelt_is_refused(tmp_path, key, instead):
    assert faults(tmp_path, within=f"  {key}: 1\n") == [
        f"Pulumi.x.yaml:2: {key}: is not a setting of Bedplate; {IGNORED}; {instead}"
    ]


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("secretprovider", "did you mean secretsprovider?"),
        ("encryptionsatl", "did you mean encryptionsalt?"),
        (
            "description",
            "remove it; known keys here: config, secretsprovider, encryptedkey, encryptionsalt, environment",
        ),
        (KEY, "move it beneath config:, indented by two blanks more than that line"),
    ],
)
def test_a_key_beside_config_that_nobody_reads_is_refused(tmp_path, key, instead):
    assert faults(tmp_path, above=f"{key}: x\n") == [
        f"Pulumi.x.yaml:1: {key}: is not a key of a stack file; {IGNORED}; {instead}"
    ]


def test_a_config_that_is_misspelt_is_one_fault(tmp_path):
    (tmp_path / "Pulumi.x.yaml").write_text(f"confg:\n{PLATFORM}", encoding="utf-8")
    with pytest.raises(StackFileError) as refused:
        stackfile.load(tmp_path / "Pulumi.x.yaml", root=tmp_path, today=TODAY)
    assert (
        str(refused.value) == f"Pulumi.x.yaml:1: confg: is not a key of a stack file; {IGNORED}; did you mean config?"
    )


@pytest.mark.parametrize("key", ["vms", "platform", "x"])
def test_a_key_of_the_config_names_whom_it_is_for(tmp_path, key):
    [fault] = faults(tmp_path, within=f"  {key}: {{}}\n")
    assert fault.startswith(
        f"Pulumi.x.yaml:2: {key}: has no namespace; the engine refuses a key that does not name whom it is for; "
    )


@pytest.mark.parametrize("version", ["1.2", "2.0"][:1])
def test_a_directive_that_the_engine_refuses_is_told(tmp_path, version):
    assert faults(tmp_path, above=f"%YAML {version}\n---\n") == [
        f"Pulumi.x.yaml:1: the file starts with %YAML {version}; the engine reads files of YAML 1.1 alone, and refuses "
        "this one; remove that line"
    ]


@pytest.mark.parametrize(
    ("above", "within", "below"),
    [
        ("%YAML 1.1\n---\n", "", ""),
        ("---\n", "", "...\n"),
        ("# a comment\n", "", ""),
        ("secretsprovider: passphrase\nencryptionsalt: v1:x\n", "", "encryptedkey: x\n"),
        ("environment: [shared]\n", "", ""),
        ("", "  kubernetes:context: other\n  pulumi:disable-default-providers: ['*']\n", ""),
    ],
)
def test_what_the_engine_and_plugins_read_may_stand_there(tmp_path, above, within, below):
    assert faults(tmp_path, above, within, below) == []


def test_all_faults_around_the_platform_and_in_it_are_told_at_once(tmp_path):
    lines = faults(tmp_path, "x: 1\n", "  bedplate:vms: {}\n", "---\n")
    places = [line.split(": ")[0] for line in lines]
    assert sorted(places) == sorted(
        ["Pulumi.x.yaml:1", "Pulumi.x.yaml:3", f"Pulumi.x.yaml:{PLATFORM.count(chr(10)) + 4}"]
    )
