"""The variables of the engine's environment."""

import os
import stat
from pathlib import Path

import pytest

from runner import environment, stacks
from runner.errors import UsageError


def test_the_toolchain_is_first_on_path_and_the_engine_downloads_nothing(house):
    variables = environment.tools(house.layout, {"PATH": "/usr/bin", "HOME": "/home/u"})
    home = house.layout.home
    assert variables == {
        "HOME": "/home/u",
        "PATH": f"{home}/bin{os.pathsep}{home}/venv/bin{os.pathsep}/usr/bin",
        "VIRTUAL_ENV": f"{home}/venv",
        "PULUMI_HOME": f"{home}/home",
        "BEDPLATE_JUDGE": f"{home}/bin/config-judge",
        "PULUMI_CONTINUE_ON_ERROR": "true",
        "PULUMI_PARALLEL": "256",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


@pytest.mark.parametrize("name", environment.DROPPED)
def test_variables_that_change_python_are_removed(house, name):
    assert name not in environment.tools(house.layout, {name: "/elsewhere"})


def test_dev_has_its_state_and_passphrase_in_the_checkout(house):
    variables = stacks.environment(stacks.find("dev", house.layout), house.layout, {})
    assert variables["PULUMI_BACKEND_URL"] == f"file://{house.layout.home}/state?metadata=skip"
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{house.layout.home}/dev.passphrase"
    assert "PULUMI_CONFIG_PASSPHRASE" not in variables


def test_the_passphrase_is_random_and_only_its_owner_can_read_it(house, tmp_path):
    file = environment.local_passphrase(house.layout)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    assert len(first) >= 32
    assert environment.local_passphrase(house.layout).read_text() == first
    file.unlink()
    assert environment.local_passphrase(house.layout).read_text() != first


def test_two_first_runs_at_the_same_time_use_one_passphrase(house, monkeypatch):
    first = environment.local_passphrase(house.layout).read_text()
    # The second run checked before the first one wrote the file.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert environment.local_passphrase(house.layout).read_text() == first
    assert [file.name for file in house.layout.home.iterdir() if file.is_file()] == ["dev.passphrase"]


def test_a_passphrase_exported_for_another_stack_is_not_used_for_dev(house):
    given = {"PULUMI_CONFIG_PASSPHRASE": "of prod"}
    variables = stacks.environment(stacks.find("dev", house.layout), house.layout, given)
    assert "PULUMI_CONFIG_PASSPHRASE" not in variables
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"].endswith("dev.passphrase")


def test_a_passphrase_that_encrypts_values_in_devs_file_is_used(house):
    (house.root / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:abc=\nconfig: {}\n")
    given = {"PULUMI_CONFIG_PASSPHRASE": "of the team"}
    variables = stacks.environment(stacks.find("dev", house.layout), house.layout, given)
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == "of the team"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in variables


def test_an_exported_backend_is_used_for_dev_as_well(house):
    given = {"PULUMI_BACKEND_URL": "s3://states", "PULUMI_CONFIG_PASSPHRASE": "shared"}
    variables = stacks.environment(stacks.find("dev", house.layout), house.layout, given)
    assert variables["PULUMI_BACKEND_URL"] == "s3://states"
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == "shared"
    assert not (house.layout.home / "dev.passphrase").exists()


def refusal(house, given: dict[str, str], stack: str = "prod") -> str:
    with pytest.raises(UsageError) as caught:
        stacks.environment(stacks.find(stack, house.layout), house.layout, given)
    return str(caught.value)


def test_another_stack_names_each_variable_that_is_missing(house):
    assert refusal(house, {}) == (
        "stack prod needs 2 things from the environment:\n"
        "  PULUMI_BACKEND_URL is not set: it says where the stack's state is kept.\n"
        "      export PULUMI_BACKEND_URL=s3://BUCKET        (or azblob://, gs://, postgres://, file:///FOLDER)\n"
        "      or log in once: ./bedplate pulumi login URL\n"
        "  PULUMI_CONFIG_PASSPHRASE_FILE is not set: it names the file with the passphrase "
        "that encrypts the stack's secrets.\n"
        "      export PULUMI_CONFIG_PASSPHRASE_FILE=/FILE   (or PULUMI_CONFIG_PASSPHRASE)"
    )


def test_only_missing_variables_are_named(house):
    assert refusal(house, {"PULUMI_BACKEND_URL": "s3://states"}).startswith(
        "stack prod needs one thing from the environment:\n  PULUMI_CONFIG_PASSPHRASE_FILE"
    )
    assert refusal(house, {"PULUMI_CONFIG_PASSPHRASE": "x"}).startswith(
        "stack prod needs one thing from the environment:\n  PULUMI_BACKEND_URL"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"PULUMI_BACKEND_URL": "file:///states?metadata=skip", "PULUMI_CONFIG_PASSPHRASE": ""},
        {"PULUMI_BACKEND_URL": "file:///states?metadata=skip", "PULUMI_CONFIG_PASSPHRASE_FILE": "/file"},
        {"PULUMI_BACKEND_URL": "https://api.pulumi.example"},
        {"PULUMI_ACCESS_TOKEN": "pul-1"},
    ],
)
def test_a_complete_environment_is_enough(house, given):
    assert stacks.environment(stacks.find("prod", house.layout), house.layout, given).items() >= given.items()


def test_a_key_service_named_in_the_stack_file_needs_no_passphrase(house):
    (house.root / "Pulumi.prod.yaml").write_text("secretsprovider: hashivault://key\nencryptedkey: abc\n")
    given = {"PULUMI_BACKEND_URL": "s3://states"}
    assert (
        stacks.environment(stacks.find("prod", house.layout), house.layout, given)["PULUMI_BACKEND_URL"]
        == "s3://states"
    )


def test_values_encrypted_in_the_stack_file_need_their_passphrase_on_any_backend(house):
    (house.root / "Pulumi.prod.yaml").write_text("encryptionsalt: v1:abc=\n")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE is not set" in refusal(house, {"PULUMI_ACCESS_TOKEN": "pul-1"})


def test_a_login_in_the_engines_home_is_a_backend(house):
    house.layout.pulumi_home.mkdir()
    (house.layout.pulumi_home / "credentials.json").write_text('{"current": "s3://states"}')
    assert stacks.environment(stacks.find("prod", house.layout), house.layout, {"PULUMI_CONFIG_PASSPHRASE": "x"})


def test_an_unknown_stack_is_refused_with_the_names_of_all(house):
    with pytest.raises(UsageError) as caught:
        stacks.find("stage", house.layout)
    assert str(caught.value) == "there is no stack 'stage' (no file Pulumi.stage.yaml); there are: dev, prod"


def test_a_qualified_name_finds_its_file(house):
    assert stacks.find("organization/house/prod", house.layout).file == house.root / "Pulumi.prod.yaml"


def test_continue_on_error_is_set_unless_the_user_sets_it(house):
    assert environment.tools(house.layout, {"PULUMI_CONTINUE_ON_ERROR": "false"})["PULUMI_CONTINUE_ON_ERROR"] == "false"
