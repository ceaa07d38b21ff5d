"""One file, one answer: every command, the engine's program and a review say the same of it, with the same lines."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from conftest import KEY, changed, stack_platform
from readings import READERS

VM = "{ephemeral: true, image: 'quay.io/containerdisks/fedora:42', cpu: 1, memory: 1Gi}"


@dataclass(frozen=True)
class Case:
    """A stack file, the files beside it, and where its faults are."""

    name: str
    edits: dict = field(default_factory=dict)
    written: tuple[str, str] = ("", "")
    """A text of the file, and what is written in its place."""
    files: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    """File and key of each fault; a file alone if the file as a whole is faulty."""
    engine: bool = True
    """The engine reads the file; otherwise it refuses the file itself."""
    prepare: Callable[[Path], None] = lambda folder: None
    review: bool = True
    """A review takes such files; otherwise it refuses them with a message of its own."""


STACK = "Pulumi.x.yaml"
PLAIN = "config:\n  bedplate:bmc:\n    username: {secure: x}\n    password: hunter2"
INCLUDE = {"include": ["more.yaml"]}
CASES = [
    # Right files.
    Case("as it is"),
    Case("no VMs", {"vms": None}),
    Case("an empty section", {"vms": {}}, ("vms: {}", "vms:")),
    Case("a start of a document", written=("config:", "---\nconfig:")),
    Case("an included file", INCLUDE, files={"more.yaml": f"vms:\n  a: {VM}\n"}),
    Case("an included file with nothing in it", INCLUDE, files={"more.yaml": "vms:\n"}),
    Case("an included file of YAML 1.2", INCLUDE, files={"more.yaml": f"%YAML 1.2\n---\nvms:\n  a: {VM}\n"}),
    Case("words that are texts", {"machines.cp-1.labels": {"a": "yes"}}, ("a: 'yes'", "a: yes")),
    Case("anchors", {"machines.cp-1.labels": {"a": "b"}}, ("labels:", "labels: &labels")),
    # What vanishes.
    Case("a section too far left", written=("    vms:", "  bedplate:vms:"), faults=(f"{STACK} bedplate:vms",)),
    Case("a section at the top", written=("config:", "vms: {}\nconfig:"), faults=(f"{STACK} vms",)),
    Case("a misspelt setting", written=("config:", "config:\n  bedplate:bcm: {}"), faults=(f"{STACK} bedplate:bcm",)),
    Case("a second document", written=("config:", "config:"), files={STACK: "\n---\na: 1\n"}, faults=(STACK,)),
    Case("a key twice", written=("    name: dev", "    name: dev\n    name: dev"), faults=(f"{STACK} platform.name",),
         engine=False),
    Case("a key twice in an included file", INCLUDE, files={"more.yaml": f"vms:\n  a: {VM}\n  a: {VM}\n"},
         faults=("more.yaml platform.vms.a",)),
    Case("one VM in two files", INCLUDE, files={"more.yaml": f"vms:\n  web: {VM}\n"},
         faults=("more.yaml platform.vms.web",)),
    Case("a second document in an included file", INCLUDE, files={"more.yaml": "vms:\n---\nvms:\n"},
         faults=("more.yaml",)),
    # Numbers that are not.
    Case("an octal port", written=("- 80\n", "- 0022\n"), faults=(f"{STACK} platform.vms.web.ports.0",)),
    Case("a CPU with a zero before it", written=("cpu: 2", "cpu: 02"), faults=(f"{STACK} platform.vms.web.cpu",)),
    Case("an octal port in an included file", INCLUDE,
         files={"more.yaml": f"vms:\n  a: {VM.replace('}', ', ports: [0022]}')}\n"},
         faults=("more.yaml platform.vms.a.ports.0",)),
    Case("a CPU that is no number", written=("cpu: 2", "cpu: .nan"), faults=(f"{STACK} platform.vms.web.cpu",),
         engine=False),
    Case("a CPU in quotes", written=("cpu: 2", "cpu: '2'"), faults=(f"{STACK} platform.vms.web.cpu",)),
    # Texts and files.
    Case("a date", {"exceptions": [{"control": "KSPP", "reason": "vendor X reads it", "until": "2027-01-31",
         "ticket": "A-1"}]}, ("'2027-01-31'", "2027-01-31"), faults=(f"{STACK} platform.exceptions.0.until",),
         engine=False),
    Case("a directive", written=("config:", "%YAML 1.2\n---\nconfig:"), faults=(STACK,), engine=False),
    Case("a tab", written=("  bedplate:platform:", "\tbedplate:platform:"), faults=(STACK,), engine=False),
    Case("a name that is none", written=("      web:", "      ~:"), faults=(f"{STACK} platform.vms.~",), engine=False),
    Case("a name that is none in an included file", INCLUDE, files={"more.yaml": f"vms:\n  1: {VM}\n  ~: {VM}\n"},
         faults=("more.yaml platform.vms.~",)),
    Case("a set in an included file", INCLUDE, files={"more.yaml": "vms: !!set {a}\n"},
         faults=("more.yaml platform.vms",)),
    Case("a file of Latin-1", INCLUDE, prepare=lambda folder: (folder / "more.yaml").write_bytes(b"# f\xfcr\nvms:\n"),
         faults=("more.yaml",)),
    Case("a file that is deep", INCLUDE, files={"more.yaml": f"vms: {'[' * 3000}{']' * 3000}\n"},
         faults=("more.yaml",)),
    Case("a file that holds itself", INCLUDE, files={"more.yaml": "vms: &a\n  x: *a\n"}, faults=("more.yaml",)),
    Case("no file", INCLUDE, faults=(f"{STACK} platform.include.0",)),
    Case("a pipe", INCLUDE, prepare=lambda folder: os.mkfifo(folder / "more.yaml"), review=False,
         faults=(f"{STACK} platform.include.0",)),
    Case("a link", INCLUDE, prepare=lambda folder: (folder / "more.yaml").symlink_to("/etc/hosts"), review=False,
         faults=(f"{STACK} platform.include.0",)),
    Case("a file of something else", INCLUDE, files={"more.yaml": "talos: {}\n"}, faults=("more.yaml platform.talos",)),
    # Credentials in plain text.
    Case("a password", written=("config:", PLAIN), faults=(f"{STACK} bedplate:bmc.password",)),
    Case("a misspelt part", written=("config:", PLAIN.replace("password: hunter2", "pasword: {secure: x}")),
         faults=(f"{STACK} bedplate:bmc.pasword",)),
    Case("a credential that is a text", written=("config:", "config:\n  bedplate:matchbox: ca.pem"),
         faults=(f"{STACK} bedplate:matchbox",)),
    Case("a password and a port", written=("config:", f"{PLAIN}\n# 2"), edits={"vms.web.ports": [70000]},
         faults=(f"{STACK} bedplate:bmc.password", f"{STACK} platform.vms.web.ports.0")),
    # Encrypted values.
    Case("a secret of a patch, of a guest and of the chart", {
        "talos.patches": [{"machine": {"env": {"http_proxy": {"secure": "v1:YQ==:YQ=="}}}}],
        "vms.web.cloud_init": {"password": {"secure": "v1:Yg==:YQ=="}},
        "cilium.values": {"tls": {"ca": {"key": {"secure": "v1:Yw==:YQ=="}}}},
    }),
    Case("encrypted values that are no secret", {
        "network.endpoint": {"secure": "v1:YQ==:YQ=="},
        "vms.web.cpu": {"secure": "v1:Yg==:YQ=="},
        "machines.cp-1.labels": {"a": {"secure": "v1:Yw==:YQ=="}},
        "talos.patches": [{"machine": {"sysctls": {"a.b": {"secure": "v1:ZA==:YQ=="}}}}],
        "cilium.values": {"a": {"secure": "v1:ZQ==:YQ=="}},
    }, faults=(f"{STACK} platform.cilium.values.a", f"{STACK} platform.machines.cp-1.labels.a",
         f"{STACK} platform.network.endpoint", f"{STACK} platform.talos.patches.0.machine.sysctls.a.b",
         f"{STACK} platform.vms.web.cpu")),
    Case("one encrypted text in two places", {
        "vms.web.cloud_init": {"password": {"secure": "v1:YQ==:YQ=="}},
        "cilium.values": {"tls": {"ca": {"key": {"secure": "v1:YQ==:YQ=="}}}},
    }, faults=(f"{STACK} platform.vms.web.cloud_init.password",)),
    # The platform itself.
    Case("several at once", {"name": "Dev", "vms.web.cpu": 0, "talos.verson": "v1.14.2"},
         faults=(f"{STACK} platform.name", f"{STACK} platform.talos.verson", f"{STACK} platform.vms.web.cpu")),
    Case("an unknown key in an included file", INCLUDE,
         files={"more.yaml": f"vms:\n  a: {VM.replace('cpu', 'cpus')}\n"},
         faults=("more.yaml platform.vms.a.cpu", "more.yaml platform.vms.a.cpus")),
    Case("a key of a class", {"classes.c": {"role": "boss"}, "machines.cp-1.class": "c", "machines.cp-1.role": None},
         faults=(f"{STACK} platform.classes.c.role",)),
    Case("two sections that contradict each other", {"machines.cp-1.address": "10.9.9.9"},
         faults=(f"{STACK} platform.machines.cp-1.address",)),
]  # fmt: skip


def written(case: Case, folder: Path) -> Path:
    text = yaml.safe_dump({"config": {KEY: changed(stack_platform("dev"), case.edits)}}, sort_keys=False)
    assert case.written[0] in text
    text = text.replace(case.written[0], case.written[1], 1) if case.written[0] else text
    (folder / STACK).write_text(text + case.files.get(STACK, ""), encoding="utf-8")
    for name, content in case.files.items():
        if name != STACK:
            (folder / name).write_text(content, encoding="utf-8")
    case.prepare(folder)
    return folder / STACK


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_reader_gives_the_same_answer(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = written(case, tmp_path)
    readers = {name: read for name, read in READERS.items() if name != "preview" or case.engine}
    answers = {name: read(file, capsys).strip() for name, read in readers.items() if name != "review" or case.review}
    assert set(answers.values()) == {answers["check"]}, answers
    lines = answers["check"].splitlines()
    assert bool(lines) == bool(case.faults)
    for line, expected in zip(lines[1:], case.faults, strict=True):
        name, _, key = expected.partition(" ")
        assert line.startswith(f"{name}:") and line.split(": ")[0].rpartition(":")[2].isdigit(), line
        assert not key or line.split(": ")[1] == key, line


@pytest.mark.parametrize("case", [case for case in CASES if case.faults], ids=lambda case: case.name)
def test_the_line_of_each_fault_is_the_one_of_its_key(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for line in READERS["check"](written(case, tmp_path), capsys).splitlines()[1:]:
        (name, _, number), key = line.split(": ")[0].partition(":"), line.split(": ")[1]
        texts = (tmp_path / name).read_bytes().decode("utf-8", "replace").splitlines()
        last = key.rpartition(".")[2]
        if key.startswith("platform.") and not last.isdigit() and last not in ("?", "cpu"):
            assert last in texts[int(number) - 1], (line, texts[int(number) - 1])
