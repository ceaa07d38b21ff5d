"""The engine itself reads stack files: plain `pulumi preview` refuses what `./bedplate check` refuses."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.engine

INCLUDE = ("    name: dev\n", "    name: dev\n    include: [more.yaml]\n")
# What is written in place of what, a file beside it, and what plain pulumi says; with `None`, the same as check.
OCTAL = "vms:\n  a: {ports: [0022], ephemeral: true, image: a.example.com/b:1, cpu: 1, memory: 1Gi}\n"
FILES = {
    "an octal port": (("ports: [80]", "ports: [0022]"), "", None),
    "a second document": (("kubevirt:", "kubevirt:"), "---\na: 1\n", None),
    "a section too far left": (("    vms:\n", "  bedplate:vms:\n"), "", None),
    "a key twice in an included file": (INCLUDE, "vms:\n  a: {}\n  a: {}\n", None),
    "an octal port in an included file": (INCLUDE, OCTAL, None),
    "a key twice": (("    name: dev\n", "    name: dev\n    name: dev\n"), "", "already defined"),
    "a directive": (("config:\n", "%YAML 1.2\n---\nconfig:\n"), "", "incompatible YAML document"),
}


@pytest.mark.parametrize("name", FILES)
def test_plain_pulumi_refuses_what_check_refuses(checkout, name):
    (old, new), more, words = FILES[name]
    here = checkout("dev")
    file = here.folder / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    assert old in text
    file.write_text(text.replace(old, new, 1) + (more if new == old else ""), encoding="utf-8")
    if new == INCLUDE[1]:
        (here.folder / "more.yaml").write_text(more, encoding="utf-8")
    command = [sys.executable, "-m", "operations.check", "--before", "preview", "--from", ".", "Pulumi.dev.yaml"]
    checked = subprocess.run(
        command, cwd=here.folder, env={**here.environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert checked.returncode == 2, checked.stderr
    [_, *lines] = checked.stderr.splitlines()
    assert lines
    shown = here.pulumi("preview", "--stack", "dev", check=False)
    assert shown.returncode != 0
    said = shown.stdout + shown.stderr
    assert [line for line in lines if line not in said] == [] if words is None else words in said


def test_plain_pulumi_plans_what_check_accepts(checkout):
    """Empty sections, an included file of YAML 1.2, a file with a document's start."""
    here = checkout("dev")
    file = here.folder / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8").replace("config:\n", "---\nconfig:\n", 1)
    empty = f"{INCLUDE[1]}    workloads:\n    exceptions:\n"
    file.write_text(text.replace(INCLUDE[0], empty, 1), encoding="utf-8")
    vm = "{ephemeral: true, image: quay.io/containerdisks/fedora:42, cpu: 1, memory: 1Gi}"
    (here.folder / "more.yaml").write_text(f"%YAML 1.2\n---\nvms:\n  more: {vm}\nmachines:\n", encoding="utf-8")
    assert any("more" in urn.rpartition("::")[2] for urn in here.plan("dev"))
