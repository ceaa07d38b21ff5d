"""`./bedplate check`: stack files judged without an engine, each fault with its file, line and key."""

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import yaml
from conftest import KEY, ROOT, changed, stack_platform

from clients import judge
from core.model.faults import fault
from operations import check

TODAY = date(2026, 11, 1)
POLICIES = "not judged here: the policies (./bedplate preview judges them)"


def written(folder: Path, edits: dict, name: str = "Pulumi.x.yaml", **files: str) -> Path:
    """A stack file in a folder, with files beside it, by their names without .yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"config": {KEY: changed(stack_platform("dev"), edits)}}, sort_keys=False)
    (folder / name).write_text(text, encoding="utf-8")
    for each, content in files.items():
        (folder / f"{each}.yaml").write_text(content, encoding="utf-8")
    return folder / name


def line_of(file: Path, start: str) -> int:
    return 1 + next(n for n, line in enumerate(file.read_text().splitlines()) if line.strip().startswith(start))


@pytest.fixture(autouse=True)
def no_judge(monkeypatch):
    """Talos' own validation, which the toolchain builds, is not at hand unless a test says so."""
    monkeypatch.delenv(judge.VARIABLE, raising=False)


def test_a_right_file_has_no_faults_and_what_was_not_judged_is_said(tmp_path, capsys):
    file = written(tmp_path, {})
    assert check.main(["--from", str(tmp_path), str(file)]) == 0
    assert capsys.readouterr().out == (
        "Pulumi.x.yaml: no faults; "
        f"not judged here: Talos' own validation of the machines (run ./bedplate setup config-judge); {POLICIES}\n"
    )


def test_what_talos_refuses_is_a_fault_with_its_place(tmp_path, monkeypatch, capsys):
    file = written(tmp_path, {"machines.cp-1.patches": [{"machine": {"sysctls": {"a.b": "1"}}}]})
    refused = fault(("machines", "cp-1", "patches", "0"), "is refused by Talos: x", "it would not start", "remove it")
    monkeypatch.setattr(judge, "refusals", lambda platform, environment: [refused])
    assert check.main(["--from", str(tmp_path), str(file)]) == 2
    assert capsys.readouterr().out.splitlines()[0] == (
        f"Pulumi.x.yaml:{line_of(file, '- machine:')}:11: platform.machines.cp-1.patches.0: is refused by Talos: x; "
        "it would not start; remove it"
    )


def test_a_judge_that_has_no_objection_leaves_only_the_policies_unasked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(judge, "refusals", lambda platform, environment: [])
    assert check.main(["--from", str(tmp_path), str(written(tmp_path, {}))]) == 0
    assert capsys.readouterr().out == f"Pulumi.x.yaml: no faults; {POLICIES}\n"


def test_a_judge_that_can_not_be_asked_is_reported(tmp_path, monkeypatch, capsys):
    def broken(platform, environment):
        raise judge.JudgeError("it ended")

    monkeypatch.setattr(judge, "refusals", broken)
    assert check.main(["--from", str(tmp_path), str(written(tmp_path, {}))]) == 0
    assert "not judged here: Talos' own validation of the machines (it ended; run" in capsys.readouterr().out


def test_what_may_not_be_meant_is_a_warning_with_its_place_and_no_fault(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(judge, "refusals", lambda platform, environment: [])
    machine = {"install": {"disk": {"model": "MZ7L3*", "size": "480GB"}}, "class": "big"}
    file = written(
        tmp_path,
        {
            "talos.version": "v1.12.0",
            "vms": {},
            "include": ["more.yaml"],
            "classes": {"big": {"install": machine["install"]}},
            "machines.cp-1.install": None,
            "machines.cp-1.class": "big",
        },
        more="vms:\n  a:\n    image: quay.io/containerdisks/fedora:42\n    cpu: 1\n    memory: 1Gi\n"
        "    ephemeral: true\n"
        "    cloud_init: {my_module: {}}\n",
    )
    assert check.main(["--from", str(tmp_path), str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"Pulumi.x.yaml: no faults, 3 warnings; {POLICIES}"
    size, version = line_of(file, "size: 480GB"), line_of(file, "version: v1.12.0")
    assert [line.split(";")[0] for line in lines[:-1]] == [
        f"Pulumi.x.yaml:{version}:7: warning: platform.talos.version: Talos 1.12 has had no community support since "
        "2026-05-01",
        f"Pulumi.x.yaml:{size}:13: warning: platform.classes.big.install.disk.size: 480GB fits only a disk of exactly "
        "that many bytes",
        "more.yaml:7:18: warning: platform.vms.a.cloud_init.my_module: is not a key of cloud-init itself",
    ]
    assert check.main(["--json", "--from", str(tmp_path), str(file)]) == 0
    [judged] = json.loads(capsys.readouterr().out)["files"]
    assert judged["faults"] == [] and judged["not_judged"] == [POLICIES.partition(": ")[2]]
    assert [(each["file"], each["path"]) for each in judged["warnings"]] == [
        ("Pulumi.x.yaml", "platform.talos.version"),
        ("Pulumi.x.yaml", "platform.classes.big.install.disk.size"),
        ("more.yaml", "platform.vms.a.cloud_init.my_module"),
    ]


def test_each_fault_has_file_line_and_column(tmp_path, capsys):
    file = written(tmp_path, {"vms.web.cpu": "2", "name": None, "include": ["more.yaml"]}, more="vms:\n  a: {cpu: 1}\n")
    assert check.main(["--from", str(tmp_path), str(file)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "Pulumi.x.yaml: 4 faults"
    assert [line.split(": ")[:2] for line in lines[:-1]] == [
        [f"Pulumi.x.yaml:{line_of(file, KEY)}:3", "platform.name"],
        [f"Pulumi.x.yaml:{line_of(file, 'cpu:')}:9", "platform.vms.web.cpu"],
        ["more.yaml:2:3", "platform.vms.a.image"],
        ["more.yaml:2:3", "platform.vms.a.memory"],
    ]


def test_programs_get_every_part_of_a_fault(tmp_path, capsys):
    file = written(tmp_path, {"vms.web.cpu": "2"})
    assert check.main(["--json", "--from", str(tmp_path), str(file)]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["version"] == 1
    [fault] = answer["files"][0]["faults"]
    assert (fault["file"], fault["line"], fault["column"]) == ("Pulumi.x.yaml", line_of(file, "cpu:"), 9)
    assert fault["path"] == "platform.vms.web.cpu"
    assert fault["text"].endswith(f"{fault['path']}: {fault['what']}; {fault['why']}; {fault['instead']}")
    assert all(fault[part] for part in ("what", "why", "instead"))


def test_paths_are_those_from_the_folder_in_which_the_command_was_typed(tmp_path):
    file = written(tmp_path / "a", {"include": ["more.yaml"]}, more="talos: {}\n")
    for folder, shown in ((tmp_path, "a/more.yaml"), (tmp_path / "a", "more.yaml"), (tmp_path / "b", None)):
        [fault] = check.judged(file, folder, TODAY).faults
        assert fault.at and fault.at.file == (shown or str(tmp_path / "a/more.yaml"))


def test_several_files_are_judged_each_by_itself(tmp_path, capsys):
    right, wrong = written(tmp_path, {}), written(tmp_path, {"name": None}, "Pulumi.y.yaml")
    assert check.main(["--from", str(tmp_path), str(right), str(wrong)]) == 2
    text = capsys.readouterr().out
    assert "Pulumi.x.yaml: no faults" in text and "Pulumi.y.yaml: 1 fault" in text


NOT_A_STACK_FILE = [b"\xff\xfea\x00", b"a: [", b"text", b"", b"a: \x00", b"config: {bedplate:vms: {}}"]


@pytest.mark.parametrize("content", NOT_A_STACK_FILE)
def test_what_is_no_stack_file_is_refused_with_a_line(tmp_path, content):
    (tmp_path / "Pulumi.x.yaml").write_bytes(content)
    faults = check.judged(tmp_path / "Pulumi.x.yaml", tmp_path, TODAY).faults
    assert faults and all(fault.at or not content for fault in faults)


def test_a_platform_of_an_environment_is_not_judged(tmp_path):
    (tmp_path / "Pulumi.x.yaml").write_text("environment: [shared]\n", encoding="utf-8")
    result = check.judged(tmp_path / "Pulumi.x.yaml", tmp_path, TODAY)
    assert result.faults == () and result.unasked == ("the platform, which the engine takes from an environment",)


def test_a_plan_that_starts_says_nothing_of_a_right_file_and_all_of_a_wrong_one(tmp_path, capsys):
    options = ["--before", "preview", "--root", str(tmp_path), "--from", str(tmp_path)]
    assert check.main([*options, str(written(tmp_path, {}))]) == 0
    assert capsys.readouterr() == ("", "")
    assert check.main([*options, str(written(tmp_path, {"name": None, "vms.web.cpu": "x"}))]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("preview: the stack file has 2 faults\nPulumi.x.yaml:2: ")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_file_is_judged_in_under_a_second_of_the_processor(stack):
    """Without the toolchain's own start: what an editor waits for at each save."""
    script = (
        "import resource, sys; from operations.check import main; code = main(sys.argv[1:]);"
        "used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, "--from", str(ROOT), str(ROOT / f"Pulumi.{stack}.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout.splitlines()[-1]) < 1


def test_a_large_file_is_judged_quickly(tmp_path):
    machine = {"role": "worker", "install": {"disk": {"model": "M*"}}}
    where = [(f"10.1.{n // 250}.{n % 250 + 1}", f"52:54:01:00:{n >> 8:02x}:{n & 255:02x}") for n in range(2000)]
    workers = {f"wk-{n}": {**machine, "address": where[n][0], "mac": where[n][1]} for n in range(2000)}
    others = {"pods": "172.16.0.0/12", "services": "192.168.0.0/16"}
    edits = {
        "network": {"nodes": "10.0.0.0/8", "endpoint": "10.0.0.5", **others},
        "machines.cp-1.address": "10.0.0.11",
        "include": ["workers.yaml"],
    }
    file = written(tmp_path, edits, workers=yaml.safe_dump({"machines": workers}))
    started = time.process_time()
    assert check.judged(file, tmp_path, TODAY).faults == ()
    assert time.process_time() - started < 6


@pytest.mark.parametrize("name", ["more.yaml", "teams/a.yaml"])
def test_an_included_file_is_judged_with_the_stacks_that_include_it(tmp_path, capsys, name):
    (tmp_path / "Pulumi.yaml").write_text("name: bedplate\n", encoding="utf-8")
    written(tmp_path, {"include": [name]})
    written(tmp_path, {}, "Pulumi.y.yaml")
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("vms:\n  a: {cpu: 02, ephemeral: true, image: a.example.com/b:1, memory: 1Gi}\n", encoding="utf-8")
    assert check.main(["--from", str(tmp_path), str(file)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{name}:2:7: platform.vms.a.cpu: 02 starts with a zero; ")
    assert lines[-1].startswith("Pulumi.x.yaml: ") and not any("Pulumi.y.yaml" in line for line in lines)


def test_an_included_file_of_no_stack_is_judged_as_a_stack_file(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("vms: {}\n", encoding="utf-8")
    assert check.main(["--from", str(tmp_path), str(tmp_path / "a.yaml")]) == 2
    assert "vms: is not a key of a stack file" in capsys.readouterr().out
