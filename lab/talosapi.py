"""talosctl and kubectl inside a lab, with the credentials that the platform itself handed out."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .session import Lab


class Clients:
    """Both command lines for one lab."""

    def __init__(self, lab: Lab, binaries: dict[str, Path], home: Path) -> None:
        self.lab, self.home = lab, home
        self._talosctl, self._kubectl = str(binaries["talosctl"]), str(binaries["kubectl"])
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "TALOSCONFIG": str(home / "talosconfig"),
            "KUBECONFIG": str(home / "kubeconfig"),
        }

    def trust(self, client: dict[str, str], kubeconfig: str, endpoints: list[str]) -> None:
        """Keep the credentials in files that only the owner reads."""
        context = {
            "endpoints": endpoints,
            "nodes": endpoints[:1],
            "ca": client["caCertificate"],
            "crt": client["clientCertificate"],
            "key": client["clientKey"],
        }
        for name, text in {
            "talosconfig": yaml.safe_dump({"context": "lab", "contexts": {"lab": context}}),
            "kubeconfig": kubeconfig,
        }.items():
            (self.home / name).touch(mode=0o600)
            (self.home / name).write_text(text)

    def talos(self, *arguments: str, seconds: float = 20, stdin: str | None = None) -> str:
        """Run talosctl; returns what it prints. Raises RuntimeError if it fails."""
        return self.lab.run([self._talosctl, *arguments], seconds=seconds, env=self._environment, stdin=stdin).stdout

    def maintenance(self, address: str) -> bool:
        """Whether a node answers in maintenance mode."""
        return bool(self.talos("get", "machinestatus", "--insecure", "--nodes", address, seconds=5))

    def resource(self, node: str, kind: str, name: str = "") -> list[dict[str, Any]]:
        """The resources of a kind, or the one of this name, as the Talos API of a node has them now."""
        output = self.talos("get", kind, *([name] if name else []), "--nodes", node, "--output", "json")
        decoder, resources, at = json.JSONDecoder(), [], 0
        while at < len(output):
            if output[at].isspace():
                at += 1
                continue
            one, at = decoder.raw_decode(output, at)
            resources.append(one)
        return resources

    def kube(self, *arguments: str, seconds: float = 20, stdin: str | None = None) -> str:
        """Run kubectl; returns what it prints. Raises RuntimeError if it fails."""
        return self.lab.run([self._kubectl, *arguments], seconds=seconds, env=self._environment, stdin=stdin).stdout

    def kube_process(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl, whose output is read later; whoever calls this ends it."""
        command = self.lab.command([self._kubectl, *arguments])
        return subprocess.Popen(
            command,
            env=self._environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def get(self, *arguments: str) -> Any:
        """What `kubectl get` returns, as data. Raises RuntimeError if it fails."""
        return json.loads(self.kube("get", *arguments, "--output", "json"))

    def ready(self) -> set[str]:
        """Names of the nodes that are Ready."""
        ready = set()
        for node in self.get("nodes")["items"]:
            conditions = {c["type"]: c["status"] for c in node["status"].get("conditions", [])}
            if conditions.get("Ready") == "True":
                ready.add(node["metadata"]["name"])
        return ready

    def ask(self, url: str, seconds: float = 5) -> str:
        """The answer to an HTTP request from the lab's own end of the network. Raises RuntimeError if it fails."""
        script = (
            "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=float(sys.argv[2])).read().decode())"
        )
        done = self.lab.run(
            [sys.executable, "-c", script, url, str(seconds)], seconds=seconds + 5, env={"no_proxy": "*"}
        )
        return done.stdout.strip()
