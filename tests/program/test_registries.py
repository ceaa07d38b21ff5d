"""Registries with a password: machines get it with the PKI, and it is never shown."""

import json

import pulumi
import pytest
from conftest import changed, is_secret, plain, run_program

APPLY = "bedplate-native:talos:MachineConfig"
HOST = "mirror.prod.example.com"
MATCHBOX = {
    "bedplate:matchbox": json.dumps({"ca": "a", "certificate": "c", "key": "k", "hosts": "matchbox.prod.example.com"}),
    "bedplate:bmc": json.dumps({"username": "u", "password": "p", "hosts": "*.bmc.prod.example.com"}),
}


def given(**registries: object) -> dict[str, str]:
    return {
        **MATCHBOX,
        "bedplate:registries": json.dumps({host.replace("_", "."): user for host, user in registries.items()}),
    }


@pytest.fixture
def wanting(prod):
    return changed(prod, {"registries.auth": [HOST]})


def test_a_password_is_part_of_the_secret_config_and_of_no_patch(wanting):
    ran = run_program(
        wanting,
        preview=False,
        config=given(mirror_prod_example_com={"username": "puller", "password": "hunter2", "hosts": HOST}),
    )
    for name, machine in ran.engine.of(APPLY).items():
        assert is_secret(machine["pki"]), name
        *_, last = plain(machine["pki"])
        assert json.loads(last) == {
            "apiVersion": "v1alpha1",
            "kind": "RegistryAuthConfig",
            "name": HOST,
            "username": "puller",
            "password": "hunter2",
        }
    for (kind, name), args in ran.engine.resources.items():
        for key, value in args.inputs.items():
            assert is_secret(value) or "hunter2" not in repr(value), (kind, name, key)


def test_a_plan_needs_no_password(wanting):
    run_program(wanting, preview=True, config=MATCHBOX)


def test_an_up_names_the_missing_password_and_the_command_that_sets_it(wanting):
    with pytest.raises(pulumi.RunError) as refused:
        run_program(wanting, preview=False, config=given(mirror_prod_example_com={"username": "puller", "hosts": HOST}))
    assert str(refused.value) == (
        f"bedplate:registries.{HOST}.password: is missing; the registry serves images only to users that log in; "
        f"./bedplate pulumi config set --secret --path 'bedplate:registries[\"{HOST}\"].password' --stack test"
    )


def test_a_password_for_a_host_that_the_platform_does_not_name_is_refused_and_not_shown(prod):
    with pytest.raises(pulumi.RunError, match=r"is a host that registries\.auth does not name") as refused:
        run_program(prod, preview=True, config=given(other_example_com={"username": "u", "password": "hunter2"}))
    assert "hunter2" not in str(refused.value) and "other" not in str(refused.value)


def test_without_registries_the_secret_part_is_the_pki_alone(prod):
    machines = run_program(prod, preview=False, config=MATCHBOX).engine.of(APPLY)
    assert {tuple(json.loads(*plain(machine["pki"]))) for machine in machines.values()} == {("cluster", "machine")}
