"""A fact that must be written in two places is equal in both."""

import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, changed
from hypothesis import given
from hypothesis import strategies as st

from core.facts import disk_size, kernel_defences, known_bad, kspp, pem, quantities, versions
from core.manifests.kubevirt import manifest_path
from core.model import StackFileError, parse
from core.model.ports import own_ports
from policy.rules import arguments, kernel
from provider.identity import matches
from toolchain.manifests import COMMITTED


def test_the_model_and_the_policies_harden_the_same_kernel_parameters():
    """A policy must not read the list of what it judges, so each has its own, and neither a row more."""
    assert dict(kspp.HARDENED) == dict(kernel.KSPP)
    assert kspp.HARDENED is not kernel.KSPP
    assert dict(kspp.PROGRAMS) == dict(kernel.PROGRAMS) and kspp.PROGRAMS is not kernel.PROGRAMS
    assert "user.max_user_namespaces" in kspp.HARDENED


@pytest.mark.parametrize("table", ["MITIGATIONS", "HARDENING", "LISTS", "REMOVED"])
def test_the_model_and_the_policies_know_the_same_kernel_arguments(table):
    models, policies = getattr(kernel_defences, table), getattr(arguments, table)
    assert models == policies
    assert models is not policies


@pytest.mark.parametrize(
    ("argument", "means"),
    [
        ("init_on_alloc=nope", ["init_on_alloc=0"]),
        ("init_on_alloc=00", ["init_on_alloc=0"]),
        ("hardened_usercopy=Never", ["hardened_usercopy=0"]),
        ("randomize_kstack_offset=offline", ["randomize_kstack_offset=0"]),
        ("talos.auditd.disabled=1x", ["talos.auditd.disabled=1"]),
        ("selinux=00", ["selinux=0"]),
        ("init_on_alloc=off", ["init_on_alloc=off"]),
        ("slub-merge", ["slub_merge"]),
        ("sysctl/kernel.kptr_restrict=0", ["sysctl.kernel.kptr_restrict"]),
        ("sysctl/kernel/kptr_restrict=0", ["sysctl.kernel.kptr_restrict"]),
        ("lsm=lockdown,yama,bpf", ["lsm without selinux"]),
        ("lsm=", ["lsm without lockdown", "lsm without yama", "lsm without selinux"]),
        ("lsm", ["lsm without lockdown", "lsm without yama", "lsm without selinux"]),
        ("LSM=yama,lockdown,selinux,landlock", []),
        ("security=none", ["security without selinux"]),
        ("security=apparmor", ["security without selinux"]),
        ("security=selinux", []),
        ("iommu=pt", ["iommu=pt"]),
        ("iommu=noforce,pt", ["iommu=pt"]),
        ("iommu=nopt", []),
        ("iommu.passthrough=1", ["iommu.passthrough=1"]),
        ("iommu.passthrough=on", ["iommu.passthrough=on"]),
        ("iommu.passthrough=0", []),
        ("iommu.strict=0", ["iommu.strict=0"]),
        ("vsyscall=native", ["vsyscall=native"]),
        ("vsyscall=none", []),
        ("debugfs=on", ["debugfs=on"]),
        ("debugfs=off", []),
        ("no-hash-pointers", ["no_hash_pointers"]),
        ("iomem=relaxed", ["iomem=relaxed"]),
        ("init_on_alloc=yes", []),
        ("iommu=noforce", []),
        ("selinux=1", []),
        ("sysctl/kernel/kptr_restrict=2", []),
    ],
)
def test_a_kernel_argument_means_what_the_kernel_reads_in_it(argument, means):
    assert list(kernel_defences.hardening_off(argument)) == means


def test_the_newest_contract_is_one_that_the_talos_and_all_settings_have():
    assert versions.newest_contract("v1.12.0") == (1, 12)
    assert versions.newest_contract("v1.13.9") == (1, 13)
    assert versions.newest_contract("v1.14.2") == (1, 14)
    assert versions.newest_contract("v1.14.2", ["kubelet_mounts", "sysctls"]) == (1, 13)
    with pytest.raises(ValueError, match="empty"):
        versions.newest_contract("v1.11.0")


def test_the_manifests_in_the_checkout_are_those_that_the_model_accepts():
    names = {versions.kubevirt_manifest(version) for version in versions.KUBEVIRT_MANIFESTS}
    names |= {versions.cdi_manifest(version) for version in versions.CDI_MANIFESTS}
    assert names == set(COMMITTED) == {file.name for file in (ROOT / "core/manifests/upstream").iterdir()}
    assert all(manifest_path(version).is_file() for version in versions.KUBEVIRT_MANIFESTS)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stack_files_have_the_current_releases(stack):
    platform = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"][
        "bedplate:platform"
    ]
    assert platform["talos"]["version"] == versions.CURRENT["talos"]
    assert platform["kubevirt"]["version"] == versions.CURRENT["kubevirt"]


SIZES = st.builds(
    lambda sign, blank, number, unit: f"{sign}{blank}{number}{unit}",
    st.sampled_from(["", "==", "<", "<=", ">", ">="]),
    st.sampled_from(["", " "]),
    st.integers(0, 10**6),
    st.sampled_from(list(disk_size.UNITS)),
)


@given(SIZES, st.integers(0, 10**15))
def test_a_size_that_the_model_accepts_is_compared_alike_by_all(text, size):
    """The model, the provider and the machine config read a size by one grammar."""
    wanted = disk_size.parse(text)
    expected = {"==": size == wanted.size, "<": size < wanted.size, "<=": size <= wanted.size}
    expected |= {">": not expected["<="], ">=": not expected["<"]}
    assert matches({"size": text}, {"size": size}) == wanted.matches(size) == expected[wanted.operator]


@pytest.mark.parametrize("text", ["", "200", "200 MB", "> 200", "=> 200GB", "200GB or more"])
def test_a_size_outside_the_grammar_is_none(text):
    with pytest.raises(ValueError, match="is not a size comparison"):
        disk_size.parse(text)


def test_quantities_are_binary():
    assert [quantities.mebibytes(text) for text in ("512Mi", "4Gi", "1Ti")] == [512, 4096, 1_048_576]


@pytest.mark.parametrize("text", ["", "text", "-----BEGIN CERTIFICATE-----", "ü", None, 5, b"-----"])
def test_what_is_no_certificate_is_no_error_either(text):
    assert pem.is_certificate(text) is False


def test_own_ports_follow_the_platform(prod):
    names = {port.name for port in own_ports(parse(prod))}
    plain = changed(prod, {"cilium.encryption": "none", "cilium.hubble": False})
    assert {"apid", "etcd", "kubelet", "cilium-tunnel"} <= names
    assert names - {port.name for port in own_ports(parse(plain))} == {"cilium-wireguard", "hubble"}


def test_the_model_loads_nothing_that_only_some_stack_files_need():
    """Every small command imports the model: Pulumi, OpenSSL and cryptography would cost it most of its time."""
    probe = "import core.model, sys; print([m for m in ('pulumi', 'ssl', 'cryptography', 'grpc') if m in sys.modules])"
    command = [sys.executable, "-c", probe]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("project", "edits"),
    [
        ("kubevirt", {}),
        ("kubevirt", {"cilium.encryption": "none", "talos.schematic": {"extensions": ["siderolabs/iscsi-tools"]}}),
        ("talos", {}),
        ("cilium", {}),
    ],
)
def test_a_release_with_a_known_defect_is_refused_in_each_section_that_names_one(monkeypatch, prod, project, edits):
    release = known_bad.parts(versions.CURRENT[project])
    needs = "siderolabs/iscsi-tools" if edits else "wireguard"
    bad = known_bad.KnownBad(project, release, release, needs, "it stops", "a/b#1", "another")
    monkeypatch.setattr(known_bad, "RELEASES", (bad,))
    with pytest.raises(StackFileError) as refused:
        parse(changed(prod, edits))
    version = versions.CURRENT[project]
    assert [str(fault) for fault in refused.value.faults] == [
        f"platform.{project}.version: {version} has a known defect: it stops; it is reported in a/b#1; write another"
    ]


def test_a_platform_without_kubevirt_has_no_defect_of_it(monkeypatch, prod):
    release = known_bad.parts(versions.CURRENT["kubevirt"])
    bad = known_bad.KnownBad("kubevirt", release, release, "wireguard", "it stops", "a/b#1", "another")
    monkeypatch.setattr(known_bad, "RELEASES", (bad,))
    assert parse(changed(prod, {"kubevirt": None, "vms": None})).kubevirt is None
