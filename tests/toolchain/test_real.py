"""The real parts: they tell their versions, and the engine finds them without a warning."""

import json
import os
import subprocess

import pytest

from runner.environment import tools
from toolchain import Layout, ensure, hashes, onpath, pyenv
from toolchain.lock import Part, load

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes
import pulumiverse_matchbox as matchbox
import pulumiverse_talos as talos

secrets = talos.machine.Secrets("secrets")
boot = matchbox.Provider("boot", endpoint="127.0.0.1:9", ca="ca", client_cert="certificate", client_key="key")
matchbox.Profile("profile", kernel="/kernel", opts=pulumi.ResourceOptions(provider=boot))
kubernetes.core.v1.Namespace("space", opts=pulumi.ResourceOptions(
    provider=kubernetes.Provider("offline", kubeconfig=secrets.talos_version)))
"""


@pytest.fixture(scope="module")
def layout() -> Layout:
    layout = Layout.of()
    ensure({"test"}, layout)
    return layout


def test_each_part_that_can_be_asked_tells_its_pinned_version(layout):
    lock = load(layout.lock)
    asked = {part.name: part for part in lock.select({"test"}) if part.ask}
    assert set(asked) == {"matchbox", "pulumi", "pulumi-resource-talos", "pulumi-resource-matchbox", "talosctl"}
    installed = ensure({"test"}, layout)
    told = {name: onpath.version_of(installed[name], part.ask) for name, part in asked.items()}
    assert told == {name: part.version for name, part in asked.items()}


def test_the_engine_lists_each_plugin_at_the_version_its_sdk_asks_for(layout):
    command = [layout.bin / "pulumi", "plugin", "ls", "--json"]
    listed = json.loads(subprocess.check_output(command, env=tools(layout, os.environ), cwd=layout.home))
    versions = {(each["name"], each["version"]) for each in listed}
    assert {("kubernetes", "4.25.0"), ("talos", "0.7.0"), ("matchbox", "0.3.0")} <= versions


def test_a_preview_loads_every_plugin_and_says_no_warning(layout, tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: plugins\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    environment = tools(layout, os.environ) | {
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "for this test",
    }

    def engine(*arguments: str) -> str:
        done = subprocess.run(
            [layout.bin / "pulumi", *arguments, "--non-interactive"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    told = engine("stack", "init", "plugins") + engine("preview", "--stack", "plugins")
    assert "warning" not in told.lower()
    assert "+ 6 to create" in told


def test_the_environment_is_complete_and_consistent(layout):
    command = [layout.venv / "bin" / "python", "-m", "pip", "check"]
    assert subprocess.check_output(command, text=True) == "No broken requirements found.\n"


def test_the_environment_holds_what_the_requirements_pin_and_nothing_else(layout):
    command = [layout.venv / "bin" / "python", "-m", "pip", "list", "--format=freeze", "--exclude=pip"]
    # An interpreter brings its own setuptools at times; requirements.txt then decides its version.
    held = {line.lower().replace("_", "-") for line in subprocess.check_output(command, text=True).splitlines()}
    pinned = hashes.pins((layout.checkout / "requirements.txt").read_text())
    assert held == {f"{name}=={version}".lower().replace("_", "-") for name, version in pinned.items()}


def test_an_environment_that_cannot_be_made_is_told_with_its_log_and_is_never_used(tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text("no-such-package @ file:///no/such/place\n")
    monkeypatch.delenv("BEDPLATE_STORE", raising=False)
    layout = Layout.of(tmp_path)
    part = Part("python", "python", "", "python")
    with pytest.raises(pyenv.ToolchainError) as caught:
        pyenv.environment(part, layout)
    text = str(caught.value)
    assert text.startswith("python: the Python environment could not be created.\n  command: ")
    assert "/no/such/place" in text
    assert f"  the whole log: {layout.logs / 'python.log'}\n" in text
    assert not list(layout.store.glob("python-*/part.json"))
