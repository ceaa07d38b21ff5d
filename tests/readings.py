"""Every way in which a stack file is read, each as what a person gets to read of it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from unittest import mock

import pulumi
import pytest

from components import load
from core.loading import stackfile
from core.model import StackFileError, sealed, yamlfile
from lab.rehearsal import Rehearsal
from operations import check
from operations.adopt.__main__ import main as adopt
from operations.boot.__main__ import main as boot
from operations.drift import __main__ as drift
from operations.drift.changes import main as changes
from operations.drift.export import ExportError
from operations.review.files import prepared
from tests.conftest import ROOT, Engine, event_loop

Read = Callable[[Path, pytest.CaptureFixture[str]], str]
"""From a stack file in the current folder to the report of its faults; empty if it has none."""


def by_boot(file: Path, output: pytest.CaptureFixture[str]) -> str:
    code = boot(file, file.parent / "files")
    return output.readouterr().err.removeprefix("boot: ") if code else ""


def by_changes(file: Path, output: pytest.CaptureFixture[str]) -> str:
    with mock.patch("operations.drift.changes.exported_resources", return_value=[]):
        code = changes(["x", "--file", str(file)])
    printed = output.readouterr().err
    return printed.removeprefix("changes: ") if code == 2 else ""


def by_drift(file: Path, output: pytest.CaptureFixture[str]) -> str:
    """Drift compares the machines all the same; here, there is no state to compare."""
    with mock.patch.object(drift, "exported_resources", side_effect=ExportError("nothing")):
        assert drift.main(["x", "--file", str(file)]) == 2
    return output.readouterr().err.removesuffix("drift: nothing\n").removeprefix("drift: ")


def by_adopt(file: Path, output: pytest.CaptureFixture[str]) -> str:
    assert adopt(["x", "secrets.yaml", str(file)]) == 2
    lines = output.readouterr().err.removeprefix("import: ").splitlines()
    if lines[-1].startswith("secrets.yaml can't be read"):
        return ""
    assert lines.pop() == "nothing was imported: the file must describe the running cluster"
    return "\n".join(lines)


def by_rehearse(file: Path, output: pytest.CaptureFixture[str]) -> str:
    try:
        stackfile.written_out(file, root=file.parent, today=date.today())
        return ""
    except StackFileError:
        with pytest.raises(StackFileError) as refused:
            Rehearsal("x", root=file.parent / "lab", checkout=file.parent)
        return refused.value.report


def by_check(file: Path, output: pytest.CaptureFixture[str]) -> str:
    """What a plan by ./bedplate says before it starts, and what ./bedplate check says."""
    code = check.main(["--before", "preview", "--from", str(file.parent), str(file)])
    before = output.readouterr().err.removeprefix("preview: ")
    assert check.main(["--from", str(file.parent), str(file)]) == code
    lines = output.readouterr().out.splitlines()[:-1]
    assert sorted(re.sub(r"^(\S+:\d+):\d+: ", r"\1: ", line) for line in lines) == sorted(before.splitlines()[1:])
    return before


def by_engine(file: Path, output: pytest.CaptureFixture[str]) -> str:
    """The program with what the engine makes of the file; tests/engine asks the engine itself for it."""
    with mock.patch("core.model.yamlvalues.refusal", return_value=None):
        config = yamlfile.document(file, file.name, "").value["config"]
    platform = config.get(stackfile.KEY)
    if not any(sealed.encrypted(platform)) or sealed.is_encrypted(platform):
        return _program(config)
    return _program({**config, stackfile.KEY: sealed.made_up(platform)}, secret=[stackfile.KEY])


def by_review(file: Path, output: pytest.CaptureFixture[str]) -> str:
    """The program with the files that a review takes from a pull request."""
    home = file.parent / "home"
    home.mkdir()
    try:
        files = prepared("x", ROOT, file.parent, home)
    except StackFileError as error:
        return error.report
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(files.program)
        patched.setenv("BEDPLATE_REVIEW", "1")
        return _program(json.loads(files.config.read_text(encoding="utf-8"))["config"])


def _program(config: Mapping[str, object], secret: Sequence[str] = ()) -> str:
    with event_loop():
        pulumi.runtime.set_mocks(Engine(), project="bedplate", stack="x", preview=True)
        pulumi.runtime.set_all_config({key: json.dumps(value) for key, value in config.items()}, list(secret))
        try:
            load(pulumi.Config("bedplate"))
        except pulumi.RunError as error:
            return str(error)
        return ""


BY_FILE: dict[str, Read] = {
    "boot": by_boot,
    "changes": by_changes,
    "drift": by_drift,
    "import": by_adopt,
    "rehearse": by_rehearse,
    "check": by_check,
}
"""Those that read the file by themselves."""
READERS: dict[str, Read] = {**BY_FILE, "preview": by_engine, "review": by_review}
