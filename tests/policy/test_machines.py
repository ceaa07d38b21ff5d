"""What gives others a machine: kernel arguments, kernel parameters and authorities, refused by the model and reported
by the policies, each by a table of its own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from core.effective.faults import faults as of_patches
from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.model import StackFileError, parse
from core.model.exceptions import ExemptionSpec
from policy.rules.rule import Resource
from tests.conftest import changed
from tests.effective.platforms import document, patched
from tests.policy.good import GOOD
from tests.policy.support import RULE
from tests.policy.test_whole import complaints, machine

UNTIL = {"reason": "The vendor of the boards asks for it.", "until": "2027-03-31", "ticket": "OPS-1"}
# Argument, and whether an exception to KSPP may permit it.
ARGUMENTS = {
    "kgdboc=ttyS0,115200": True,
    "kgdboc=kbd": True,
    "kgdbwait": True,
    "kgdbcon": True,
    "ekgdboc=kbd": True,
    "kgdbdbgp=0": True,
    "intel_iommu=igfx_off": True,
    "intel-iommu=on,igfx_off": True,
    "intel_iommu=tboot_noforce": True,
    "intremap=off": True,
    "intremap=nosid": True,
    "efi=no_disable_early_pci_dma": True,
    "efi=runtime,no_disable_early_pci_dma": True,
    "sysctl.kernel.modprobe=/var/x": True,
    "sysctl/kernel/core_pattern=@/run/x": True,
    "sysctl.kernel/poweroff_cmd=/var/x": True,
    "talos.environment=LD_PRELOAD=/var/x": False,
    "talos.environment=SSL_CERT_FILE=/var/x": False,
    "talos.environment=GODEBUG=x509ignoreCN=0": False,
    "talos.environment": False,
}
FINE = [
    *("intel_iommu=on", "intel_iommu=on,sm_on", "efi=disable_early_pci_dma", "intremap=on"),
    *("talos.environment=https_proxy=http://proxy.example.com:3128", "talos.environment=NO_PROXY=10.0.0.0/8"),
    *("sysctl.kernel.core_pattern=/var/cores/core.%e.%p", "sysctl.kernel.modprobe=/sbin/modprobe", "kgdb"),
]


def refusals(raw: dict[str, Any]) -> list[str]:
    try:
        platform = parse(raw)
    except StackFileError as refused:
        return [str(fault) for fault in refused.faults]
    return [str(fault) for fault in of_patches(platform)]


def reported(argument: str) -> bool:
    image = GOOD["release"]
    given = [*image.props["kernelArguments"], argument]
    resource: Resource = replace(image, props={**image.props, "kernelArguments": given})
    return any([*rule.complaints(resource)] for rule in RULE.values() if rule.level == "mandatory")


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_argument_that_gives_others_the_machine_is_refused_and_reported(dev: dict[str, Any], argument: str) -> None:
    for place in ("talos.schematic", "machines.cp-1.schematic"):
        raw = changed(dev, {place: {"kernel_args": [argument]}})
        (line,) = refusals(raw)
        assert line.startswith(f"platform.{place}.kernel_args.0: ") and line.count("; ") >= 2
        excepted = refusals({**raw, "exceptions": [{"control": "KSPP", **UNTIL}]})
        assert (excepted == []) is ARGUMENTS[argument]
    assert reported(argument)


@pytest.mark.parametrize("argument", FINE)
def test_an_argument_that_gives_nothing_away_is_accepted(dev: dict[str, Any], argument: str) -> None:
    assert refusals(changed(dev, {"talos.schematic": {"kernel_args": [argument]}})) == []
    assert not reported(argument)


PARAMETERS = [
    ("kernel.modprobe", "/var/x"),
    ("kernel/modprobe", "/usr/bin/env"),
    ("kernel.poweroff_cmd", "/var/x"),
    ("kernel.hotplug", "/sbin/hotplug"),
    ("kernel.core_pattern", "|/var/x %p"),
    ("kernel.core_pattern", " |/var/x"),
    ("kernel.core_pattern", "@/run/x.sock"),
    ("kernel.kexec_load_disabled", "0"),
    ("fs.suid_dumpable", "1"),
    ("fs/suid_dumpable", "2"),
]
UNHARMFUL = [
    *(("kernel.core_pattern", "/var/cores/%e"), ("kernel.core_pattern", "|/bin/false"), ("kernel.modprobe", "")),
    *(("kernel.poweroff_cmd", "/sbin/poweroff"), ("fs.suid_dumpable", "0"), ("kernel.kexec_load_disabled", "1")),
]


@pytest.mark.parametrize(("key", "value"), PARAMETERS)
def test_a_parameter_that_lets_the_kernel_start_a_program_is_refused_and_reported(
    dev: dict[str, Any], key: str, value: str
) -> None:
    ways = ({"machine": {"sysctls": {key: value}}}, document("SysctlConfig", params={key: value}))
    for contract, patch in zip(("v1.13", "v1.14"), ways, strict=True):
        assert "kernel-sysctls-are-kept" in complaints(machine("cp-1", patch, contract=contract))
    raws = [changed(dev, {"talos.patches": [ways[0]]})]
    raws += [changed(dev, {"talos.sysctls": {key: value}})] if value == value.strip() else []
    for raw in raws:
        (line,) = refusals(copy.deepcopy(raw))
        assert "exception to KSPP" in line
        assert refusals({**raw, "exceptions": [{"control": "KSPP", **UNTIL}]}) == []


@pytest.mark.parametrize(("key", "value"), UNHARMFUL)
def test_a_parameter_that_starts_nothing_is_accepted(dev: dict[str, Any], key: str, value: str) -> None:
    patch = {"machine": {"sysctls": {key: value}}}
    assert "kernel-sysctls-are-kept" not in complaints(machine("cp-1", patch, contract="v1.13"))
    assert refusals(changed(dev, {"talos.patches": [patch]})) == []


AUTHORITIES = [
    ("v1.12", {"machine": {"acceptedCAs": [{"crt": "YQ=="}]}}),
    ("v1.14", {"machine": {"acceptedCAs": [{"crt": "YQ=="}, {"crt": "Yg=="}]}}),
    ("v1.12", {"cluster": {"acceptedCAs": [{"crt": "YQ=="}]}}),
    ("v1.14", document("KubeAPIServerCAConfig", acceptedCAs=["a"])),
    ("v1.14", document("KubeAggregatorCAConfig", acceptedCAs=["a"])),
]


@pytest.mark.parametrize(("contract", "patch"), AUTHORITIES)
def test_another_authority_is_refused_and_reported_until_an_exception_is_recorded(
    contract: str, patch: dict[str, Any]
) -> None:
    platform = patched(patch, contract=contract, stack="prod")
    (line,) = map(str, of_patches(platform))
    assert "lets clients of another authority give orders to " in line and line.endswith("to TALOS CA in exceptions")
    assert "talos-trusts-its-own-authorities" in complaints(machine("cp-1", patch, contract=contract))
    recorded = platform.model_copy(update={"exceptions": (ExemptionSpec(control="TALOS CA", **UNTIL),)})
    assert of_patches(recorded) == []
    base = base_texts(recorded, "controlplane")
    resource = replace(GOOD["machine"], props={"base": base, "configPatches": [*patches(recorded, "cp-1")]})
    assert complaints(resource) == set()
