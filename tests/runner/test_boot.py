"""`./bedplate boot`: the boot server's files, written before any machine runs."""

import subprocess
import sys

import pytest
import yaml
from conftest import KEY, ROOT, changed, stack_platform

PROVISIONING = {"interface": "eth1", "http": "http://10.20.0.2:8080"}


def boot(tmp_path, edits):
    raw = changed(stack_platform("prod"), edits)
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": {KEY: raw}}), encoding="utf-8")
    command = [sys.executable, "-m", "operations.boot", "Pulumi.prod.yaml", "files"]
    return subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )


def test_boot_files_are_written_and_the_output_says_where_each_belongs(tmp_path):
    done = boot(tmp_path, {"boot.provisioning": PROVISIONING})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "files/dnsmasq.conf -> /etc/dnsmasq.d, under a name of its own",
        "files/prod.ipxe -> the TFTP folder, beside undionly.kpxe and snponly.efi",
        "files/schematic.yaml -> the factory, once: curl --data-binary @files/schematic.yaml "
        "https://factory.prod.example.com/schematics",
    ]
    assert "dhcp-host=0c:c4:7a:00:02:01,wk-1" in (tmp_path / "files/dnsmasq.conf").read_text()
    assert (tmp_path / "files/schematic.yaml").read_text() == "customization: {}\n"


def test_a_stack_that_needs_no_boot_files_is_reported(tmp_path):
    done = boot(tmp_path, {})
    assert (done.returncode, done.stderr) == (0, "no dnsmasq configuration: the stack file has no boot.provisioning\n")


def test_a_faulty_stack_file_writes_nothing(tmp_path):
    done = boot(tmp_path, {"name": None})
    assert done.returncode == 2 and done.stderr.startswith(
        "boot: the stack file has 1 fault\nPulumi.prod.yaml:2: platform.name: is missing; "
    )
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("arguments", [[], ["prod"], ["--x", "prod"]])
def test_boot_needs_a_stack_and_a_folder(arguments):
    done = subprocess.run([str(ROOT / "bedplate"), "boot", *arguments], capture_output=True, text=True)
    assert done.returncode == 2 and "write: ./bedplate boot STACK FOLDER; there are: dev, prod" in done.stderr


def test_a_folder_that_can_not_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "files").write_text("")
    done = boot(tmp_path, {})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "boot: 'files' can't be written: File exists; name another folder\n"


def test_a_stack_may_be_qualified_and_a_folder_is_resolved_from_where_it_was_typed(tmp_path):
    command = [str(ROOT / "bedplate"), "boot", "organization/bedplate/dev", "files"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "files/schematic.yaml").exists()


@pytest.mark.parametrize("file", ["", "gone/schema.json"])
def test_a_schema_that_can_not_be_written_is_refused_in_one_line(tmp_path, file):
    done = subprocess.run([str(ROOT / "bedplate"), "schema", f"{tmp_path}/{file}"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("schema: ") and len(done.stderr.splitlines()) == 1
