"""What a review takes from a pull request: data, and nothing that this computer would run or that leads elsewhere."""

import json
import os
import re

import pytest
import yaml

from core.facts import secret_forms
from core.model import StackFileError
from operations.review import published
from operations.review.config import without_secrets
from operations.review.files import prepared

PLATFORM = {"name": "dev", "machines": {}}


@pytest.fixture
def checkouts(tmp_path):
    """A trusted checkout with a program, and a pull request's."""
    trusted, given = tmp_path / "trusted", tmp_path / "given"
    for root in (trusted, given):
        for room in ("core", "provider", "policy"):
            (root / room).mkdir(parents=True)
            (root / room / "__init__.py").write_text(f"# of {root.name}\n")
        (root / "__main__.py").write_text(f"# of {root.name}\n")
        (root / "Pulumi.yaml").write_text(f"name: {root.name}\n")
    return trusted, given


@pytest.fixture
def taken(checkouts, tmp_path):
    """Prepares a folder for a platform; what it holds, by path."""
    trusted, given = checkouts

    def take(platform=None, config=None, **settings):
        document = {"config": {"bedplate:platform": {**PLATFORM, **(platform or {})}, **(config or {})}, **settings}
        (given / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
        (tmp_path / "home").mkdir()
        files = prepared("dev", trusted, given, tmp_path / "home")
        found = {str(file.relative_to(files.program)): file for file in files.program.rglob("*")}
        return {**found, "config": files.config}

    return take


def refusal(taken, *arguments, **settings):
    with pytest.raises(StackFileError) as refused:
        taken(*arguments, **settings)
    return str(refused.value)


def test_the_code_is_the_trusted_checkouts_and_the_data_the_pull_requests(taken, checkouts):
    _, given = checkouts
    (given / "vms").mkdir()
    (given / "vms" / "a.yaml").write_text("vms: {}\n")
    (given / "charts" / "cilium" / "templates").mkdir(parents=True)
    (given / "charts" / "cilium" / "Chart.yaml").write_text("name: cilium\n")
    (given / "charts" / "cilium" / "templates" / "a.tpl").write_text("")
    # Cilium's own chart has such a file.
    (given / "charts" / "cilium" / "files" / "agent").mkdir(parents=True)
    (given / "charts" / "cilium" / "files" / "agent" / "poststart-eni.bash").write_text("")
    found = taken({"include": ["vms/a.yaml"], "cilium": {"chart": "./charts/cilium"}})
    assert {"vms/a.yaml", "charts/cilium/Chart.yaml", "charts/cilium/templates/a.tpl"} < set(found)
    assert "charts/cilium/files/agent/poststart-eni.bash" in found
    for name in ("__main__.py", "core/__init__.py", "Pulumi.yaml"):
        file = found[name.split("/")[0]].parent / name
        assert "trusted" in file.read_text()
    assert json.loads(found["config"].read_text())["config"]["bedplate:platform"]["include"] == ["vms/a.yaml"]


@pytest.mark.parametrize("name", ["pulumi.py", "yaml/__init__.py", "Pulumi.yaml", "vms/Pulumi.yaml", "x.pth"])
def test_no_file_is_taken_that_python_or_the_engine_would_run(taken, checkouts, name):
    _, given = checkouts
    (given / name).parent.mkdir(exist_ok=True)
    (given / name).write_text("")
    assert refusal(taken, {"include": [name]}) == (
        f"platform.include.0: {name} does not end in .yaml, or its name starts with Pulumi; "
        "the engine and Python run what such files contain; rename the file, e.g. vms/team-a.yaml"
    )


@pytest.mark.parametrize(
    "name", ["core/vms.yaml", "Core/vms.yaml", "provider/x.yaml", ".git/x.yaml", ".toolchain/charts/x.yaml"]
)
def test_nothing_is_written_into_the_trusted_checkout(taken, checkouts, name):
    trusted, given = checkouts
    (given / name).parent.mkdir(parents=True, exist_ok=True)
    (given / name).write_text("vms: {}\n")
    assert "which contains code or settings; a review takes neither" in refusal(taken, {"include": [name]})
    assert not (trusted / name).exists()


@pytest.mark.parametrize("name", ["../secret.yaml", "vms/../../secret.yaml", "vms/\x1b.yaml"])
def test_no_path_leads_out_of_the_pull_request(taken, name):
    assert "is not a path inside the checkout" in refusal(taken, {"include": [name]})


def test_no_link_is_followed(taken, checkouts, tmp_path):
    _, given = checkouts
    (tmp_path / "secret.yaml").write_text("vms: {stolen: {}}\n")
    (given / "vms").symlink_to(tmp_path)
    (given / "a.yaml").symlink_to(tmp_path / "secret.yaml")
    said = refusal(taken, {"include": ["vms/secret.yaml", "a.yaml"]})
    assert len(re.findall("is, or is below, a link; a link can lead to any file", said)) == 2


def test_a_stack_file_that_is_a_link_is_refused(checkouts, tmp_path):
    trusted, given = checkouts
    (given / "Pulumi.dev.yaml").symlink_to("/etc/passwd")
    with pytest.raises(StackFileError, match="is, or is below, a link"):
        prepared("dev", trusted, given, tmp_path)


def test_a_pipe_as_an_include_does_not_hold_the_review(taken, checkouts):
    _, given = checkouts
    os.mkfifo(given / "a.yaml")
    assert "can't be read: there is no such file" in refusal(taken, {"include": ["a.yaml"]})


def test_a_large_file_is_refused(taken, checkouts):
    _, given = checkouts
    (given / "a.yaml").write_bytes(b"#" * (5 << 20))
    assert "has more than 4 MiB" in refusal(taken, {"include": ["a.yaml"]})


def test_aliases_of_aliases_take_no_memory(checkouts):
    trusted, given = checkouts
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (given / "Pulumi.dev.yaml").write_text("\n".join(lines))
    with pytest.raises(StackFileError, match="stands for more than 500000 values"):
        prepared("dev", trusted, given, given.parent)


@pytest.mark.parametrize("name", ["evil.py", "evil.so", "templates/evil.pth"])
def test_a_chart_brings_no_code_of_python(taken, checkouts, name):
    _, given = checkouts
    (given / "pulumi" / name).parent.mkdir(parents=True)
    (given / "pulumi" / name).write_text("")
    assert "is no file of a chart's text" in refusal(taken, {"cilium": {"chart": "./pulumi"}})


@pytest.mark.parametrize("chart", [".", "./", "./core", "../other"])
def test_a_chart_is_a_folder_of_its_own(taken, chart):
    assert refusal(taken, {"cilium": {"chart": chart}}).startswith("platform.cilium.chart: ")


def test_a_chart_with_a_link_or_too_many_files_is_refused(taken, checkouts):
    _, given = checkouts
    (given / "a").mkdir()
    (given / "a" / "secret.yaml").symlink_to("/etc/passwd")
    assert "a link" in refusal(taken, {"cilium": {"chart": "./a"}})
    (given / "b").mkdir()
    for number in range(501):
        (given / "b" / f"{number}.yaml").write_text("")
    (given / "Pulumi.dev.yaml").unlink()
    with pytest.raises(StackFileError, match="has more than 500 files"):
        document = {"config": {"bedplate:platform": {**PLATFORM, "cilium": {"chart": "./b"}}}}
        (given / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
        prepared("dev", given.parent / "trusted", given, given.parent)


@pytest.mark.parametrize("key", ["kubernetes:kubeconfig", "pulumi:disable-default-providers", "talos:endpoint"])
def test_no_plugin_is_configured_by_a_pull_request(taken, key):
    """A kubeconfig with `exec` runs a command."""
    said = refusal(taken, config={key: "x"})
    assert said == (
        f"platform: the stack file has config for {key!r}; config of a plugin, such as a kubeconfig, could run a "
        "command on the computer that reviews it; leave only keys that start with bedplate:"
    )


def test_other_settings_of_the_stack_file_are_left_out(taken):
    found = taken(environment=["prod/keys"], secretsprovider="awskms://key", encryptionsalt="v1:abc", encryptedkey="x")
    assert set(json.loads(found["config"].read_text())) == {"config"}


SECURE = {"secure": "v1:ciphertext"}


def test_encrypted_values_become_stand_ins_of_their_shape():
    document = {
        "config": {
            "bedplate:platform": {"registries": {"auth": ["mirror.example.com"]}},
            "bedplate:matchbox": {"ca": SECURE, "certificate": SECURE, "key": SECURE, "hosts": [SECURE]},
            "bedplate:bmc": SECURE,
            "bedplate:registries": SECURE,
        }
    }
    config = without_secrets(document)["config"]
    assert "ciphertext" not in json.dumps(config)
    assert config["bedplate:matchbox"]["key"] == "stand-in for bedplate:matchbox.key"
    assert config["bedplate:matchbox"]["hosts"] == ["stand-in for bedplate:matchbox.hosts[]"]
    assert set(config["bedplate:bmc"]) == {"username", "password"}
    assert set(config["bedplate:registries"]["mirror.example.com"]) == {"username", "password"}


def test_an_encrypted_value_in_the_platform_becomes_a_text_that_its_place_can_hold():
    wireguard = {"apiVersion": "v1alpha1", "kind": "WireguardConfig", "name": "wg0", "privateKey": SECURE}
    service = {"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "nut", "environment": [SECURE]}
    platform = {
        "talos": {"patches": [wireguard, service]},
        "vms": {"web": {"cloud_init": {"password": SECURE}, "cpu": 1}},
    }
    found = without_secrets({"config": {"bedplate:platform": platform}})["config"]["bedplate:platform"]
    place = "bedplate:platform.vms.web.cloud_init.password"
    assert found["vms"]["web"] == {"cloud_init": {"password": f"stand-in for {place}"}, "cpu": 1}
    key, entry = found["talos"]["patches"][0]["privateKey"], found["talos"]["patches"][1]["environment"][0]
    assert secret_forms.problem("WireguardConfig", ("privateKey",), key) is None
    assert secret_forms.problem("ExtensionServiceConfig", ("environment", 0), entry) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "can't be read: No such file or directory; write it with ./bedplate redact dev FILE"),
        ("{", "can't be read: it is not JSON"),
        ('{"version": 2}', "is not what ./bedplate redact writes; write it again with this release"),
        ('{"version": 1, "stack": "dev"}', "is not what ./bedplate redact writes; write it again with this release"),
        ('{"version": 1, "stack": "prod", "deployment": {}}', "is the state of 'prod'; name the state of dev"),
    ],
)
def test_a_file_that_is_no_published_state_is_refused(tmp_path, text, says):
    file = tmp_path / "state.json"
    if text:
        file.write_text(text)
    with pytest.raises(published.NotReadableError) as refused:
        published.read(file, "dev")
    assert says in str(refused.value)
