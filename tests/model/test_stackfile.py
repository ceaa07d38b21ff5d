"""Whichever command reads a stack file, a faulty one is refused, with the same text."""

import inspect
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import KEY, changed, stack_platform
from readings import BY_FILE, READERS, Read

from core.loading import stackfile
from core.model import StackFileError, parse, yamlfile


@pytest.fixture(params=[name for name in READERS if name != "review"])
def read(request: pytest.FixtureRequest) -> Read:
    return READERS[request.param]


@pytest.fixture(params=BY_FILE)
def read_file(request: pytest.FixtureRequest) -> Read:
    """The commands that read the file by themselves."""
    return BY_FILE[request.param]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        file = tmp_path / "Pulumi.x.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def of(edits: dict[str, Any], key: str = KEY) -> str:
    return yaml.safe_dump({"config": {key: changed(stack_platform("dev"), edits)}})


def said(text: str) -> str:
    """What a command says, without the lines of the stack file, which `test_every_fault_has_its_line` reads."""
    return re.sub(r"^Pulumi\.x\.yaml:\d+: ", "", text.strip(), flags=re.MULTILINE)


EXPIRED = {"control": "KSPP", "reason": "The profiler of vendor X reads it.", "until": "2020-01-31", "ticket": "OPS-1"}


def test_an_expired_exception_is_refused(read, write, capsys):
    assert said(read(write(of({"exceptions": [EXPIRED]})), capsys)) == (
        "the stack file has 1 fault\n"
        "platform.exceptions.0.until: 2020-01-31 is past; the exception has ended, so the control applies again; "
        "comply and remove the exception, or have it renewed"
    )


def test_several_faults_are_counted(read, write, capsys):
    lines = said(read(write(of({"exceptions": [EXPIRED], "name": None})), capsys)).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "the stack file has 2 faults",
        "platform.exceptions.0.until",
        "platform.name",
    ]


def test_an_include_that_is_missing_is_refused(read, write, capsys):
    assert said(read(write(of({"include": ["vms.yaml"]})), capsys)) == (
        "the stack file has 1 fault\n"
        "platform.include.0: vms.yaml can't be read (No such file or directory); its machines, VMs and workloads would "
        "be missing; write the path of a YAML file in the checkout"
    )


def test_a_key_that_is_twice_in_an_include_is_refused(read, write, capsys):
    file = write(of({"include": ["vms.yaml"]}))
    (file.parent / "vms.yaml").write_text("vms:\n  a: {}\n  a: {}\n", encoding="utf-8")
    assert said(read(file, capsys)) == (
        "the stack file has 1 fault\n"
        "vms.yaml:3: platform.vms.a: is defined twice, before in line 2; one of the two values would be lost; "
        "rename one of the keys, or remove it"
    )


@pytest.mark.parametrize("platform", ["text", 5, [], True])
def test_something_else_than_a_mapping_is_refused(read, write, capsys, platform):
    assert said(read(write(yaml.safe_dump({"config": {KEY: platform}})), capsys)) == (
        "the stack file has 1 fault\n"
        "platform: is not a mapping; it describes the whole platform; see Pulumi.dev.yaml for a small one"
    )


NO_PLATFORM = (
    "the stack file has 1 fault\n"
    "platform: is missing; a stack file describes the whole platform under config: bedplate:platform; "
    "copy that key from Pulumi.dev.yaml and adapt it"
)


def test_no_platform_is_refused(read, write, capsys):
    assert said(read(write("config: {other:platform: 1}"), capsys)) == NO_PLATFORM


def test_a_platform_of_another_project_is_none(read, write, capsys):
    """Of the engine's keys, too, only the project's own reach the program."""
    assert said(read(write(of({}, "other:platform")), capsys)) == NO_PLATFORM


@pytest.mark.parametrize("text", ["", "config:", "config: {}", "# nothing\n", "secretsprovider: passphrase"])
def test_a_file_with_no_config_is_refused(read_file, write, capsys, text):
    assert said(read_file(write(text), capsys)) == NO_PLATFORM


@pytest.mark.parametrize("text", ["config: text", "config: []", "config: 5"])
def test_a_config_that_is_no_mapping_is_refused(read_file, write, capsys, text):
    assert read_file(write(text), capsys).strip() == (
        "the stack file has 1 fault\nPulumi.x.yaml:1: config: is not a mapping; its keys say what is set; "
        f"write {KEY}: {{…}} beneath it"
    )


@pytest.mark.parametrize("text", ["- a", "text", "5"])
def test_a_file_that_is_no_mapping_is_refused(read_file, write, capsys, text):
    assert read_file(write(text), capsys).strip() == (
        "the stack file has 1 fault\nPulumi.x.yaml:1: the file is not a mapping; a stack file names its settings; "
        f"write config: {{{KEY}: {{…}}}}"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "config: [\n",
            "the file is not YAML: a bracket is not closed; nothing in it can be read reliably; "
            "correct this line or the one above it",
        ),
        (
            f"config:\n  {KEY}: {{}}\n  {KEY}: {{}}\n",
            f"{KEY}: is defined twice, before in line 2; one of the two values would be lost; "
            "rename one of the keys, or remove it",
        ),
    ],
)
def test_a_file_that_is_no_yaml_is_refused(read_file, write, capsys, text, fault):
    assert said(read_file(write(text), capsys)) == f"the stack file has 1 fault\n{fault}"


def test_a_file_that_is_not_there_is_refused(read_file, write, capsys):
    file = write("")
    file.unlink()
    assert said(read_file(file, capsys)) == (
        "the stack file has 1 fault\n"
        "Pulumi.x.yaml can't be read (No such file or directory); it describes the whole platform; "
        "write the path of a YAML file in the checkout"
    )


def test_merge_keys_and_equal_keys_of_two_mappings_are_no_duplicates(tmp_path):
    (tmp_path / "a.yaml").write_text("x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\n", encoding="utf-8")
    assert yamlfile.read(tmp_path / "a.yaml", "a.yaml", "") == {"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 2}}


def test_a_platform_written_out_has_neither_includes_nor_classes(tmp_path):
    shared = {"role": "worker", "install": {"disk": {"model": "M*"}}}
    machine = {"class": "c", "address": "192.168.10.99", "mac": "52:54:00:aa:00:99"}
    raw = changed(stack_platform("dev"), {"classes": {"c": shared}, "include": ["m.yaml"]})
    (tmp_path / "Pulumi.x.yaml").write_text(yaml.safe_dump({"config": {KEY: raw}}), encoding="utf-8")
    (tmp_path / "m.yaml").write_text(yaml.safe_dump({"machines": {"wk-9": machine}}), encoding="utf-8")
    written = stackfile.written_out(tmp_path / "Pulumi.x.yaml", root=tmp_path, today=date(2026, 11, 1))
    assert written["machines"]["wk-9"] == {"address": "192.168.10.99", "mac": "52:54:00:aa:00:99", **shared}
    assert "classes" not in written and "include" not in written


@pytest.mark.parametrize(("today", "ended"), [(None, False), (date(2020, 1, 31), False), (date(2020, 2, 1), True)])
def test_an_exception_has_ended_on_the_day_after_its_last_and_never_without_a_day(today, ended):
    raw = changed(stack_platform("dev"), {"exceptions": [EXPIRED]})
    if ended:
        with pytest.raises(StackFileError, match=r"exceptions\.0\.until: 2020-01-31 is past"):
            parse(raw, today)
    else:
        assert [exception.ticket for exception in parse(raw, today).exceptions] == ["OPS-1"]


@pytest.mark.parametrize("loader", [stackfile.load, stackfile.assemble, stackfile.written_out])
def test_no_loader_of_stack_files_leaves_out_the_day(loader):
    assert inspect.signature(loader).parameters["today"].default is inspect.Parameter.empty


@pytest.mark.parametrize("scalar", ["yes", "on", "No", "'012'"])
def test_every_command_reads_a_scalar_as_the_engine_does(read, write, capsys, scalar):
    """YAML 1.1 reads `yes` as true. The ticket is a text, and the only fault is that the exception has ended."""
    file = write(of({"exceptions": [EXPIRED]}).replace("ticket: OPS-1", f"ticket: {scalar}"))
    faults = said(read(file, capsys)).splitlines()
    assert faults[0] == "the stack file has 1 fault", faults
    assert faults[1].startswith("platform.exceptions.0.until: ")
