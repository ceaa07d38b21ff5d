"""The engine's output on its way into a file or a CI log: printable, so that no server or plugin writes to a terminal.

Our own provider makes printable what machines say. The engine also shows, as they are, the messages of other plugins
and of the servers behind them, such as the Kubernetes API. On a terminal the engine itself needs control characters,
and its output is not filtered there.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from typing import IO

STDOUT, STDERR = 1, 2
# A longer line is passed on in pieces.
LINE_CHARACTERS = 1 << 16
# Output of both streams that is left once the program has ended; a program that it started may keep the pipes open.
REST_SECONDS = 5.0
# The sequences that set a colour; the engine writes them into a file only if it is told to.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Filter:
    """The filter of one program's output: for each of its streams that is not a terminal."""

    def __init__(self, *, colour: bool = False) -> None:
        """Look at this process's own streams. colour: whether sequences that set a colour are passed on."""
        self._colour = colour
        self._filtered = [each for each in (STDOUT, STDERR) if not os.isatty(each)]
        # One pipe for both keeps the order of the lines.
        self._together = len(self._filtered) == 2 and os.path.samestat(os.fstat(STDOUT), os.fstat(STDERR))
        self._threads: list[threading.Thread] = []

    def streams(self) -> tuple[int | None, int | None]:
        """What subprocess.Popen takes as stdout and as stderr."""
        stdout, stderr = (subprocess.PIPE if each in self._filtered else None for each in (STDOUT, STDERR))
        return stdout, subprocess.STDOUT if self._together else stderr

    def start(self, process: subprocess.Popen[bytes]) -> None:
        """Begin to pass the program's output on."""
        for source, target in ((process.stdout, STDOUT), (process.stderr, STDERR)):
            if source is not None:
                self._threads.append(threading.Thread(target=self._copy, args=(source, target), daemon=True))
                self._threads[-1].start()

    def finish(self) -> None:
        """Return once the rest of the output is passed on."""
        end = time.monotonic() + REST_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _copy(self, source: IO[bytes], target: int) -> None:
        with open(source.fileno(), encoding="utf-8", errors="backslashreplace", newline="\n", closefd=False) as lines:
            try:
                while line := lines.readline(LINE_CHARACTERS):
                    _write(target, shown(line, colour=self._colour).encode())
            except OSError:
                # The reader has left: the program is told so at its next line.
                source.close()


def shown(line: str, *, colour: bool = False) -> str:
    r"""A line with each character that is not printable as an escape such as \u001b; tabs and its line feed stay.

    The escape is the one of JSON, so that JSON stays JSON.
    """
    if colour:
        texts, colours = _COLOUR.split(line), [*_COLOUR.findall(line), ""]
        return "".join(shown(text) + code for text, code in zip(texts, colours, strict=True))
    return "".join(each if each.isprintable() or each in "\t\n" else _escaped(each) for each in line)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
