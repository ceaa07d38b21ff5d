"""Stacks: which exist, what they need from the environment, and their config for one run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from toolchain import Layout

from . import passphrase, private, states
from .environment import LOCAL, localize, tools
from .errors import UsageError

BACKEND = """\
  PULUMI_BACKEND_URL is not set: it says where the stack's state is kept.
      export PULUMI_BACKEND_URL=s3://BUCKET        (or azblob://, gs://, postgres://, file:///FOLDER)
      or log in once: ./bedplate pulumi login URL"""
PASSPHRASE = """\
  PULUMI_CONFIG_PASSPHRASE_FILE is not set: it names the file with the passphrase that encrypts the stack's secrets.
      export PULUMI_CONFIG_PASSPHRASE_FILE=/FILE   (or PULUMI_CONFIG_PASSPHRASE)"""


@dataclass(frozen=True)
class Stack:
    """A stack that has a file in the checkout."""

    name: str
    file: Path

    @property
    def short(self) -> str:
        """The name without organization and project, as it is in the file's name."""
        return short_name(self.name)

    @property
    def text(self) -> str:
        """The stack file; what is not text in it is replaced, because its reader reports it.

        Raises UsageError where the file is not a regular one, which could be waited for without end.
        """
        if not self.file.is_file():
            raise UsageError(f"{self.file.name} is not a regular file; a stack file is one, e.g. Pulumi.dev.yaml")
        return self.file.read_text(encoding="utf-8", errors="replace")

    def setting(self, key: str) -> str:
        """A top-level scalar of the stack file; empty when the file does not set it."""
        line = re.search(rf"^{key}:[ \t]*[\"']?([^\"'\s#]+)", self.text, re.MULTILINE)
        return line.group(1) if line else ""


def known(layout: Layout) -> list[str]:
    """Names of the stacks that have a file."""
    files = sorted(layout.checkout.glob("Pulumi.*.yaml"))
    return [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files]


def there(layout: Layout) -> str:
    """The names of the stacks for a message, such as `dev, prod`."""
    return ", ".join(known(layout)) or "none yet"


def short_name(name: str) -> str:
    """The last part of a stack's name, which may be qualified as in `org/project/dev`."""
    return name.rsplit("/", 1)[-1]


def find(name: str, layout: Layout) -> Stack:
    """The stack of that name, which may be qualified as in `org/project/dev`.

    Raises UsageError that lists the stacks when this one has no file.
    """
    short = short_name(name)
    if short not in known(layout):
        raise UsageError(f"there is no stack {name!r} (no file Pulumi.{short}.yaml); there are: {there(layout)}")
    return Stack(name, layout.checkout / f"Pulumi.{short}.yaml")


def environment(stack: Stack, layout: Layout, base: Mapping[str, str]) -> dict[str, str]:
    """The engine's environment for one stack: variables by name.

    Raises UsageError that names each missing variable, why it is needed, and what to export.
    """
    variables = tools(layout, base)
    variables |= {name: base[name] for name in passphrase.VARIABLES if name in base}
    if stack.name == LOCAL:
        localize(variables, layout, own_salt=bool(stack.setting("encryptionsalt")))
    states.remove_empty_attributes(variables.get("PULUMI_BACKEND_URL", ""))
    missing = _missing(stack, layout, variables)
    if missing:
        count = "one thing" if len(missing) == 1 else f"{len(missing)} things"
        raise UsageError("\n".join([f"stack {stack.name} needs {count} from the environment:", *missing]))
    return variables


def _missing(stack: Stack, layout: Layout, variables: Mapping[str, str]) -> list[str]:
    backend = variables.get("PULUMI_BACKEND_URL") or _logged_in(layout)
    token = "PULUMI_ACCESS_TOKEN" in variables
    missing = [] if backend or token else [BACKEND]
    # Pulumi Cloud keeps a key of its own; a stack file may name a key service.
    cloud = urlsplit(backend).scheme in {"http", "https"} if backend else token
    provider = stack.setting("secretsprovider")
    encrypted = bool(stack.setting("encryptionsalt"))
    needed = encrypted or provider == "passphrase" or (provider in {"", "default"} and not cloud)
    given = set(passphrase.VARIABLES) & variables.keys()
    return [*missing, PASSPHRASE] if needed and not given else missing


def _logged_in(layout: Layout) -> str:
    try:
        credentials = json.loads((layout.pulumi_home / "credentials.json").read_text())
        return str(credentials.get("current") or "")
    except (OSError, ValueError, AttributeError):
        return ""


@contextmanager
def passing(environment: MutableMapping[str, str], layout: Layout) -> Iterator[None]:
    """Give a run its own folder for temporary files, and remove the folder with all that plugins left in it.

    Before, old logs of the engine are removed.

    The Kubernetes plugin (4.25) writes each kubeconfig there and never removes it.
    """
    private.tidy(layout)
    temporary = private.run_folder(layout, "tmp")
    environment["TMPDIR"] = str(temporary)
    try:
        yield
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def config(stack: Stack, layout: Layout) -> Iterator[Path]:
    """A folder for one run that holds a copy of the stack's file, and a project to create it from.

    The engine writes an encryption salt into the config file of a stack that it creates. It gets a copy to write into,
    so that a run never changes the checkout: the salt that counts is kept in the stack's state, and the engine reads
    it from there.
    """
    folder = private.run_folder(layout, stack.file.stem)
    try:
        shutil.copyfile(stack.file, folder / stack.file.name)
        project = (layout.checkout / "Pulumi.yaml").read_text()
        # A stack is created from the project's name alone: nothing else may be resolved from here.
        name = re.search(r"^name:.*$", project, re.MULTILINE)
        (folder / "Pulumi.yaml").write_text(f"{name.group(0) if name else ''}\nruntime: python\n")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def absent(stack: Stack, layout: Layout, variables: Mapping[str, str]) -> bool:
    """Whether a stack in a folder backend does not exist yet; False where only the engine knows."""
    backend = states.folder(variables.get("PULUMI_BACKEND_URL", ""))
    if backend is None:
        return False
    project = re.search(r"^name:\s*[\"']?([^\"'\s#]+)", (layout.checkout / "Pulumi.yaml").read_text(), re.MULTILINE)
    folder = backend / ".pulumi" / "stacks"
    folder = folder / project.group(1) if project else folder
    return not any((folder / f"{stack.short}.json{ending}").exists() for ending in ("", ".gz", ".zst"))
