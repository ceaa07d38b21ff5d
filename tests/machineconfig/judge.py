"""Talos' own code, asked by the line: it merges, validates, and tells the types of its configs."""

import json
import subprocess
import threading
from typing import Any

from core.machineconfig.documents import patches
from core.model import Platform

# Said by v1.14 of the one field that has a document in contract v1.14 and none before.
KNOWN = {".machine.files is deprecated; use dedicated configuration documents instead"}


class Judge:
    """One process that answers a line for a line. The binary is one of the parts config-judge and config-judge-v112."""

    def __init__(self, binary: str, *arguments: str) -> None:
        self.process = subprocess.Popen([binary, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, question: dict[str, Any]) -> None:
        """Send a question as it stands; its answer is the next that `told` has not returned."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def put(self, platform: Platform, name: str, show: bool = False, bare: bool = False) -> None:
        """Send one machine's patches, or none if `bare`. show: with the config that comes of them."""
        question = {
            "contract": platform.talos.contract, "role": platform.machines[name].role, "cluster": platform.name,
            "endpoint": platform.api, "kubernetes": platform.talos.kubernetes, "patches": [] if bare else patches(platform, name),
            "mode": "metal", "show": show,
        }  # fmt: skip
        self.send(question)

    def told(self) -> dict[str, Any]:
        """The next answer: error, warnings, and what else was wanted (main.go)."""
        assert self.process.stdout
        return dict(json.loads(self.process.stdout.readline()))

    def ask(self, platform: Platform, name: str, show: bool = False, bare: bool = False) -> dict[str, Any]:
        """Send one machine's patches and return the answer."""
        self.put(platform, name, show, bare)
        return self.told()

    def faults(self, platform: Platform, name: str) -> list[str]:
        """What Talos refuses, or would with --strict."""
        return refused(self.ask(platform, name))

    def all(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to many questions, in their order, which are sent while the first are answered."""
        sender = threading.Thread(target=lambda: [self.send(question) for question in questions])
        sender.start()
        answers = [self.told() for _ in questions]
        sender.join()
        return answers

    def end(self) -> None:
        """Let the process end. Raises TimeoutExpired if it has not after 10 seconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def refused(told: dict[str, Any]) -> list[str]:
    """What Talos refuses of an answer, or would with --strict."""
    return [*filter(None, [told["error"]]), *(w for w in told["warnings"] or () if w not in KNOWN)]
