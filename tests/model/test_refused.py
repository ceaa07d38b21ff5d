"""Every faulty stack file is refused with the exact message that a person reads."""

from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from bmcs import Pki
from conftest import changed, run_program, stack_platform

from core.model import StackFileError, parse
from tests.diskvms import EPHEMERAL

HERE = Path(__file__).parent
# What is long and looks like itself has a name in the files.
NAMED = {
    "PEM": (HERE / "authority.pem").read_text(encoding="utf-8"),
    "KEY": (HERE / "signer.pub").read_text(encoding="utf-8"),
    # A certificate and a private key in one text. The key is made here, because no file of the repository has one.
    "TWO": (HERE / "authority.pem").read_text(encoding="utf-8") + Pki.make().key,
}
TODAY = date(2026, 11, 1)


def cases() -> list[dict[str, Any]]:
    return [
        case
        for file in (
            "refused.yaml",
            "refused-fields.yaml",
            "refused-guests.yaml",
            "refused-images.yaml",
            "refused-inputs.yaml",
            "refused-leaving.yaml",
            "refused-links.yaml",
            "refused-network.yaml",
            "refused-snapshots.yaml",
            "refused-storage.yaml",
            "refused-talos.yaml",
        )
        for case in yaml.safe_load((HERE / file).read_text(encoding="utf-8"))
    ]


def meant(value: Any) -> Any:
    """The edits of a case, with each name in NAMED replaced by the text that it stands for."""
    if isinstance(value, dict):
        return {key: meant(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [meant(inner) for inner in value]
    if isinstance(value, str) and value.startswith(tuple(NAMED)):
        return NAMED[value[:3]] + value[3:]
    return value


def _stack(name: str) -> dict[str, Any]:
    """The stack that a case edits; `ephemeral` is dev with a VM that keeps nothing."""
    return changed(stack_platform("dev"), EPHEMERAL) if name == "ephemeral" else stack_platform(name)


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_faulty_stack_file_is_refused_with_one_line(case):
    """With exactly one line: a fault must not cause reports of others."""
    with pytest.raises(StackFileError) as refused:
        parse(changed(_stack(case["from"]), meant(case["set"])), TODAY)
    assert str(refused.value) == case["says"]


def test_every_line_names_the_fault_the_reason_and_the_remedy():
    """A message without one of the three leaves a question open."""
    assert [c["name"] for c in CASES if c["says"].count("; ") < 2] == []


def test_there_are_no_two_cases_of_one_name():
    assert len({c["name"] for c in CASES}) == len(CASES) >= 200


def test_bare_metal_has_forty_of_its_own():
    assert sum(case.get("layer") == "metal" for case in CASES) >= 40


def test_all_faults_are_told_at_once_with_those_between_sections(prod):
    """All faults are corrected in one go, and not one after the other."""
    bad = changed(
        prod,
        {
            "talos.verson": "v1.14.2",
            "network.endpoint": None,
            "machines.cp-2.address": "10.20.0.300",
            "machines.wk-1.mac": prod["machines"]["cp-3"]["mac"],
            "vms.erp.cpu": "eight",
            "vms.mail.namespace": "kube-system",
        },
    )
    with pytest.raises(StackFileError) as refused:
        parse(bad)
    assert [".".join(f.path) for f in refused.value.faults] == [
        "machines.cp-2.address",
        "machines.wk-1.mac",
        "network.endpoint",
        "talos.verson",
        "vms.erp.cpu",
        "vms.mail.namespace",
    ]


@pytest.mark.parametrize("raw", [None, 1, "text", [], True])
def test_something_else_than_a_mapping_is_refused(raw):
    with pytest.raises(
        StackFileError, match=r"platform: is not a mapping; it describes the whole platform; see Pulumi\.dev\.yaml"
    ):
        parse(raw)


def test_a_value_that_may_be_a_secret_is_never_repeated(dev):
    """A password that was pasted into the wrong place must not reach a log."""
    secret = "hunter2-hunter2"
    for path in ("talos.password", "machines.cp-1.bmc_password", "vms.web.user_data", "boot.matchbox.key"):
        with pytest.raises(StackFileError) as refused:
            parse(changed(dev, {path: secret}))
        assert secret not in str(refused.value)
    with pytest.raises(StackFileError) as refused:
        parse(changed(dev, {"vms.web.ssh_keys": [secret]}))
    assert secret not in str(refused.value)


def test_the_program_ends_with_a_pulumi_error_and_no_traceback(dev):
    """RunError is the only exception that the language host prints without a traceback."""
    bad = changed(dev, {"network.endpoint": "192.168.10.1", "name": None})
    with pytest.raises(pulumi.RunError) as refused:
        run_program(bad)
    first, *rest = str(refused.value).splitlines()
    assert first == "the stack file has 2 faults"
    assert [line.split(":")[0] for line in rest] == ["platform.name", "platform.network.endpoint"]


def test_a_stack_with_no_platform_says_where_to_start():
    pulumi.runtime.set_all_config({})
    from components import load

    with pytest.raises(
        pulumi.RunError,
        match=r"^the stack file has 1 fault\nplatform: is missing; a stack file describes the whole platform under "
        r"config: bedplate:platform; copy that key from Pulumi\.dev\.yaml and adapt it$",
    ):
        load(pulumi.Config("bedplate"))
