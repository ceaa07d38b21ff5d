"""The passphrase that encrypts a stack's secrets, handed to the engine and to none of the programs that it starts.

The engine passes its whole environment on: to the language host, the program, the policy pack and every plugin. So the
environment names a named pipe (`PULUMI_CONFIG_PASSPHRASE_FILE`), and this module answers whoever opens the pipe: the
engine gets the passphrase, any other process gets nothing. The passphrase is in no file and no environment.

A process of the same user that may trace the engine can still read the engine's memory. docs/threat-model.md has more.
Source: pulumi/pulumi pkg/secrets/passphrase/manager.go, readPassphrase; the engine reads the file once per salt.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from toolchain import Layout

from . import private
from .errors import UsageError

VALUE = "PULUMI_CONFIG_PASSPHRASE"
FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"
VARIABLES = (VALUE, FILE)
# For the reader's file to become visible after its open has returned here.
_VISIBLE_SECONDS = 2.0
_PROC = Path("/proc")


@contextmanager
def hidden(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Take the passphrase out of an environment, such as that of this process, for the length of the block."""
    kept = {name: environment.pop(name) for name in VARIABLES if name in environment}
    try:
        yield
    finally:
        environment.update(kept)


@contextmanager
def handed(environment: Mapping[str, str], layout: Layout) -> Iterator[tuple[dict[str, str], Callable[[int], None]]]:
    """The environment of a program without the passphrase in it, and what to call with the program's process id.

    From that call to the end of the block, the program and, where it isn't the engine itself, the engine that it starts
    can read the passphrase. Raises UsageError where the passphrase's file can't be read.
    """
    phrase = given(environment)
    variables = {name: value for name, value in environment.items() if name not in VARIABLES}
    if phrase is None:
        yield variables, lambda pid: None
        return
    if phrase != phrase.strip():
        # The engine strips what it reads from a file. So this one can only be passed as it is.
        print(
            f"bedplate: {VALUE} starts or ends with a blank, and the engine strips blanks when it reads a passphrase "
            "from a pipe; so this run hands it over in the environment, where every plugin can read it; use another "
            "passphrase: ./bedplate pulumi stack change-secrets-provider passphrase --stack STACK",
            file=sys.stderr,
        )
        yield {**variables, VALUE: phrase}, lambda pid: None
        return
    place = private.run_folder(layout, "passphrase")
    pipe = Pipe(place / "pipe", phrase, layout.bin / "pulumi")
    try:
        yield {**variables, FILE: str(pipe.path)}, pipe.serve
    finally:
        pipe.stop()
        shutil.rmtree(place, ignore_errors=True)


def given(environment: Mapping[str, str]) -> str | None:
    """The passphrase that an environment contains or names, as the engine reads it; None where there is none.

    Raises UsageError when the file that it names can't be read.
    """
    if VALUE in environment:
        return environment[VALUE]
    file = environment.get(FILE)
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{FILE} names {file}, which can't be read: {why}; write the passphrase into that file, or name another"
        ) from None


class Pipe:
    """A named pipe that yields the passphrase to one program only, as often as that program opens it."""

    def __init__(self, path: Path, phrase: str, engine: Path) -> None:
        self.path = path
        self._phrase = phrase.encode()
        self._engine = engine
        self._child = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        os.mkfifo(path, 0o600)

    def serve(self, child: int) -> None:
        """Begin to answer. child: the id of the process that was started."""
        self._child = child
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, and remove the pipe."""
        self._stopped.set()
        if self._thread.is_alive():
            with contextlib.suppress(OSError):
                # Wakes the thread, which waits for a reader.
                os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
            self._thread.join(timeout=_VISIBLE_SECONDS)
        self.path.unlink(missing_ok=True)

    def _answer(self) -> None:
        while not self._stopped.is_set():
            try:
                # Returns once a reader has opened the pipe.
                writer = os.open(self.path, os.O_WRONLY)
            except OSError:
                return
            try:
                # The next reader gets a pipe of its own, and never a second copy behind the first.
                fresh = self.path.with_name("next")
                os.mkfifo(fresh, 0o600)
                os.replace(fresh, self.path)
                if not self._stopped.is_set() and self._only_the_engine_reads(writer):
                    os.write(writer, self._phrase)
            except OSError:
                # The reader, or the folder of the run, has ended.
                pass
            finally:
                os.close(writer)

    def _only_the_engine_reads(self, writer: int) -> bool:
        if not _PROC.joinpath("self").exists():
            return True  # This system does not tell who reads.
        until = time.monotonic() + _VISIBLE_SECONDS
        while not (readers := _readers(writer)) and time.monotonic() < until:
            time.sleep(0.001)
        refused = {pid for pid in readers if not self._allowed(pid)}
        for pid in refused:
            print(f"bedplate: process {pid} ({_name(pid)}) asked for the passphrase and got none", file=sys.stderr)
        return bool(readers) and not refused

    def _allowed(self, pid: int) -> bool:
        if pid == self._child:
            return True
        # A day-two command starts the engine itself. A plugin, which the engine starts, is further down.
        return not _same_file(f"/proc/{self._child}/exe", self._engine) and _parent(pid) == self._child


def _readers(writer: int) -> set[int]:
    """Ids of the other processes that have this pipe open."""
    pipe = os.fstat(writer)
    found = set()
    for process in _PROC.iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    status = handle.stat()
                    if (status.st_dev, status.st_ino) == (pipe.st_dev, pipe.st_ino):
                        found.add(int(process.name))
    return found


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        # The name, in parentheses, may contain anything; the fields after it are numbers.
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        name = (_PROC / str(pid) / "comm").read_text().strip()
        return "".join(each if each.isprintable() else "?" for each in name)
    return "?"


def _same_file(one: str, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samefile(one, other)
    return False
