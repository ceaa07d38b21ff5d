"""The real engine, run inside a lab on a rehearsed stack: its own state, its own passphrase, its own file."""

import json
import os
import re
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from core.state import unwrap_secret
from runner.states import durable

from . import speed
from .session import Lab

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Failed(RuntimeError):
    """A run of the engine failed or took too long; the message has its last errors."""


@dataclass
class Run:
    """One run of the engine: its exit code, its seconds, and each line with the second at which it came."""

    code: int = 0
    seconds: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Every line."""
        return "\n".join(line for _, line in self.lines)

    def when(self, pattern: str) -> float | None:
        """Seconds from the start of the run to the first line that matches."""
        for at, line in self.lines:
            if re.search(pattern, line):
                return round(at, 1)
        return None


class Engine:
    """Pulumi on one stack of a lab."""

    def __init__(
        self,
        lab: Lab,
        *,
        checkout: Path,
        pulumi: Path,
        stack: str,
        environment: Mapping[str, str],
        home: Path | None = None,
    ) -> None:
        self.lab, self.checkout, self.pulumi, self.stack = lab, checkout, pulumi, stack
        self.home = home or lab.layout.directory / "stack"
        self.home.mkdir(mode=0o700, exist_ok=True)
        (self.home / "state").mkdir(exist_ok=True)
        passphrase = self.home / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))
        dropped = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "KUBECONFIG", "TALOSCONFIG"}
        self.environment = {name: value for name, value in environment.items() if name not in dropped} | {
            "PULUMI_BACKEND_URL": durable((self.home / "state").as_uri()),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            # Plugins write kubeconfigs to this folder.
            "TMPDIR": str(self.home / "tmp"),
            # Nodes are containers, which have no hardware that could be compared.
            "BEDPLATE_REHEARSAL": "1",
        }
        (self.home / "tmp").mkdir(mode=0o700, exist_ok=True)

    @property
    def file(self) -> Path:
        """The rehearsed stack file."""
        return self.home / f"Pulumi.{self.stack}.yaml"

    def write(self, platform: Mapping[str, Any]) -> None:
        """Put a platform into the stack file, keeping the salt that the engine wrote there."""
        try:
            document = yaml.safe_load(self.file.read_text()) or {}
        except FileNotFoundError:
            document = {}
        document.setdefault("config", {})["bedplate:platform"] = dict(platform)
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """The engine's command line."""
        return [str(self.pulumi), *arguments, "--stack", self.stack, "--non-interactive", "--color=never"]

    def run(
        self,
        *arguments: str,
        seconds: float,
        config: bool = True,
        check: bool = True,
        say: Callable[[str], None] = lambda _: None,
        started: Callable[[subprocess.Popen[str]], None] | None = None,
    ) -> Run:
        """Run the engine inside the lab, and end it at its deadline.

        seconds: the deadline, on the reference machine of lab.speed. say: called with each line. started: called with
        the process. Raises Failed if the run took too long, and with check=True if it ended with another code than 0.
        """
        argv = self.command(*arguments) + ([f"--config-file={self.file}"] if config else [])
        run, begun, allowed = Run(), time.monotonic(), speed.deadline(seconds)
        with self._start(argv) as process:
            timer = threading.Timer(allowed, lambda: os.killpg(process.pid, signal.SIGKILL))
            timer.start()
            try:
                if started:
                    started(process)
                assert process.stdout is not None
                for raw in process.stdout:
                    line = _COLOUR.sub("", raw.rstrip())
                    run.lines.append((time.monotonic() - begun, line))
                    say(line)
                run.code = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                timer.cancel()
        run.seconds = round(time.monotonic() - begun, 1)
        if run.seconds >= allowed and run.code != 0:
            raise Failed(f"pulumi {arguments[0]}: timed out after {allowed:.0f} s; last: {_last(run)}")
        if check and run.code != 0:
            raise Failed(f"pulumi {arguments[0]} ended with {run.code}: {_last(run)}")
        return run

    def _start(self, argv: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.lab.command(argv, self.checkout),
            env=dict(self.environment),
            text=True,
            stdin=subprocess.DEVNULL,
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def init(self) -> None:
        """Create the stack, if it does not exist."""
        if not self._exists():
            # The engine writes a salt beside the project for which it creates a stack: keep it out of the checkout.
            name = yaml.safe_load((self.checkout / "Pulumi.yaml").read_text())["name"]
            (self.home / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
            self.run("stack", "init", "--no-select", f"--cwd={self.home}", seconds=60, config=False)

    def _exists(self) -> bool:
        return any((self.home / "state" / ".pulumi" / "stacks").rglob(f"{self.stack}.json*"))

    def output(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> str:
        """What a short command of the engine prints. It goes to no log, because it may be secret."""
        return self.lab.run(
            self.command(*arguments), seconds=seconds, env=self.environment, cwd=self.checkout, stdin=stdin
        ).stdout

    def state(self, *, secrets: bool = False) -> list[dict[str, Any]]:
        """The resources of the stack's state; secrets stay encrypted unless `secrets`."""
        shown = ["--show-secrets"] if secrets else []
        exported = self.lab.run(
            [str(self.pulumi), "stack", "export", "--stack", self.stack, *shown],
            seconds=60,
            env=self.environment,
            cwd=self.checkout,
        )
        resources: list[dict[str, Any]] = json.loads(exported.stdout)["deployment"].get("resources", [])
        return resources

    def credentials(self) -> tuple[dict[str, str], str]:
        """The client of the Talos API (part to its text) and the kubeconfig, from the state.

        The state has them also after an `up` that failed half-way. Raises Failed if it has none yet.
        """
        outputs: dict[str, Any] = {
            one["type"].rpartition(":")[2]: one.get("outputs", {}) for one in self.state(secrets=True)
        }
        if not {"Secrets", "Kubeconfig"} <= outputs.keys():
            raise Failed("the state has no credentials yet")
        config = unwrap_secret(outputs["Kubeconfig"]["kubeconfig"])
        return unwrap_secret(outputs["Secrets"]["clientConfiguration"]), config


def _last(run: Run, lines: int = 25) -> str:
    printed = [line for _, line in run.lines if line.strip()]
    errors = [line for line in printed if "error" in line.lower()]
    return "\n".join((errors or printed)[-lines:])
