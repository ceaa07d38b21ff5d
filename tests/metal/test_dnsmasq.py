"""The provisioning network: what the real dnsmasq makes of its configuration, asked as firmware and iPXE ask."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest
from conftest import changed, run_program
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import platforms

from core.boot import dnsmasq
from core.model import StackFileError, parse
from lab import speed
from lab.speed import deadline

# What dnsmasq may take to answer. No answer is one of the results, so every such request waits as long.
WAIT_SECONDS = 1.5
WIRE = Path(__file__).parent / "wire.py"
DNSMASQ = "/usr/sbin/dnsmasq"


def provisioned(raw, **more):
    wanted = {"interface": "srv", "http": "http://10.20.0.2:8080", **more}
    return parse(
        changed(raw, {"boot": {"matchbox": {"endpoint": "matchbox.example.com:8081"}, "provisioning": wanted}})
    )


@pytest.mark.programs
@settings(max_examples=20, deadline=None)
@given(platforms(), st.sampled_from(["proxy", "full"]))
def test_dnsmasq_takes_the_configuration_of_every_platform(raw, dhcp):
    for number, machine in enumerate(raw["machines"].values()):
        machine["mac"] = f"52:54:00:00:01:{number:02x}"
    if parse(raw).network.families == (6,):
        with pytest.raises(StackFileError, match="speak IPv4"):
            provisioned(raw, dhcp=dhcp)
        return
    text = dnsmasq.files(provisioned(raw, dhcp=dhcp))["dnsmasq.conf"]
    judged = subprocess.run([DNSMASQ, "--test", "-C", "-"], input=text, capture_output=True, text=True)
    assert (judged.returncode, judged.stderr) == (0, "dnsmasq: syntax check OK.\n")


@pytest.fixture
def ask(tmp_path):
    """Runs the configuration of a platform in a network namespace, and asks it as each client asks."""

    def ask(platform, clients):
        file = tmp_path / "dnsmasq.conf"
        file.write_text(dnsmasq.files(platform)["dnsmasq.conf"], encoding="utf-8")
        alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--user", "--map-root-user"]
        if subprocess.run([*alone, "true"], capture_output=True).returncode:
            told = "no network namespace to be had here"
            # Nothing is left out unseen where it counts.
            pytest.fail(told) if os.environ.get("CI") == "true" else pytest.skip(told)
        requests = json.dumps([dict(zip(("mac", "arch", "ipxe"), client, strict=True)) for client in clients])
        done = subprocess.run(
            [*alone, sys.executable, str(WIRE), str(file), f"{WAIT_SECONDS * speed.now():.1f}"],
            input=requests,
            capture_output=True,
            text=True,
            timeout=deadline(60),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


BIOS, EFI, EFI_BC = 0, 7, 9
KNOWN, UNKNOWN = "0c:c4:7a:00:02:01", "0c:c4:7a:00:02:99"
# What asks, and the file that it is told to fetch: firmware gets iPXE, and iPXE this platform's script.
ASKS = {
    (KNOWN, BIOS, False): "undionly.kpxe",
    (KNOWN, EFI, False): "snponly.efi",
    (KNOWN, EFI_BC, False): "snponly.efi",
    (KNOWN, BIOS, True): "prod.ipxe",
    (KNOWN, EFI, True): "prod.ipxe",
    (UNKNOWN, BIOS, False): None,
    (UNKNOWN, EFI, False): None,
    (UNKNOWN, EFI, True): None,
}


@pytest.mark.programs
@pytest.mark.parametrize("dhcp", ["proxy", "full"])
def test_known_machines_are_led_to_their_script_and_nobody_else_is_answered(dhcp, prod, ask, tmp_path):
    answers = ask(provisioned(prod, dhcp=dhcp, tftp_root=str(tmp_path)), ASKS)
    assert dict(zip(ASKS, [answer and answer["file"] for answer in answers], strict=True)) == ASKS
    assert {answer["server"] for answer in answers if answer} == {"10.20.0.2"}


ARM = 11
ASKS_OF_BOTH = {
    (KNOWN, ARM, False): "snponly-arm64.efi",
    (KNOWN, ARM, True): "prod.ipxe",
    ("0c:c4:7a:00:01:03", EFI, False): "snponly.efi",
    (UNKNOWN, ARM, False): None,
}


@pytest.mark.programs
@pytest.mark.parametrize("dhcp", ["proxy", "full"])
def test_machines_of_both_architectures_get_their_boot_loader(dhcp, prod, ask, tmp_path):
    raw = changed(prod, {"machines.wk-1.arch": "arm64", "vms": None})
    answers = ask(provisioned(raw, dhcp=dhcp, tftp_root=str(tmp_path)), ASKS_OF_BOTH)
    assert [answer and answer["file"] for answer in answers] == list(ASKS_OF_BOTH.values())


@pytest.mark.programs
def test_a_full_server_gives_each_machine_its_own_address_and_the_ways_out(prod, ask, tmp_path):
    wk, cp = ask(
        provisioned(prod, dhcp="full", tftp_root=str(tmp_path)),
        [(KNOWN, EFI, False), ("0c:c4:7a:00:01:03", BIOS, False)],
    )
    assert (wk["address"], cp["address"]) == ("10.20.0.21", "10.20.0.13")
    assert (wk["options"]["3"], wk["options"]["6"]) == ("0a140001", "0a1400020a140003")


@pytest.mark.programs
def test_a_full_server_never_names_itself_as_gateway_or_dns(prod, ask, tmp_path):
    """It is neither, and dnsmasq would say so by default."""
    raw = changed(prod, {"network.gateway": None, "network.resolvers": None})
    (answer,) = ask(provisioned(raw, dhcp="full", tftp_root=str(tmp_path)), [(KNOWN, EFI, False)])
    assert not {"3", "6"} & set(answer["options"])


@pytest.mark.programs
def test_a_proxy_gives_no_address(prod, ask, tmp_path):
    """Two servers that give addresses to one network are an outage."""
    (answer,) = ask(provisioned(prod, tftp_root=str(tmp_path)), [(KNOWN, EFI, False)])
    assert answer["address"] == "0.0.0.0"


def test_the_script_asks_matchbox_and_goes_on_to_the_next_boot_entry(prod):
    files = dnsmasq.files(provisioned(prod))
    assert sorted(files) == ["dnsmasq.conf", "prod.ipxe"]
    assert files["prod.ipxe"] == "#!ipxe\nchain http://10.20.0.2:8080/ipxe?mac=${mac:hexhyp} || exit 1\n"


@pytest.mark.parametrize("asked", [True, False])
def test_the_files_are_an_output_of_the_stack_where_they_are_asked_for(asked, dev, monkeypatch):
    outputs = {}
    monkeypatch.setattr(pulumi, "export", outputs.__setitem__)
    run_program(
        changed(
            dev, {"boot.provisioning": {"interface": "eth1", "http": "http://192.168.10.2:8080"} if asked else None}
        )
    )
    assert ("dnsmasq" in outputs) == asked
    assert not asked or sorted(outputs["dnsmasq"]) == ["dev.ipxe", "dnsmasq.conf"]


def test_no_credential_of_the_stack_is_in_them(dev):
    text = "".join(dnsmasq.files(provisioned(dev)).values())
    assert "matchbox.example.com:8081" not in text and "BEGIN" not in text
