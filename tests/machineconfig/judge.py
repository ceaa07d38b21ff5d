"""Talos' own code as a process: it merges and validates configs and reports their types, one answer per question."""

import json
import subprocess
import threading
from typing import Any

from core.machineconfig.documents import patches
from core.model import Platform

# A warning of v1.14 about the one field that has a document in contract v1.14 and none in older contracts.
KNOWN = {".machine.files is deprecated; use dedicated configuration documents instead"}


class Judge:
    """One process of a judge: the binary config-judge or config-judge-v112."""

    def __init__(self, binary: str, *arguments: str) -> None:
        self.process = subprocess.Popen([binary, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, question: dict[str, Any]) -> None:
        """Send a question (fields: toolchain/parts/config-judge/main.go)."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def put(self, platform: Platform, name: str, show: bool = False, bare: bool = False) -> None:
        """Send one machine's patches, or none if `bare`. show: with the config that comes of them."""
        question = {
            "contract": platform.talos.contract,
            "role": platform.machines[name].role,
            "cluster": platform.name,
            "endpoint": platform.api,
            "kubernetes": platform.talos.kubernetes,
            "patches": [] if bare else patches(platform, name),
            "mode": "metal",
            "show": show,
        }
        self.send(question)

    def answer(self) -> dict[str, Any]:
        """The next answer by field: error, warnings, and what the question asked for (main.go)."""
        assert self.process.stdout
        return dict(json.loads(self.process.stdout.readline()))

    def ask(self, platform: Platform, name: str, show: bool = False, bare: bool = False) -> dict[str, Any]:
        """Send one machine's patches and return the answer by field."""
        self.put(platform, name, show, bare)
        return self.answer()

    def faults(self, platform: Platform, name: str) -> list[str]:
        """What Talos refuses of one machine's config: its error, and the warnings that --strict refuses."""
        return refused(self.ask(platform, name))

    def all(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to many questions, in order. A thread sends them while the judge answers."""
        sender = threading.Thread(target=self._send_all, args=(questions,))
        sender.start()
        answers = [self.answer() for _ in questions]
        sender.join()
        return answers

    def _send_all(self, questions: list[dict[str, Any]]) -> None:
        for question in questions:
            self.send(question)

    def end(self) -> None:
        """End the process. Raises TimeoutExpired if it runs for 10 more seconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def refused(answer: dict[str, Any]) -> list[str]:
    """What Talos refuses according to an answer: its error, and the warnings that --strict refuses."""
    return [*filter(None, [answer["error"]]), *(w for w in answer["warnings"] or () if w not in KNOWN)]
