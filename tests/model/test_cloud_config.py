"""What a guest gets at its first boot: whole SSH keys, and a cloud-config whose keys cloud-init knows."""

import base64
import re
import struct

import pytest
from refusing import accepted, refused

from core.facts.cloudconfig import KEYS, misspelt
from core.facts.ssh import public_key_fault


def field(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def line(kind: str, *fields: bytes, cut: int = 0, name: str = " ops@example.com") -> str:
    """A line of a .pub file; cut: bytes missing at its end."""
    raw = b"".join(map(field, (kind.encode(), *fields)))
    return f"{kind} {base64.b64encode(raw[: len(raw) - cut]).decode()}{name}"


RSA = b"\x00" + b"\xc1" * 256
WHOLE = {
    "ed25519": line("ssh-ed25519", b"k" * 32),
    "ed25519 without a name": line("ssh-ed25519", b"k" * 32, name=""),
    "rsa": line("ssh-rsa", b"\x01\x00\x01", RSA),
    "ecdsa": line("ecdsa-sha2-nistp256", b"nistp256", b"\x04" * 65),
    "a security key": line("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"),
    "a kind that is not known here": line("ssh-mldsa65@example.com", b"k" * 100, b"x"),
}
BROKEN = {
    "the end is missing": line("ssh-ed25519", b"k" * 32, cut=5),
    "the end of an RSA key is missing": line("ssh-rsa", b"\x01\x00\x01", RSA, cut=100),
    "the name of the kind alone": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me",
    "a part is missing": line("ecdsa-sha2-nistp256", b"nistp256"),
    "a key that is too short": line("ssh-ed25519", b"k" * 31),
    "a part too many": line("ssh-ed25519", b"k" * 32, b"x"),
    "base64 that is cut off": WHOLE["ed25519"].split()[0] + " " + WHOLE["ed25519"].split()[1][:-3],
    "an RSA key of 512 bits": line("ssh-rsa", b"\x01\x00\x01", b"\xc1" * 64),
    "another kind than it says": "ssh-rsa " + WHOLE["ed25519"].split()[1],
    "no key": "hunter2",
    "a blank": " ",
}


@pytest.mark.parametrize("key", WHOLE.values(), ids=WHOLE)
def test_a_whole_key_is_accepted(key):
    assert public_key_fault(key) is None
    assert accepted({"vms.erp.ssh_keys": [key], "vms.erp.cloud_init": None})


@pytest.mark.parametrize("key", BROKEN.values(), ids=BROKEN)
def test_a_key_that_nobody_could_log_in_with_is_refused_and_not_repeated(key):
    said = refused({"vms.erp.ssh_keys": [key]})
    assert said.startswith("platform.vms.erp.ssh_keys.0: is ")
    assert key.split()[-1:] == [] or key.split()[-1] not in said.partition("; paste")[0] or key.split()[-1] == "me"


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("package", "packages"),
        ("run_cmd", "runcmd"),
        ("runcmds", "runcmd"),
        ("Packages", "packages"),
        ("write-files", "write_files"),
        ("writefiles", "write_files"),
        ("ssh_authorised_keys", "ssh_authorized_keys"),
        ("ssh-pwauth", "ssh_pwauth"),
        ("time_zone", "timezone"),
        ("host_name", "hostname"),
        ("chpaswd", "chpasswd"),
        ("boot_cmd", "bootcmd"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_one_that_was_meant(wrong, meant):
    said = refused({"vms.erp.cloud_init": {wrong: []}})
    assert said.startswith(f"platform.vms.erp.cloud_init: {wrong!r} is not a key of a cloud-config; ")
    assert said.endswith(f"did you mean {meant}?")


def test_all_misspelt_keys_are_told_at_once():
    said = refused({"vms.erp.cloud_init": {"package": ["nginx"], "run_cmd": [], "hostname": "erp"}})
    assert "'package' and 'run_cmd' are not keys" in said and said.endswith("did you mean packages and runcmd?")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"#cloud-config": "null!"}, "Bedplate writes the line #cloud-config itself"),
        ({"network": {"version": 2}}, "cloud-init reads it from its network-config"),
        ({"ethernets": {}}, "cloud-init reads it from its network-config"),
        ({"instance-id": "x"}, "cloud-init reads it from its meta-data"),
        ({"runcmd": "systemctl enable nginx"}, "runcmd is not a list"),
        ({"packages": "nginx"}, "packages is not a list"),
        ({"packages": {"nginx": True}}, "packages is not a list"),
        ({"write_files": {"path": "/a"}}, "write_files is not a list"),
        ({"apt": ["nginx"]}, "apt is not a mapping"),
        ({"growpart": "on"}, "growpart is not a mapping"),
    ],
)
def test_what_is_no_cloud_config_is_refused(config, why):
    assert why in refused({"vms.erp.cloud_init": config})


@pytest.mark.parametrize("config", ["#!/bin/sh\nreboot\n", ["runcmd"], "#cloud-config\npackages: [nginx]\n"])
def test_a_script_is_no_cloud_config(config):
    assert "platform.vms.erp.cloud_init: expected a mapping" in refused({"vms.erp.cloud_init": config})


@pytest.mark.parametrize("key", sorted(KEYS))
def test_no_key_of_cloud_init_is_taken_for_another(key):
    assert misspelt(key) is None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"packages": ["nginx"], "runcmd": [["systemctl", "enable", "--now", "nginx"]], "timezone": "UTC"},
        {"users": ["default", {"name": "ops"}], "ca_certs": {"trusted": []}, "ca-certs": {}},
        {"my_company_module": {"a": 1}, "anchors": ["x"]},
        {"ntp": "null!", "wireguard": "null!", "apt_sources": []},
        {"ubuntu-advantage": {}, "grub-dpkg": {}, "launch-index": 1},
    ],
)
def test_a_cloud_config_is_accepted_with_keys_of_plugins_and_of_old_images(config):
    assert accepted({"vms.erp.cloud_init": config})


@pytest.mark.parametrize(
    "config",
    [
        {"packages": [f"package-{number}" for number in range(100_000)]},
        {"write_files": [{"path": "/srv/data", "content": "a" * (1 << 20)}]},
        {"write_files": [{"path": "/srv/data", "content": "ä" * (1 << 19)}]},
        {"runcmd": [["echo", "b" * 1000] for _ in range(1100)]},
        {"apt": {"sources": {"c" * 1000 + str(number): {} for number in range(1100)}}},
    ],
)
def test_what_no_secret_of_kubernetes_can_hold_is_refused(config):
    said = refused({"vms.erp.cloud_init": config})
    assert re.match(r"platform\.vms\.erp\.cloud_init: has 1\d{3} KiB; the VM gets it in a Secret", said), said


@pytest.mark.parametrize(
    "config",
    [
        {"runcmd": ["d" * 500] * 2000},
        {"packages": ["a"] * 200_000},
        {"write_files": [{"path": "/a", "content": "e" * ((1 << 20) - 200)}]},
    ],
)
def test_a_long_one_that_a_secret_can_hold_is_right(config):
    assert accepted({"vms.erp.cloud_init": config})
