"""With the real engine: no run changes a file of the checkout, and secrets stay readable."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from runner import engine, main, session
from toolchain import Layout, ensure

pytestmark = pytest.mark.engine

# What commands run beside the engine.
ROOMS = ("toolchain", "core", "clients", "operations", "runner")
PROGRAM = """
import pulumi

config = pulumi.Config()
pulumi.export("size", config.require("size"))
pulumi.export("secret", pulumi.Output.secret("hidden in the state"))
pulumi.export("given", config.get_secret("given"))
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A git checkout with a program of its own and the real toolchain."""
    for name in list(os.environ):
        if name.startswith(("PULUMI_", "BEDPLATE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BEDPLATE_POLICY_PACK", "")
    real = Layout.of()
    ensure({"plan"}, real)
    root = tmp_path / "repository"
    (root / ".toolchain" / "home").mkdir(parents=True)
    (root / ".toolchain" / "bin").symlink_to(real.bin)
    (root / ".toolchain" / "venv").symlink_to(real.venv)
    for room in ROOMS:
        (root / room).symlink_to(real.checkout / room)
    (root / "requirements.txt").write_bytes((real.checkout / "requirements.txt").read_bytes())
    (root / "Pulumi.yaml").write_text("name: house\nruntime: python\n")
    # Every command reads the platform first, and so it is there, although this program does not.
    platform = (real.checkout / "Pulumi.dev.yaml").read_text().partition("\nconfig:\n")[2]
    (root / "Pulumi.dev.yaml").write_text(
        f"# sizes are not free\nconfig:\n  house:size:   small   # for now\n{platform}"
    )
    (root / "Pulumi.prod.yaml").write_text(f"config:\n  house:size: large\n{platform}")
    (root / "__main__.py").write_text(PROGRAM)
    (root / ".gitignore").write_text("/.toolchain/\n__pycache__/\n" + "".join(f"/{room}\n" for room in ROOMS))
    for module in (engine, session):
        monkeypatch.setattr(module, "ensure", lambda names, layout: {})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "-c", "user.name=t", "-c", "user.email=t@t.test", "commit", "-qm", "all")
    return Layout(root, root / ".toolchain", real.store)


def git(root: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=root, text=True)


def run(layout: Layout, capfd: pytest.CaptureFixture, *arguments: str) -> str:
    code = main.main_in(layout, list(arguments))
    output = "".join(capfd.readouterr())
    assert code == 0, output
    return output


def salt(layout: Layout, stack: str, state: Path | None = None) -> str:
    file = (state or layout.home / "state") / ".pulumi" / "stacks" / "house" / f"{stack}.json"
    return json.loads(file.read_text())["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]


def test_preview_up_and_destroy_of_dev_change_no_file_of_the_checkout(repository, capfd):
    run(repository, capfd, "preview", "dev")
    first = salt(repository, "dev")
    run(repository, capfd, "up", "dev", "--yes")
    assert salt(repository, "dev") == first
    assert "hidden in the state" in run(repository, capfd, "pulumi", "stack", "output", "--show-secrets")
    assert "hidden in the state" not in (repository.home / "state/.pulumi/stacks/house/dev.json").read_text()
    run(repository, capfd, "refresh", "dev", "--yes")
    run(repository, capfd, "preview", "dev", "--expect-no-changes")
    run(repository, capfd, "destroy", "dev", "--yes")
    assert git(repository.checkout, "status", "--porcelain") == ""


def test_another_checkout_reads_the_encryption_salt_from_the_state(repository, capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "states").as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of the team")
    (tmp_path / "states").mkdir()
    run(repository, capfd, "up", "prod", "--yes")
    first = salt(repository, "prod", tmp_path / "states")
    # Nothing of this checkout's own is left, as on a colleague's computer.
    (repository.home / "dev.passphrase").unlink(missing_ok=True)
    assert not list((repository.home / "runs").iterdir())
    run(repository, capfd, "up", "prod", "--yes")
    assert salt(repository, "prod", tmp_path / "states") == first
    assert git(repository.checkout, "status", "--porcelain") == ""

    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a wrong one")
    assert main.main_in(repository, ["preview", "prod"]) != 0
    assert "incorrect passphrase" in "".join(capfd.readouterr())


def test_a_secret_in_the_stack_file_is_decrypted_and_stays(repository, capfd):
    run(repository, capfd, "preview", "dev")
    run(repository, capfd, "pulumi", "config", "set", "--secret", "given", "top secret")
    text = (repository.checkout / "Pulumi.dev.yaml").read_text()
    assert f"encryptionsalt: {salt(repository, 'dev')}\n" in text
    assert "secure: v1:" in text
    assert "top secret" not in text
    assert "top secret" not in run(repository, capfd, "up", "dev", "--yes")
    assert "top secret" in run(repository, capfd, "pulumi", "stack", "output", "--show-secrets")
    assert (repository.checkout / "Pulumi.dev.yaml").read_text() == text


def test_the_engine_prints_no_warning_about_plugins_on_path(repository, capfd):
    output = run(repository, capfd, "preview", "dev")
    assert "warning" not in output.lower()
    assert "$PATH" not in output
