"""The programs that are timed: this one over platforms of every size, and the same resources registered raw."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests import checkouts

ROOT = Path(__file__).resolve().parents[2]
KEY = "bedplate:platform"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# Registers what plan.json names, with no model, no component and no dependency: what the engine and the SDK cost.
RAW = f"""
import json, pulumi, pulumi_kubernetes, pulumiverse_matchbox as matchbox
UNKNOWN = "{UNKNOWN}"
async def later(value): return value
def unknown(): return pulumi.Output(set(), later(""), later(False), later(True))
def plain(value):
    if value in (UNKNOWN, "[unknown]", "[secret]"): return unknown()
    if isinstance(value, dict): return {{k: plain(v) for k, v in value.items()}}
    if isinstance(value, list): return [plain(v) for v in value]
    return value
later_too = {{"ca": unknown(), "client_cert": unknown(), "client_key": unknown()}}
providers = {{
    "kubernetes": pulumi_kubernetes.Provider("k", kubeconfig=unknown()),
    "matchbox": matchbox.Provider("m", endpoint="localhost:1", **later_too),
}}
for number, (kind, inputs) in enumerate(json.load(open("plan.json"))):
    opts = pulumi.ResourceOptions(provider=providers.get(kind.split(":")[0]))
    pulumi.CustomResource(kind, f"r{{number}}", plain(inputs), opts)
"""


def platform(size: str) -> dict[str, Any]:
    """The platform of a stack file, or one of MACHINESxVMS; its keys are those of bedplate:platform."""
    numbers = re.fullmatch(r"(\d+)x(\d+)", size)
    if not numbers:
        return _stack_file(size)
    machines, vms = (int(number) for number in numbers.groups())
    made = _stack_file("prod")
    made["talos"]["bootstrap"] = "m-0"
    # Each machine gets a /24 of the pods.
    made["network"] |= {"nodes": "10.20.0.0/16", "pods": "10.128.0.0/9"}
    made["cilium"].pop("load_balancer")
    image = "quay.io/containerdisks/fedora:42"
    vm = {"ephemeral": True, "image": image, "cpu": 2, "memory": "4Gi", "ports": [80]}
    return made | {
        "machines": {f"m-{number}": _machine(number) for number in range(machines)},
        "vms": {f"vm-{number}": vm | {"namespace": f"team-{number % 10}"} for number in range(vms)},
    }


def _stack_file(name: str) -> dict[str, Any]:
    file = ROOT / f"Pulumi.{name}.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["config"][KEY]
    return found


def _machine(number: int) -> dict[str, Any]:
    host = number + 1000
    return {
        "role": "controlplane" if number < 3 else "worker",
        "address": f"10.20.{host // 250}.{host % 250 + 1}",
        "mac": f"52:54:00:00:{number // 256:02x}:{number % 256:02x}",
        "install": {"disk": {"serial": f"SERIAL-{number}"}},
    }


def checkout(root: Path, folder: Path, platform: dict[str, Any]) -> Path:
    """A checkout's program, with a stack file of its own; the folder that it is in."""
    folder.mkdir()
    checkouts.copy(root, folder, "Pulumi.yaml")
    # One environment variable holds no more than 128 KiB: such a platform keeps its parts in a file of their own.
    parts = {name: platform.get(name, {}) for name in ("machines", "vms")}
    (folder / "parts.yaml").write_text(json.dumps(parts), encoding="utf-8")
    whole = {"config": {KEY: {**platform, "machines": {}, "vms": {}, "include": ["parts.yaml"]}}}
    (folder / "Pulumi.bench.yaml").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def empty(folder: Path) -> Path:
    """A program that does nothing."""
    return _program(folder, "")


def raw(folder: Path, of: Path) -> Path:
    """The resources of another checkout's plan, registered raw; the folder that the program is in."""
    command = ["pulumi", "preview", "--stack", "bench", "--json", "--non-interactive"]
    done = subprocess.run(command, cwd=of, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the plan of {of.name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    steps = [step["newState"] for step in json.loads(done.stdout)["steps"]]
    resources = [(s["type"], s.get("inputs", {})) for s in steps if s["custom"] and not s["type"].startswith("pulumi:")]
    made = _program(folder, RAW)
    (made / "plan.json").write_text(json.dumps(resources), encoding="utf-8")
    return made


def _program(folder: Path, text: str) -> Path:
    folder.mkdir()
    checkouts.copy(ROOT, folder, "Pulumi.yaml", entries=("provider",))
    (folder / "Pulumi.bench.yaml").write_text("config: {}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(text, encoding="utf-8")
    return folder
