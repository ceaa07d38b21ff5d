"""A refusal names what to write for that very field, in a form that is not refused again."""

import pytest
from conftest import changed, stack_platform

from core.model import StackFileError, parse
from core.model.faults import visible


def refusal(edits, stack="dev"):
    with pytest.raises(StackFileError) as refused:
        parse(changed(stack_platform(stack), edits))
    [fault] = refused.value.faults
    return str(fault)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vms.web.cpu", "2"),
        ("vms.web.cpu", " 4 "),
        ("boot.power.seconds_between", "1"),
        ("machines.cp-1.install.generation", "0"),
        ("boot.power.at_once", "5"),
    ],
)
def test_a_number_in_quotes_is_to_be_written_without(path, value):
    raw = changed(stack_platform("dev"), {"boot.power": {}})
    *above, last = path.split(".")
    at = raw
    for part in above:
        at = at[part]
    at[int(last) if isinstance(at, list) else last] = value
    with pytest.raises(StackFileError) as refused:
        parse(raw)
    assert str(refused.value) == (
        f"platform.{path}: expected an integer, got {value!r}; this value is a count; "
        f"leave out the quotes: {value.strip()}"
    )


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("talos.contract", 1.12, "'1.12' is not a configuration contract; "),
        ("talos.version", 1.14, "'1.14' is not an exact release; "),
        ("cilium.version", 1.19, "'1.19' is not an exact chart version; "),
        ("vms.web.memory", 4, "'4' is not a size; "),
        ("vms.web.image", True, "'true' is not "),
    ],
)
def test_a_number_that_would_be_refused_in_quotes_too_gets_the_form_of_its_field(path, value, says):
    text = refusal({path: value})
    assert text.startswith(f"platform.{path}: {says}") and "quotes" not in text


@pytest.mark.parametrize(
    ("path", "value"),
    [("name", 42), ("name", True), ("machines.cp-1.labels", {"a": 5}), ("machines.cp-1.labels", {"a": False})],
)
def test_a_number_that_is_right_in_quotes_is_to_be_put_in_quotes(path, value):
    assert refusal({path: value}).endswith("; put the value in quotes")


@pytest.mark.parametrize(
    ("port", "shown"),
    [(True, "true"), (False, "false"), ("no", "'no'"), (None, "this missing value"), ([], "this list"), ("9x", "'9x'")],
)
def test_a_port_is_shown_as_it_is_written(port, shown):
    text = refusal({"talos.firewall": {"allow": {"x": {"ports": [port], "sources": ["10.0.5.0/24"]}}}})
    assert text.startswith(f"platform.talos.firewall.allow.x.ports.0: {shown} is not a port or a range of ports; ")


@pytest.mark.parametrize("switch", ["nope", "enabled", "ja", "False "])
def test_a_word_that_is_no_switch_is_shown_as_it_is_written(switch):
    assert refusal({"talos.schedulable_control_planes": switch}).startswith(
        f"platform.talos.schedulable_control_planes: {switch!r} is neither true nor false; "
    )


@pytest.mark.parametrize(
    ("edits", "where", "shown"),
    [
        ({"name": "d\u0435v"}, "name", "'d\\u0435v'"),
        ({"machines.cp-1.install.disk.serial": "S4EW\u041e1"}, "machines.cp-1.install.disk.serial", "'S4EW\\u041e1'"),
        ({"talos.version": "v1.14.\u0662"}, "talos.version", "'v1.14.\\u0662'"),
        ({"cilium.version": "1.19.\uff16"}, "cilium.version", "'1.19.\\uff16'"),
        ({"vms.web.image": "quay.io/\U0001d41a/b:1"}, "vms.web.image", "\\U0001d41a"),
        ({"talos.v\u0435rsion": "v1.14.2"}, "talos.v\\u0435rsion", "is not a known key"),
        ({"machines.w\u043a-1": {}}, "machines.w\\u043a-1", "'w\\u043a-1' is not a DNS label"),
    ],
)  # fmt: skip
def test_letters_and_digits_that_look_like_others_are_shown_as_escapes(edits, where, shown):
    with pytest.raises(StackFileError) as refused:
        parse(changed(stack_platform("dev"), edits))
    lines = [str(fault) for fault in refused.value.faults]
    [line] = [line for line in lines if line.startswith(f"platform.{where}: ") and shown in line]
    assert all(character.isascii() or character in "…äöüß" for character in line)


@pytest.mark.parametrize("text", ["Büro", "Ærø", "Łódź"])
def test_letters_of_western_alphabets_are_shown_as_they_are(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("edits", "instead"),
    [
        ({"machines.cp-1": []}, "write cp-1: {role: "),
        ({"network": "10.0.0.0/8"}, "write network: {nodes: "),
        ({"vms": []}, "write vms: {NAME: …}"),
        ({"talos": 5}, "write talos: {contract: "),
        ({"machines.cp-1.install": "sda"}, "write install: {disk: "),
    ],
)
def test_a_mapping_that_is_missing_is_shown_with_its_own_keys(edits, instead):
    assert f"; {instead}" in refusal(edits)


@pytest.mark.parametrize(
    ("talos", "contract"),
    [
        ({"version": "v1.12.11"}, "v1.12, the newest contract of Talos v1.12.11"),
        ({"version": "v1.13.9"}, "v1.13, the newest contract of Talos v1.13.9"),
        ({"version": "v1.14.2"}, "v1.14, the newest contract of Talos v1.14.2"),
        ({"version": "v1.14.2", "kubelet_mounts": {"/var/lib/a": {}}}, "v1.13, the newest contract of Talos v1.14.2"),
        ({"version": "v1.11.0"}, "v1.14"),
        ({"version": 1.14}, "v1.14"),
        ({"version": ["v1.14.2"]}, "v1.14"),
    ],
)
def test_a_platform_without_a_contract_is_told_the_newest_of_its_talos(talos, contract):
    raw = changed(stack_platform("dev"), {f"talos.{key}": value for key, value in talos.items()})
    del raw["talos"]["contract"]
    with pytest.raises(StackFileError) as refused:
        parse(raw)
    [line] = [str(fault) for fault in refused.value.faults if fault.path == ("talos", "contract")]
    assert line.endswith(f"is missing; it is required and has no default; write contract: {contract}")


@pytest.mark.parametrize("path", ["vms.web.cpu", "vms.web.memory", "talos.kubernetes", "name", "cilium.version"])
def test_a_key_without_a_value_is_shown_with_an_example_of_its_own(path):
    raw = changed(stack_platform("dev"), {})
    *above, key = path.split(".")
    at = raw
    for part in above:
        at = at[part]
    at[key] = None
    with pytest.raises(StackFileError) as refused:
        parse(raw)
    [fault] = refused.value.faults
    assert str(fault).startswith(f"platform.{path}: has no value; a key alone sets nothing; write {key}: ")
    assert "…" not in str(fault)
