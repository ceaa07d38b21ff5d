"""A checkout of its own for each test, and the real engine to run in it."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import speed
from tests import checkouts
from tests.conftest import KEY, ROOT, changed
from tests.states.record import LAB, PASSPHRASE
from tests.talosplugin import TalosPlugin, running

# Beside the program: its settings, and what commands run in a checkout.
OTHERS = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "requirements.txt", "operations", "runner")
STATES = ROOT / "tests" / "states"
CHART = ROOT / "lab" / "charts" / "cilium-standin"
LOOPBACK = Path(__file__).parent / "loopback.py"
DEADLINE_SECONDS = 300


@dataclass
class Checkout:
    """A copy of the program with a state of its own."""

    folder: Path
    environment: dict[str, str]
    secrets: list[str] = field(default_factory=list)
    deadline: float = DEADLINE_SECONDS
    """Seconds that a command may take, on the reference machine of lab.speed."""

    @classmethod
    def at(cls, home: Path) -> "Checkout":
        """The checkout in this folder, with its state beside it."""
        environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{home}/state",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase for this test alone",
        }
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        return cls(home / "checkout", environment)

    def run(
        self, *command: str, check: bool = True, network: bool = True, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here; with network=False in a network namespace that holds a loopback link alone.

        Raises AssertionError with what it printed if it fails, unless check=False.
        """
        if not network:
            command = (sys.executable, str(LOOPBACK), *command)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=speed.deadline(self.deadline),
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def pulumi(
        self, *args: str, check: bool = True, network: bool = True, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the engine here."""
        return self.run("pulumi", *args, "--non-interactive", check=check, network=network, **env)

    def preview(
        self, stack: str, *args: str, check: bool = True, network: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Preview a stack with the policy pack."""
        return self.pulumi(
            "preview", "--stack", stack, "--policy-pack", "policy/pack", *args, check=check, network=network
        )

    def plan(self, stack: str, *args: str, network: bool = True) -> dict[str, Any]:
        """Every resource of a plan: its URN to its inputs."""
        plan = json.loads(self.pulumi("preview", "--stack", stack, "--json", *args, network=network).stdout)
        return {step["urn"]: step["newState"].get("inputs", {}) for step in plan["steps"]}

    def edit(self, stack: str, edits: Mapping[str, Any]) -> None:
        """Change the platform of a stack file: dotted path to value, None to remove it."""
        file = self.folder / f"Pulumi.{stack}.yaml"
        whole = yaml.safe_load(file.read_text(encoding="utf-8"))
        whole["config"][KEY] = changed(whole["config"][KEY], edits)
        file.write_text(yaml.safe_dump(whole), encoding="utf-8")


def _copy(folder: Path) -> None:
    folder.mkdir()
    checkouts.copy(ROOT, folder, *OTHERS)


@pytest.fixture(scope="session")
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a checkout in which a stack was created; made once per session, and copied by tests."""

    @cache
    def make(stack: str) -> Path:
        home = tmp_path_factory.mktemp(f"fresh-{stack}")
        (home / "state").mkdir()
        _copy(home / "checkout")
        Checkout.at(home).pulumi("stack", "init", "--no-select", stack)
        return home

    return make


@pytest.fixture
def checkout(tmp_path: Path, fresh_stack: Callable[[str], Path]) -> Callable[[str], Checkout]:
    """Makes a checkout in which a stack was created, and nothing else happened."""

    return lambda stack: taken(fresh_stack(stack), tmp_path)


def taken(fresh: Path, home: Path) -> Checkout:
    """A copy, in `home`, of a checkout and its state."""
    for part in ("checkout", "state"):
        shutil.copytree(fresh / part, home / part)
    return Checkout.at(home)


@pytest.fixture
def talos_plugin() -> Iterator[TalosPlugin]:
    """The plugin that the engine runs, queried directly for what the engine keeps secret."""
    with running() as plugin:
        yield plugin


@pytest.fixture
def recorded(checkout: Callable[[str], Checkout], tmp_path: Path) -> Callable[[str], tuple[Checkout, str]]:
    """Makes a checkout with a recorded state and its stack file."""

    def put(name: str) -> tuple[Checkout, str]:
        stack = name.rpartition("-")[2]
        here = checkout(stack)
        here.environment["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
        lab = tmp_path / "lab"
        # Release 0.1.0 accepted a chart from anywhere. A chart of the checkout is another text, and another plan.
        places = ((f"{LAB}/chart", "./lab/chart"), (LAB, str(lab)))
        text = gzip.decompress((STATES / f"{name}.json.gz").read_bytes()).decode()
        here.pulumi("stack", "rm", stack, "--yes", "--preserve-config")
        described = (STATES / f"{name}.yaml").read_text(encoding="utf-8")
        for old, new in places:
            text, described = text.replace(old, new), described.replace(old, new)
        (here.folder / f"Pulumi.{stack}.yaml").write_text(described, encoding="utf-8")
        here.pulumi("stack", "init", stack)
        _chart(here.folder / "lab" / "chart", yaml.safe_load(described))
        subprocess.run(
            ["pulumi", "stack", "import", "--stack", stack],
            input=text,
            text=True,
            cwd=here.folder,
            env=here.environment,
            check=True,
            capture_output=True,
        )
        return here, stack

    return put


def _chart(folder: Path, described: Mapping[str, Any]) -> None:
    """The rehearsal's stand-in for Cilium's chart: the Kubernetes provider reads it in a plan."""
    want = described["config"]["bedplate:platform"]["cilium"]
    shutil.copytree(CHART, folder)
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": want["version"]}))
