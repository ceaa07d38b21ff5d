"""Encrypted values of the platform reach their places as secrets, and show nowhere."""

import json

import pulumi
import pytest
import yaml
from conftest import KEY, changed, is_secret, plain, run_program

from core import standins
from core.model import sealed

MARK = "MARK-5521"
WIREGUARD = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
CONFIG = "bedplate-native:talos:MachineConfig"
TURN = "bedplate-native:talos:Turn"
IDENTITY = "bedplate-native:talos:Identity"
SECRET = "kubernetes:core/v1:Secret"

MATCHBOX = {"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "matchbox.dev.example.com"}


def document(kind, **fields):
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


class Encrypted:
    """A platform as its file has it, and as the engine hands it to the program."""

    def __init__(self, platform):
        self.secrets = []
        self.handed = platform
        self.written = self._written(json.loads(json.dumps(platform)))

    def _written(self, value):
        if isinstance(value, dict):
            return {key: self._written(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._written(inner) for inner in value]
        if isinstance(value, str) and (MARK in value or value == WIREGUARD):
            self.secrets.append(value)
            return {"secure": f"v1:bm9uY2U=:{len(self.secrets):04}"}
        return value


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the program with a platform whose texts with the mark are encrypted in the stack file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pulumi.runtime, "is_config_secret", lambda key: key == KEY)

    def run(platform, preview=True, written=None, **config):
        made = Encrypted(platform)
        file = {KEY: written or made.written, **{f"bedplate:{key}": {"secure": "v1:YQ=="} for key in config}}
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": file}), encoding="utf-8")
        given = {f"bedplate:{key}": json.dumps(value) for key, value in config.items()}
        return made, run_program(made.handed, preview, given)

    return run


def in_the_clear(value):
    """Every text that is in no secret."""
    if is_secret(value):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from in_the_clear(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from in_the_clear(inner)
    else:
        yield str(value)


PATCHES = [
    document(
        "ExtensionServiceConfig",
        name="nut",
        environment=["A=b", f"UPS_PASSWORD={MARK}-1"],
        configFiles=[{"content": f"password = {MARK}-2", "mountPath": "/usr/local/etc/nut/upsd.users"}],
    ),
    document("RegistryAuthConfig", name="r.example.com", username="puller", password=f"{MARK}-3"),
    {"machine": {"env": {"https_proxy": f"http://user:{MARK}-4@proxy.example.com:3128"}}},
    {"machine": {"files": [{"path": "/var/key", "content": f"{MARK}-5\n", "permissions": 384, "op": "create"}]}},
]
CLOUD_INIT = {
    "password": f"{MARK}-6",
    "users": ["default", {"name": "a", "hashed_passwd": f"$6${MARK}-7"}],
    "write_files": [{"path": "/a", "content": f"line 1\n{MARK}-8: x\n"}],
    "runcmd": [["sh", "-c", f"echo {MARK}-9"]],
}


def with_secrets(platform, **more):
    vm = next(iter(platform["vms"]))
    wireguard = document("WireguardConfig", name="wg0", privateKey=WIREGUARD, addresses=[{"address": "10.99.0.1/24"}])
    return changed(
        platform,
        {
            "talos.patches": PATCHES,
            "machines.cp-1.patches": [wireguard],
            f"vms.{vm}.cloud_init": CLOUD_INIT,
            **more,
        },
    )


@pytest.mark.parametrize("preview", [True, False])
def test_an_encrypted_value_shows_in_no_input_that_is_not_secret(dev, run, preview):
    made, ran = run(with_secrets(dev), preview, matchbox=MATCHBOX)
    assert len(made.secrets) == 10
    for (kind, name), args in ran.engine.resources.items():
        for text in in_the_clear(args.inputs):
            assert MARK not in text and WIREGUARD not in text, (kind, name, text)
    # Everything arrives: in each machine's config, in what its turn compares, and in the guest.
    inputs = ran.inputs()
    config = inputs[CONFIG, "talos-cp-1"]
    assert sorted(config["secrets"].values()) == sorted(_of_machines(made.secrets))
    shown = "\n".join(config["configPatches"])
    assert all(stand_in in shown for stand_in in config["secrets"])
    for kind, name in ((TURN, "talos-cp-1-turn"), (IDENTITY, "talos-cp-1")):
        found = next(value for (k, n), value in inputs.items() if k == kind and "cp-1" in n)
        assert all(
            json.dumps(secret)[1:-1] in "\n".join(found["documents"]) for secret in config["secrets"].values()
        ), name
    guest = next(v for (k, n), v in inputs.items() if k == SECRET and "cloud-init" in n)
    read = yaml.safe_load(guest["stringData"]["userdata"])
    assert {key: read[key] for key in CLOUD_INIT} == CLOUD_INIT


def _of_machines(secrets):
    return [each for each in secrets if not any(f"-{number}" in each for number in (6, 7, 8, 9))]


def test_a_machine_gets_no_secret_of_another_and_none_of_a_vm(prod, run):
    made, ran = run(with_secrets(prod))
    configs = {name: plain(inputs).get("secrets", {}) for name, inputs in ran.engine.of(CONFIG).items()}
    assert WIREGUARD in configs["talos-cp-1"].values()
    assert all(WIREGUARD not in secrets.values() for name, secrets in configs.items() if name != "talos-cp-1")
    assert all(len(secrets) == 5 + (name == "talos-cp-1") for name, secrets in configs.items())
    assert len(made.secrets) == 10


def test_a_platform_without_encrypted_values_registers_no_secrets_of_it(dev, run, monkeypatch):
    monkeypatch.setattr(pulumi.runtime, "is_config_secret", lambda key: False)
    _, ran = run(dev)
    assert all("secrets" not in inputs for inputs in ran.engine.of(CONFIG).values())


def test_what_the_engine_decrypts_and_the_file_does_not_have_is_refused(dev, run):
    with pytest.raises(pulumi.RunError) as raised:
        run(with_secrets(dev), written=dev)
    assert MARK not in str(raised.value)
    with pytest.raises(pulumi.RunError, match="has an encrypted value that is not in the stack file of this folder"):
        run(dev)


def test_a_password_that_is_copied_into_the_platform_is_refused(dev, run):
    """An attack: who can't read it copies its encrypted text to where it gets out, such as their VM."""
    vm = next(iter(dev["vms"]))
    platform = changed(dev, {f"vms.{vm}.cloud_init": {"password": f"{MARK}-calvin"}})
    with pytest.raises(pulumi.RunError) as raised:
        run(platform, bmc={"username": "root", "password": f"{MARK}-calvin", "hosts": "*.bmc.example.com"})
    assert "has an encrypted value with the text of a credential of the stack" in str(raised.value)
    assert MARK not in str(raised.value)


def test_a_fault_names_the_stack_in_its_command(dev, run):
    vm = next(iter(dev["vms"]))
    with pytest.raises(pulumi.RunError) as raised:
        run(changed(dev, {f"vms.{vm}.cloud_init": {"password": "hunter2", "runcmd": [f"{MARK}"]}}))
    assert f"'bedplate:platform.vms.{vm}.cloud_init.password' --stack test" in str(raised.value)
    assert "hunter2" not in str(raised.value) and MARK not in str(raised.value)


def test_the_mark_is_where_the_tests_look(dev):
    """What the tests above search for is in the platform that the engine hands over."""
    made = Encrypted(with_secrets(dev))
    assert made.handed != made.written and MARK not in json.dumps(made.written)
    config = {KEY: made.written}
    assert len(set(standins.within(sealed.without_secrets(made.written, config).platform))) == 10
