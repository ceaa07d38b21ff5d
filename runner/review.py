"""`./bedplate redact STACK FILE` and `./bedplate review STACK`: plans of pull requests, without any secret.

The work is in `operations/review/`. What it starts gets an environment of a few variables, so that neither a stack's
passphrase nor a credential of this computer is in it.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from toolchain import Layout

from . import private, process, session, stacks
from .environment import tools
from .errors import UsageError
from .filter import Filter
from .parts import ensure

# All that a plan without secrets reads of the environment.
KEPT = (
    "PATH",
    "VIRTUAL_ENV",
    "PULUMI_HOME",
    "BEDPLATE_JUDGE",
    "PULUMI_CONTINUE_ON_ERROR",
    "PULUMI_PARALLEL",
    "PULUMI_SKIP_UPDATE_CHECK",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
    "PULUMI_DISABLE_REGISTRY_RESOLVE",
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER",
    "LANG",
    "LC_ALL",
    "TERM",
    "TZ",
)
# Credentials of real stacks: of the state's secrets, of the backend, of key services and of the clusters.
CREDENTIALS = (
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_ACCESS_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "ARM_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "VAULT_TOKEN",
    "KUBECONFIG",
    "TALOSCONFIG",
)


def review(given: Namespace, layout: Layout) -> int:
    """Show the plan of a stack file without secrets. Returns the engine's exit code, or 2 for a refused file.

    Raises UsageError where the environment has a credential, because the code of a pull request could read it.
    """
    if found := [name for name in CREDENTIALS if name in os.environ]:
        raise UsageError(
            f"review: the environment has {', '.join(found)}: code or files of a pull request are used here, and a "
            "pull request must not come near a credential; remove it from this job's environment"
        )
    other = Path(given.checkout).absolute() if given.checkout else None
    if other is None:
        stacks.find(given.stack, layout)
    elif not other.is_dir():
        raise UsageError(f"review: --from: {other} is no folder; write the folder of the pull request's checkout")
    ensure({"plan"}, layout)
    environment = bare(layout, os.environ)
    with stacks.passing(environment, layout):
        command = _command("operations.review", stacks.short_name(given.stack), environment, layout)
        command += ["--from", other] if other else []
        command += ["--state", Path(given.state).absolute()] if given.state else []
        command += [option for option in ("--diff", "--json") if getattr(given, option.removeprefix("--"))]
        # A pull request's texts are in the plan, and a CI log shows them.
        return process.run(command, environment, layout, output=Filter(colour=False))


def redact(given: Namespace, layout: Layout) -> int:
    """Write a stack's state with a stand-in for every secret. Returns exit code 0, or 2 where that is not possible.

    Raises UsageError where the engine can't export the state or make a plan.
    """
    work = session.start(given.stack, layout)
    with work.config() as folder:
        config = ("--config-file", str(folder / work.stack.file.name))
        state = _json(work, "stack", "export", "--stack", given.stack, "--show-secrets")
        plan = _json(work, "preview", "--stack", given.stack, "--json", "--show-sames", *config)
    environment = bare(layout, os.environ)
    with stacks.passing(environment, layout):
        command = _command("operations.review.redact", work.stack.short, environment, layout)
        command.append(Path(given.file).absolute())
        text = json.dumps({"state": state, "plan": plan})
        done = process.capture(command, environment, layout, text=text)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


def bare(layout: Layout, base: Mapping[str, str]) -> dict[str, str]:
    """An environment without anything that this computer has beside the toolchain: variables by name."""
    known = tools(layout, base)
    return {name: known[name] for name in KEPT if name in known}


def _command(module: str, stack: str, environment: dict[str, str], layout: Layout) -> list[str | Path]:
    """The command of a module with a folder of its own, in which it also finds an empty home."""
    folder = Path(environment["TMPDIR"])
    home = private.folder(folder / "home")
    environment["HOME"] = str(home)
    work = private.folder(folder / "review")
    return [layout.venv / "bin" / "python", "-m", module, stack, "--folder", work]


def _json(work: session.Session, *arguments: str) -> object:
    done = work.capture(*arguments, "--non-interactive")
    if done.returncode:
        raise UsageError(f"redact: the engine failed: {_why(done.stderr or done.stdout)}")
    return json.loads(done.stdout)


def _why(text: str) -> str:
    """What the engine says of a failure: the errors of a plan in JSON, else its own text."""
    try:
        found = json.loads(text)["diagnostics"]
        errors = [each["message"].strip() for each in found if each["severity"] == "error"]
    except (ValueError, LookupError, TypeError):
        errors = []
    return "\n  ".join(errors) or text.strip()
