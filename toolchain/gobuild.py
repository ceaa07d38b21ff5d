"""The third source: a build from Go modules whose every checksum is in the part's go.sum."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import golang
from .archive import pack
from .errors import ToolchainError
from .generators import GENERATORS, module_folder
from .layout import Layout
from .lock import Output, Part

LAST_LINES = 20
# The largest part takes five minutes on two processors, after two minutes for its modules.
PREFETCH_SECONDS = 1800
BUILD_SECONDS = 7200

REMEDIES = (
    (
        ("no such host", "dial tcp", "i/o timeout", "connection refused", "TLS handshake timeout"),
        "the Go module proxy was not reached: check the network and `go env GOPROXY`, then run again",
    ),
    (
        ("checksum mismatch", "SECURITY ERROR"),
        "what the proxy served is not what go.sum pins: do not use it; try another GOPROXY",
    ),
    (
        ("go build was not complete after",),
        "check that the Go module proxy (`go env GOPROXY`) answers fast enough, then run again",
    ),
    (("no space left on device",), "free some disk space (`go clean -cache` frees Go's build cache), then run again"),
    (
        ("signal: killed", "cannot allocate memory"),
        "the compiler ran out of memory: close other programs, then run again",
    ),
)
ANY_REMEDY = "run the same command again: packages that are compiled already are kept"


def source_folder(part: Part, layout: Layout) -> Path:
    """The folder of the module that is built."""
    return layout.checkout / "toolchain" / "parts" / part.folder


def prefetch(part: Part, layout: Layout, go: Path) -> int | None:
    """Download the modules that the build will compile. Returns the number of packages, None when that fails.

    A failure is not an error here: the build meets it again and reports it in full.
    """
    packages: set[str] = set()
    for output in part.outputs:
        try:
            listed = subprocess.run(
                [go, "list", "-e", "-deps", "-tags", output.tags, output.package],
                cwd=source_folder(part, layout),
                env=golang.environment(go, output.cgo),
                capture_output=True,
                text=True,
                timeout=PREFETCH_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return None
        if listed.returncode:
            return None
        packages.update(listed.stdout.split())
    return len(packages)


def build(part: Part, work: Path, layout: Layout, go: Path, tell: Callable[[str], None]) -> Path:
    """Build all that the part yields into a folder below `work`, and return that folder.

    `tell` is called with each package that is compiled. Raises ToolchainError with the command, its last lines and the
    remedy when a step fails.
    """
    source, made = work / "source", work / "made"
    shutil.copytree(source_folder(part, layout), source)
    made.mkdir()
    environment = golang.environment(go)
    if part.generate:
        GENERATORS[part.generate](part, source, go, environment)
    layout.logs.mkdir(parents=True, exist_ok=True)
    log = layout.logs / f"{part.name}.log"
    log.unlink(missing_ok=True)
    for output in part.outputs:
        _run(part, _command(go, output, made / output.name), source, output.cgo, go, log, tell)
    for copy in part.copies:
        target = made / copy.name
        shutil.copyfile(module_folder(copy.module, source, go, environment) / copy.path, target)
        target.chmod(0o755)
    for archive in part.archives:
        pack(module_folder(archive.module, source, go, environment) / archive.path, made / archive.name)
    for program in part.compiled:
        text = module_folder(program.module, source, go, environment) / program.path
        command = ["gcc", "-static", "-O2", "-s", "-o", str(made / program.name), str(text)]
        with open(log, "ab") as said:
            if subprocess.run(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd=work).returncode:
                raise _fault(part, command, work, log)
    for product in part.products:
        with open(made / product.name, "wb") as file, open(log, "ab") as errors:
            command = [str(made / product.printed_by), *product.arguments]
            if subprocess.run(command, stdout=file, stderr=errors, cwd=work).returncode:
                raise _fault(part, command, work, log)
    return made


def _command(go: Path, output: Output, target: Path) -> list[str]:
    ldflags = f"-s -w {output.ldflags}".rstrip()
    return [
        str(go),
        "build",
        "-v",
        "-tags",
        output.tags,
        "-ldflags",
        ldflags,
        "-o",
        str(target),
        output.package,
    ]


def _run(
    part: Part,
    command: list[str],
    source: Path,
    cgo: bool,
    go: Path,
    log: Path,
    tell: Callable[[str], None],
) -> None:
    with open(log, "a") as file:
        print("+", shlex.join(command), file=file, flush=True)
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=source,
            env=golang.environment(go, cgo),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        late = threading.Timer(BUILD_SECONDS, process.kill)
        late.start()
        try:
            for line in process.stdout or ():
                file.write(line)
                # `-v` names each package as it is compiled; every other line has a blank in it.
                if " " not in line.strip():
                    tell(line.strip())
            failed = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            late.cancel()
        if failed and time.monotonic() - began >= BUILD_SECONDS:
            print(f"go build was not complete after {BUILD_SECONDS} s.", file=file)
    if failed:
        raise _fault(part, command, source, log)


def _fault(part: Part, command: list[str], folder: Path, log: Path) -> ToolchainError:
    text = log.read_text(errors="replace")
    lines = [line for line in text.splitlines() if " " in line.strip()][-LAST_LINES:]
    remedy = next((say for marks, say in REMEDIES if any(m in text for m in marks)), ANY_REMEDY)
    return ToolchainError(
        "\n".join(
            [
                f"{part.name} {part.version}: the build failed.",
                f"  command: cd {folder} && {shlex.join(command)}",
                *(f"  | {line}" for line in lines),
                f"  the whole log: {log}",
                f"  what to do: {remedy}",
            ]
        )
    )
