"""A checkout with two stacks, and an engine that only records its calls."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner import bench, check, engine, operate, operations, rehearse, review, session, testing
from toolchain import Layout

ENGINE = f"""#!{sys.executable}
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
arguments = sys.argv[1:]
given = lambda option: arguments[arguments.index(option) + 1] if option in arguments else None
config = given("--config-file")
call = {{
    "arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ),
    "config": open(config).read() if config and os.path.exists(config) else None,
    "beside": sorted(os.listdir(os.getcwd())),
}}
with open(here + "/calls", "a") as file:
    print(json.dumps(call), file=file)
plan = json.load(open(here + "/plan")) if os.path.exists(here + "/plan") else {{}}
codes = plan.get(" ".join(arguments[:2]) if arguments[0] == "stack" else arguments[0], [0])
code = codes.pop(0) if len(codes) > 1 else codes[0]
json.dump(plan, open(here + "/plan", "w"))
if plan.get("prints"):
    print(plan["prints"])
if plan.get("says"):
    print(plan["says"], file=sys.stderr)
if config and plan.get("salts"):
    open(config, "a").write("encryptionsalt: v1:made=\\n")
sys.exit(code)
"""


# Of the modules, two run in these tests: operations.check accepts every file but one with the line `faulty`, and
# operations.kubeconfig finds no fault, or that of the file `fault`.
INTERPRETER = """#!/bin/sh
if [ "$2" = operations.check ]; then
  echo "$@" >> judged
  for last; do :; done
  if grep -q '^# faulty' "$last"; then echo 'the stack file has 1 fault' >&2; exit 2; fi
  exit 0
fi
[ "$2" = operations.kubeconfig ] || exit 3
echo "$3" >> checked
if [ -e fault ]; then cat fault >&2; exit 2; fi
if [ "$3" = rebuild ]; then cat; fi
"""


@dataclass
class House:
    """The checkout, the calls of its engine, and the engine's answers."""

    layout: Layout

    @property
    def root(self) -> Path:
        return self.layout.checkout

    @property
    def calls(self) -> list[dict[str, Any]]:
        file = self.layout.bin / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def plan(self, **answers: Any) -> None:
        (self.layout.bin / "plan").write_text(
            json.dumps({key.replace("_", " "): each for key, each in answers.items()})
        )

    def exists(self, stack: str, state: Path | None = None) -> None:
        """Create a stack in the folder backend."""
        folder = (state or self.layout.home / "state") / ".pulumi" / "stacks" / "house"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stack}.json").write_text("{}")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in list(os.environ):
        if name.startswith(("PULUMI_", "BEDPLATE_")):
            monkeypatch.delenv(name)
    root = tmp_path / "house"
    root.mkdir()
    (root / "Pulumi.yaml").write_text(
        "name: house\nruntime: python\nplugins:\n  providers:\n    - name: own\n      path: ./provider\n"
    )
    (root / "Pulumi.dev.yaml").write_text("# a comment\nconfig:\n  house:size: small\n")
    (root / "Pulumi.prod.yaml").write_text("config:\n  house:size: large\n")
    layout = Layout.of(root)
    layout.bin.mkdir(parents=True)
    program = layout.bin / "pulumi"
    program.write_text(ENGINE)
    program.chmod(0o755)
    for module in (bench, check, engine, operate, operations, rehearse, review, session, testing):
        monkeypatch.setattr(module, "ensure", lambda names, layout: {"talosctl": layout.bin / "talosctl"})
    interpreter = layout.venv / "bin" / "python"
    interpreter.parent.mkdir(parents=True, exist_ok=True)
    interpreter.write_text(INTERPRETER)
    interpreter.chmod(0o755)
    return House(layout)
