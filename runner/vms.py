"""`./bedplate vm STACK ACTION VM`: snapshots of one VM, its console, and a shell in its guest."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

from toolchain import Layout

from . import access, kubeconfigs, session
from .errors import UsageError
from .process import capture, run

_BY_VIRTCTL = ("export", "console", "ssh")


def vm(given: Namespace, layout: Layout) -> int:
    """Do one thing with one VM. Exit code 0 when done or shown, 2 if it was refused; of console and ssh, theirs."""
    if given.action in _BY_VIRTCTL:
        return _virtctl(given, layout)
    work = session.start(given.stack, layout)
    more = [each for each in (given.other, "--yes" if given.yes else None) if each]
    return work.module("operations.vm", given.stack, given.action, given.name, *more, "--file", work.stack.file)


def _virtctl(given: Namespace, layout: Layout) -> int:
    work = session.start(given.stack, layout, parts=("plan", "virtctl"))
    # Where the VM is, and what it is called there; exports are checked too.
    action = "export" if given.action == "export" else "place"
    asked: list[str | Path] = [layout.venv / "bin" / "python", "-m", "operations.vm", given.stack, action, given.name]
    options = [
        each for name in ("disk", "snapshot") if (value := getattr(given, name)) for each in (f"--{name}", value)
    ]
    found = capture([*asked, *options, "--file", work.stack.file], work.environment, layout)
    if found.returncode:
        raise UsageError(found.stderr.strip())
    namespace, *names = found.stdout.split()
    arguments = _arguments(given, names)
    text = kubeconfigs.rebuilt(work, access.outputs(work, "vm")["kubeconfig"])
    with tempfile.TemporaryDirectory(dir=layout.home) as folder:  # Made with mode 0700.
        config = Path(folder) / "kubeconfig"
        config.touch(mode=0o600)
        config.write_text(text, encoding="utf-8")
        command: list[str | Path] = [work.files["virtctl"], "--kubeconfig", config, "--namespace", namespace]
        return run([*command, *arguments], work.environment, layout, folder=Path.cwd())


def _arguments(given: Namespace, names: list[str]) -> list[str]:
    """What virtctl is given. names: of an export, its own and that of its volume. Raises UsageError."""
    if given.action == "console":
        return ["console", given.name]
    if given.action == "ssh":
        return ["ssh", f"{given.other}@vm/{given.name}" if given.other else f"vm/{given.name}"]
    if given.other is None:
        raise UsageError(f"vm: name the file: ./bedplate vm {given.stack} export {given.name} FILE.img.gz")
    export, volume = names
    of = f"--snapshot={given.snapshot}" if given.snapshot else f"--vm={given.name}"
    file = Path(given.other).absolute()
    made = ["vmexport", "download", export, of, f"--volume={volume}", f"--output={file}"]
    return [*made, "--format=gzip", "--port-forward"]
