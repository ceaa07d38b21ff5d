"""What a plan costs, as ratios of one run: against an empty program, and against the same resources registered raw.

    ./bedplate bench [ROUNDS]

Each round times every program once, one after the other, so that a slow minute of the machine hits all alike.
Medians of wall seconds and of the peak memory of all processes together are printed, and the ratios of medians.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KEY = "bedplate:platform"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MACHINES, VMS = 100, 1000

# Registers what plan.json names, with no model, no component and no dependency: what the engine and the SDK cost.
RAW = (
    """
import json, pulumi, pulumi_kubernetes, pulumiverse_matchbox as matchbox
UNKNOWN = "%s"
async def later(value): return value
def unknown(): return pulumi.Output(set(), later(""), later(False), later(True))
def plain(value):
    if value in (UNKNOWN, "[unknown]", "[secret]"): return unknown()
    if isinstance(value, dict): return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list): return [plain(v) for v in value]
    return value
providers = {
    "kubernetes": pulumi_kubernetes.Provider("k", kubeconfig=unknown()),
    "matchbox": matchbox.Provider("m", endpoint="localhost:1", ca=unknown(), client_cert=unknown(), client_key=unknown()),
}
for number, (kind, inputs) in enumerate(json.load(open("plan.json"))):
    opts = pulumi.ResourceOptions(provider=providers.get(kind.split(":")[0]))
    pulumi.CustomResource(kind, f"r{number}", plain(inputs), opts)
"""
    % UNKNOWN
)


@dataclass
class Measured:
    seconds: float
    megabytes: float


def big() -> dict[str, Any]:
    """A platform of 100 machines and 1,000 VMs."""
    machines = {
        f"m-{n}": {
            "role": "controlplane" if n < 3 else "worker",
            "address": f"10.20.0.{n + 20}",
            "mac": f"52:54:00:00:00:{n:02x}",
            "install": {"disk": {"serial": f"SERIAL-{n}"}},
        }
        for n in range(MACHINES)
    }
    vm = {"image": "quay.io/containerdisks/fedora:42", "cpu": 2, "memory": "4Gi", "ports": [80]}
    platform = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))["config"][KEY]
    platform["talos"]["bootstrap"] = "m-0"
    platform["cilium"].pop("load_balancer")
    return platform | {
        "machines": machines,
        "vms": {f"vm-{n}": vm | {"namespace": f"team-{n % 10}"} for n in range(VMS)},
    }


def checkout(folder: Path, platform: Any) -> Path:
    """The program itself, with a stack file of its own."""
    folder.mkdir()
    for part in ("components", "provider", "policy"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Pulumi.yaml", "__main__.py"):
        shutil.copy2(ROOT / part, folder / part)
    # More than one environment variable holds: such a platform keeps its VMs in a file of their own.
    (folder / "vms.yaml").write_text(json.dumps({"vms": platform["vms"]}), encoding="utf-8")
    whole = {"config": {KEY: platform | {"vms": {}, "include": ["vms.yaml"]}}}
    (folder / "Pulumi.bench.yaml").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def program(folder: Path, text: str) -> Path:
    """A program of one file."""
    folder.mkdir()
    shutil.copytree(ROOT / "provider", folder / "provider", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policy", folder / "policy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Pulumi.yaml", folder)
    (folder / "Pulumi.bench.yaml").write_text("config: {}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(text, encoding="utf-8")
    return folder


def raw(folder: Path, of: Path) -> Path:
    """The resources of another checkout's plan, registered raw."""
    told = subprocess.run(
        ["pulumi", "preview", "--stack", "bench", "--json", "--non-interactive"],
        cwd=of,
        check=True,
        capture_output=True,
    )
    steps = [step["newState"] for step in json.loads(told.stdout)["steps"]]
    made = program(folder, RAW)
    kept = [(s["type"], s.get("inputs", {})) for s in steps if s["custom"] and not s["type"].startswith("pulumi:")]
    (made / "plan.json").write_text(json.dumps(kept), encoding="utf-8")
    return made


def measure(folder: Path, policies: bool) -> Measured:
    """One preview, from the command to its end."""
    command = ["pulumi", "preview", "--stack", "bench", "--non-interactive", "--suppress-outputs"]
    start, peak, done = time.monotonic(), 0.0, threading.Event()
    process = subprocess.Popen(
        [*command, *(["--policy-pack", "policy/pack"] if policies else [])],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, _resident(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    done.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"a preview in {folder.name} failed:\n{errors.decode()}")
    return Measured(time.monotonic() - start, peak)


def _resident(root: int) -> float:
    """Megabytes of a process and all its descendants."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else None
        except OSError:
            continue
        if fields:
            parents[int(entry.name)], sizes[int(entry.name)] = int(fields[1]), int(fields[21]) * 4096 / 1e6
    total, todo = 0.0, {root}
    while todo:
        total += sum(sizes.get(pid, 0.0) for pid in todo)
        todo = {pid for pid, parent in parents.items() if parent in todo}
    return total


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix="bedplate-bench-") as name:
        home = Path(name)
        (home / "state").mkdir()
        os.environ |= {
            "PULUMI_BACKEND_URL": f"file://{home}/state",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        }
        os.environ.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        dev = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"][KEY]
        folders = {
            "empty": program(home / "empty", ""),
            "dev": checkout(home / "dev", dev),
            "big": checkout(home / "big", big()),
        }
        subprocess.run(
            ["pulumi", "stack", "init", "bench", "--non-interactive"],
            cwd=folders["empty"],
            check=True,
            capture_output=True,
        )
        for size in ("dev", "big"):
            folders[f"{size} raw"] = raw(home / f"{size}-raw", folders[size])
        runs = [
            (label, policies)
            for label in folders
            for policies in (False, True)
            if label in ("dev", "big") or not policies
        ]
        seen: dict[tuple[str, bool], list[Measured]] = {run: [] for run in runs}
        for number in range(rounds):
            for run in runs:
                seen[run].append(measure(folders[run[0]], run[1]))
            print(f"round {number + 1} of {rounds} done", file=sys.stderr, flush=True)
    report(seen)


def report(seen: dict[tuple[str, bool], list[Measured]]) -> None:
    """Prints medians with their spread, and the ratios."""
    median = {run: statistics.median(m.seconds for m in all_) for run, all_ in seen.items()}
    print(f"{'program':10} {'policies':9} {'median s':>9} {'min-max s':>13} {'peak MB':>8}")
    for (label, policies), all_ in seen.items():
        seconds = [m.seconds for m in all_]
        span = f"{min(seconds):.2f}-{max(seconds):.2f}"
        memory = statistics.median(m.megabytes for m in all_)
        print(f"{label:10} {'yes' if policies else 'no':9} {median[label, policies]:9.2f} {span:>13} {memory:8.0f}")
    print(f"\n{'ratio':46} {'':>6}")
    for size, what in (("dev", "dev"), ("big", f"{MACHINES} machines, {VMS} VMs")):
        for top, bottom, words in (
            ((size, False), ("empty", False), "against an empty program"),
            ((size, False), (f"{size} raw", False), "against the same resources raw"),
            ((size, True), (size, False), "with policies against without"),
        ):
            print(f"{what + ': ' + words:66} {median[top] / median[bottom]:6.2f}")


if __name__ == "__main__":
    main()
