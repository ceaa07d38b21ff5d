"""`./bedplate import` and others: what they check, and what they pass on to `operations/`."""

import pytest

from runner import main, operations

PYTHON = """#!/bin/sh
echo "$@" >> {log}
test -e {gone} && rm {gone} && exit 6
exit 2
"""


@pytest.fixture
def python(house):
    file = house.layout.venv / "bin" / "python"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PYTHON.format(log=house.layout.bin / "asked", gone=house.layout.bin / "gone"))
    file.chmod(0o755)
    return lambda: (house.layout.bin / "asked").read_text()


def test_import_creates_a_missing_stack_and_resolves_the_path_from_where_it_was_typed(
    house, python, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    # The command ends with its exit code.
    assert main.main_in(house.layout, ["import", "dev", "secrets.yaml"]) == 2
    assert python() == f"-m operations.adopt dev {tmp_path}/secrets.yaml {house.root}/Pulumi.dev.yaml\n"
    [creation] = house.calls
    assert creation["arguments"][:2] == ["stack", "init"] and creation["arguments"][-1] == "dev"


def test_the_path_of_a_written_file_is_resolved_from_where_it_was_typed(house, python, monkeypatch, tmp_path):
    monkeypatch.setattr(operations, "ensure", lambda names, layout: {})
    monkeypatch.chdir(tmp_path)
    for arguments in (["boot", "org/project/dev", "files"], ["schema", "it.json"], ["schema"]):
        main.main_in(house.layout, arguments)
    assert python().splitlines() == [
        f"-m operations.boot {house.root}/Pulumi.dev.yaml {tmp_path}/files",
        f"-m operations.schema {tmp_path}/it.json",
        f"-m operations.schema {house.root}/schema/stack.schema.json",
    ]


def test_import_does_not_create_an_existing_stack(house, python):
    house.exists("dev")
    main.main_in(house.layout, ["import", "dev", "secrets.yaml"])
    assert house.calls == [] and python()


def test_a_missing_stack_is_created_when_the_engine_reports_it(house, python, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    (house.layout.bin / "gone").touch()
    assert main.main_in(house.layout, ["import", "prod", "secrets.yaml"]) == 2
    assert [call["arguments"][:2] for call in house.calls] == [["stack", "init"]] and len(python().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: STACK, FILE"),
        (["dev"], "the following arguments are required: FILE"),
        (["dev", "--file", "x"], "unrecognized arguments: --file"),
        (["dev", "x", "y"], "unrecognized arguments: y"),
    ],
)
def test_a_missing_argument_is_named(house, python, capsys, arguments, reason):
    assert main.main_in(house.layout, ["import", *arguments]) == 2
    assert capsys.readouterr().err == (
        f"bedplate: import: {reason}; write: ./bedplate import STACK FILE; there are: dev, prod\n"
    )
