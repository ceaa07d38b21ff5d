"""The judge of machine configs: Talos' own validation as a process, which the toolchain builds."""

import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.effective import judged
from core.model import Platform
from core.model.faults import Fault

VARIABLE = "BEDPLATE_JUDGE"
"""The environment variable with the judge's path, in every plan that ./bedplate makes."""
SECONDS = 300.0
"""How long the judge may take for one list of questions; 1,000 machines take a few seconds."""
REMEDY = "run ./bedplate setup config-judge, and plan again"


def refusals(platform: Platform, environment: Mapping[str, str]) -> list[Fault] | None:
    """What Talos' own validation refuses of a platform's machines; None where no judge is at hand.

    environment: variables by name. Raises JudgeError where there is a judge that can't be asked.
    """
    binary = Path(environment.get(VARIABLE) or "")
    if not binary.is_file():
        return None
    with Judge(binary) as judge:
        return judged.faults(platform, judge.ask)


class JudgeError(Exception):
    """The judge could not be asked. The text says why, and holds nothing of a question."""


class Judge:
    """One process, which answers one line for each line that it gets."""

    def __init__(self, binary: Path) -> None:
        """Start it. Raises JudgeError where it can't be started."""
        self._name, self._late = binary.name, False
        try:
            self._process = subprocess.Popen(
                [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={}
            )
        except OSError as error:
            raise JudgeError(f"{binary.name} can't be started ({error.strerror})") from None

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def ask(self, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The answers, in the order of the questions. Raises JudgeError where it ends, or takes too long."""
        late = threading.Timer(SECONDS, self._end)
        late.start()
        sender = threading.Thread(target=self._send, args=(questions,), daemon=True)
        sender.start()
        try:
            return [self._answer() for _ in questions]
        except JudgeError:
            self._process.kill()  # The sender would wait for ever for a program that reads no more.
            raise
        finally:
            late.cancel()
            sender.join()

    def _send(self, questions: Sequence[Mapping[str, Any]]) -> None:
        # Beside the reading, because both pipes would fill up otherwise.
        assert self._process.stdin
        try:
            for question in questions:
                self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # It has ended, which the reader reports.

    def _end(self) -> None:
        self._late = True
        self._process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            late = f"did not answer within {SECONDS:g} s"
            raise JudgeError(f"{self._name} {late if self._late else 'ended before it answered'}")
        try:
            return {"error": str(json.loads(line)["error"])}
        except (ValueError, TypeError, KeyError):
            raise JudgeError(f"{self._name} answers something else than config-judge does") from None
