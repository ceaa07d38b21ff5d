"""What a plan refuses after the stack file was read has its line there too."""

import json

import pulumi
import pytest
import yaml
from conftest import KEY, Engine, changed, event_loop, stack_platform

from clients import judge
from components import load
from core.model.faults import fault

REFUSED = fault(("machines", "cp-1", "patches", "0"), "is refused by Talos: x", "it would not start", "remove it")
PATCHED = {"machines.cp-1.patches": [{"machine": {"sysctls": {"a.b": "1"}}}]}


@pytest.fixture
def report(tmp_path, monkeypatch):
    """What a plan says that Talos refuses, with a file in the folder and the value that the engine hands on."""

    def report(in_file, handed):
        text = yaml.safe_dump({"config": {KEY: in_file}}, sort_keys=False)
        (tmp_path / "Pulumi.x.yaml").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(judge, "refusals", lambda platform, environment: [REFUSED])
        with event_loop():
            pulumi.runtime.set_mocks(Engine(), project="bedplate", stack="x", preview=True)
            pulumi.runtime.set_all_config({KEY: json.dumps(handed)})
            with pytest.raises(pulumi.RunError) as refused:
                load(pulumi.Config("bedplate"))
        return str(refused.value).splitlines()[1], text.splitlines()

    return report


def test_what_talos_refuses_has_the_line_of_its_patch(report):
    platform = changed(stack_platform("dev"), PATCHED)
    line, text = report(platform, platform)
    number = 1 + next(n for n, each in enumerate(text) if each.strip().startswith("- machine:"))
    assert line == f"Pulumi.x.yaml:{number}: {REFUSED}"


def test_a_value_that_comes_from_elsewhere_has_no_line_in_this_file(report):
    line, _ = report(stack_platform("prod"), changed(stack_platform("dev"), PATCHED))
    assert line == str(REFUSED)
