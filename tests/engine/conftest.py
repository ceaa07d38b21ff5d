"""A checkout of its own for each test, and the real engine to run in it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checkouts
import pytest
import yaml
from conftest import KEY, ROOT, changed
from talosplugin import running

# Beside the program: its settings, and what commands run in a checkout.
OTHERS = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "requirements.txt", "operations")
LOOPBACK = Path(__file__).parent / "loopback.py"
DEADLINE_SECONDS = 300


@dataclass
class Checkout:
    """A copy of the program with a state of its own."""

    folder: Path
    environment: dict[str, str]
    secrets: list[str] = field(default_factory=list)
    deadline: float = DEADLINE_SECONDS
    """What a command may take."""

    def run(
        self, *command: str, check: bool = True, network: bool = True, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command here; with network=False in a network namespace that holds a loopback link alone."""
        if not network:
            command = (sys.executable, str(LOOPBACK), *command)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=self.deadline,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def pulumi(
        self, *args: str, check: bool = True, network: bool = True, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", *args, "--non-interactive", check=check, network=network, **env)

    def preview(
        self, stack: str, *args: str, check: bool = True, network: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return self.pulumi(
            "preview", "--stack", stack, "--policy-pack", "policy/pack", *args, check=check, network=network
        )

    def plan(self, stack: str, *args: str, network: bool = True) -> dict[str, Any]:
        """Every resource of a plan with its inputs, by URN."""
        told = json.loads(self.pulumi("preview", "--stack", stack, "--json", *args, network=network).stdout)
        return {step["urn"]: step["newState"].get("inputs", {}) for step in told["steps"]}

    def edit(self, stack: str, edits: Mapping[str, Any]) -> None:
        """Changes the platform of a stack file."""
        file = self.folder / f"Pulumi.{stack}.yaml"
        whole = yaml.safe_load(file.read_text(encoding="utf-8"))
        whole["config"][KEY] = changed(whole["config"][KEY], edits)
        file.write_text(yaml.safe_dump(whole), encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[[str], Checkout]:
    """Makes a checkout in which a stack was created and nothing else was done."""

    def make(stack: str) -> Checkout:
        folder = tmp_path / "checkout"
        folder.mkdir()
        checkouts.copy(ROOT, folder, *OTHERS)
        (tmp_path / "state").mkdir()
        environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase for this test alone",
        }
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        made = Checkout(folder, environment)
        made.pulumi("stack", "init", stack)
        return made

    return make


@pytest.fixture
def talos_plugin():
    """The plugin that the engine runs, asked directly for what the engine keeps secret."""
    with running() as plugin:
        yield plugin
