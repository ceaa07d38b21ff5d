"""A stack for one plan: its state is in a folder of its own, and it knows no secret."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from .files import Prepared
from .redaction import Plan, plan_of

# The passphrase of a state in which nothing is secret. It is public.
PASSPHRASE = "there are no secrets here"
_PROJECT = "Pulumi.yaml"
_RECORDER = Path(__file__).parent / "recorder" / "pack"
# Where a plan would read or write something else than this stack.
_DROPPED = ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK")


class EngineError(Exception):
    """The engine failed; the text is the engine's."""


@dataclass(frozen=True)
class ReviewStack:
    """A stack that exists as long as its folder."""

    name: str
    files: Prepared
    """The program, and the stack file without secrets."""
    home: Path
    """A folder of its own, for the state."""

    def create(self, deployment: Mapping[str, Any] | None) -> None:
        """Create the stack with a state whose secrets are stand-ins, or without one. Raises EngineError."""
        (self.home / "state").mkdir()
        (self.home / "empty").mkdir()
        project = yaml.safe_load((self.files.program / _PROJECT).read_text(encoding="utf-8"))
        # Its name alone: no plugin is resolved from there.
        alone = {"name": project["name"], "runtime": "python"}
        (self.home / "empty" / _PROJECT).write_text(json.dumps(alone), encoding="utf-8")
        self._captured("stack", "init", "--no-select", self.name)
        if deployment is not None:
            self.replace(deployment)

    def replace(self, deployment: Mapping[str, Any]) -> None:
        """Make this deployment the stack's state. Raises EngineError."""
        exported = json.loads(self._captured("stack", "export", "--stack", self.name))
        provider = exported["deployment"]["secrets_providers"]
        exported["deployment"] = {**deployment, "secrets_providers": provider}
        self._captured("stack", "import", "--stack", self.name, "--force", stdin=json.dumps(exported))

    def recorded(self) -> Plan:
        """The plan, with what the program registers in it, also where a resource of it fails. Raises EngineError."""
        record = self.home / "record"
        record.write_text("", encoding="utf-8")
        plan_only = ("preview", "--stack", self.name, "--json", "--show-sames")
        config = ("--config-file", str(self.files.config), "--policy-pack", str(_RECORDER))
        done = self._run(*plan_only, *config, folder=self.files.program, BEDPLATE_RECORD=str(record))
        plan = plan_of(printed(done))
        sides: dict[str, dict[str, Any]] = {"inputs": {}, "outputs": {}}
        for line in record.read_text(encoding="utf-8").splitlines():
            kind, urn, properties = json.loads(line)
            sides[kind][urn] = properties
        return replace(plan, inputs=sides["inputs"], outputs=sides["outputs"])

    def shown(self, *options: str) -> int:
        """Show the plan to a person. Returns the engine's exit code."""
        command = ["pulumi", "preview", "--stack", self.name, "--config-file", str(self.files.config)]
        command += ["--non-interactive", *options]
        return subprocess.run(
            command, cwd=self.files.program, env=self._environment(), stdin=subprocess.DEVNULL, check=False
        ).returncode

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        own = {
            "PULUMI_BACKEND_URL": f"{(self.home / 'state').as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            # The hosts of a credential are part of its secret. The program compares no address with stand-ins.
            "BEDPLATE_REVIEW": "1",
        }
        return kept | own

    def _captured(self, *arguments: str, stdin: str = "") -> str:
        done = self._run(*arguments, stdin=stdin)
        if done.returncode:
            raise EngineError((done.stderr or done.stdout).strip())
        return done.stdout

    def _run(
        self, *arguments: str, stdin: str = "", folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            # Beside the project alone: the stack's file names the key of its real secrets.
            cwd=folder or self.home / "empty",
            env=self._environment() | variables,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )


def printed(done: subprocess.CompletedProcess[str]) -> Mapping[str, Any]:
    """What a `preview --json` printed. Raises EngineError where it printed something else."""
    try:
        document: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise EngineError((done.stderr or done.stdout).strip() or f"exit code {done.returncode}") from None
    return document
