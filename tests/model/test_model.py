"""Properties that the model derives, and the schema that editors get."""

import json

import jsonschema
import pytest
import yaml
from conftest import ROOT, changed, stack_platform

from core.model import parse
from core.model.schema import stack_schema, text


@pytest.mark.parametrize("stack", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda p: p.stem)
def test_every_stack_file_is_valid_for_the_program_and_for_editors(stack):
    raw = yaml.safe_load(stack.read_text(encoding="utf-8"))
    parse(raw["config"]["bedplate:platform"])
    jsonschema.Draft202012Validator(stack_schema()).validate(raw)


@pytest.mark.parametrize("stack", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda p: p.stem)
def test_every_stack_file_names_the_schema(stack):
    assert stack.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")


def test_the_schema_in_the_repository_is_the_models():
    """./bedplate schema regenerates it."""
    assert (ROOT / "schema/stack.schema.json").read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("path", ["machines.cp-1.adress", "talos.verson", "flavour"])
def test_the_schema_refuses_a_misspelt_key_as_the_program_does(path):
    raw = {"config": {"bedplate:platform": changed(stack_platform("dev"), {path: "x"})}}
    with pytest.raises(jsonschema.ValidationError, match="Additional properties are not allowed"):
        jsonschema.Draft202012Validator(stack_schema()).validate(raw)


def test_every_field_is_described_in_the_schema_or_speaks_for_itself():
    described = json.dumps(stack_schema())
    for words in (
        "Schema of the machine config",
        "or the address of the only control plane",
        "only protects discarded disks",
    ):
        assert words in described


def test_machines_are_sorted_as_a_person_counts(prod):
    prod["machines"] |= {
        "cp-10": {
            **prod["machines"]["cp-1"],
            "role": "worker",
            "address": "10.20.0.99",
            "mac": "0c:c4:7a:00:09:09",
            "install": {"disk": {"serial": "Z"}},
            "bmc": None,
        }
    }
    assert list(parse(prod).machines) == ["cp-1", "cp-2", "cp-3", "cp-10", "wk-1", "wk-2"]


def test_names_that_count_the_same_have_one_order_too(dev):
    """cp-1 and cp-01 are two machines, and their order must not depend on the file."""
    more = {
        **dev["machines"]["cp-1"],
        "role": "worker",
        "address": "192.168.10.99",
        "mac": "52:54:00:aa:00:99",
        "install": {"disk": {"serial": "Z"}},
    }
    assert list(parse({**dev, "machines": {**dev["machines"], "cp-01": more}}).machines) == ["cp-01", "cp-1"]
    assert list(parse({**dev, "machines": {"cp-01": more, **dev["machines"]}}).machines) == ["cp-01", "cp-1"]


def test_the_installer_is_pinned_to_schematic_and_version(prod):
    assert parse(prod).installer_of("cp-1") == (
        "factory.prod.example.com/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.14.2"
    )


def test_a_mac_is_read_in_every_spelling(dev):
    assert parse(changed(dev, {"machines.cp-1.mac": "52-54-00-AA-00-01"})).machines["cp-1"].mac == "52:54:00:aa:00:01"


def test_a_machine_that_leaves_stands_in_the_file_and_is_none_of_the_platforms(prod):
    made = parse(changed(prod, {"machines.cp-3.decommission": "wipe", "machines.wk-2.decommission": "lost"}))
    assert (list(made.machines), list(made.leaving), list(made.declared)) == (
        ["cp-1", "cp-2", "wk-1"], ["cp-3", "wk-2"], ["cp-1", "cp-2", "cp-3", "wk-1", "wk-2"],
    )  # fmt: skip
    assert (made.controlplanes, made.workers, made.schedulable, made.migratable) == (
        ("cp-1", "cp-2"),
        ("wk-1",),
        ("wk-1",),
        False,
    )
    assert len(made.addresses()) == 5


def test_on_the_way_from_three_control_planes_to_one_there_are_two(prod):
    assert parse(changed(prod, {"machines.cp-3.decommission": "wipe"})).controlplanes == ("cp-1", "cp-2")
    both = changed(prod, {"machines.cp-3.decommission": "wipe", "machines.cp-2.decommission": "lost"})
    assert parse(both).controlplanes == ("cp-1",)


@pytest.mark.parametrize(
    "path", ["vms", "exceptions", "boot", "registries", "talos.schematic", "talos.patches", "machines.cp-1.labels"]
)
def test_the_schema_lets_a_section_be_empty_as_the_program_does(path):
    platform = changed(stack_platform("dev"), {path: {}})
    *above, key = path.split(".")
    at = platform
    for part in above:
        at = at[part]
    at[key] = None
    jsonschema.Draft202012Validator(stack_schema()).validate({"config": {"bedplate:platform": platform}})


@pytest.mark.parametrize("path", ["network", "machines", "talos"])
def test_the_schema_requires_a_section_as_the_program_does(path):
    platform = {**stack_platform("dev"), path: None}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(stack_schema()).validate({"config": {"bedplate:platform": platform}})


@pytest.mark.parametrize(
    ("top", "config", "right"),
    [
        ({"encryptionsalt": "v1:x"}, {}, True),
        ({}, {"kubernetes:context": "x"}, True),
        ({}, {"bedplate:bmc": {"password": {"secure": "x"}}}, True),
        ({"vms": {}}, {}, False),
        ({}, {"bedplate:vms": {}}, False),
        ({}, {"vms": {}}, False),
    ],
)
def test_the_schema_refuses_keys_that_nothing_reads(top, config, right):
    raw = {**top, "config": {"bedplate:platform": stack_platform("dev"), **config}}
    assert jsonschema.Draft202012Validator(stack_schema()).is_valid(raw) is right
