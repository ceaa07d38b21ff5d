"""The lab's runc fits each process of a node to a user namespace before the real one starts it."""

import json
import subprocess

import pytest

from lab import kernel, prepare

pytestmark = pytest.mark.programs


def held(number):
    return bool(kernel.capabilities() >> number & 1)


def fitted(folder, option, document):
    """The document after the lab's runc, which then fails: there is no real one outside a node."""
    file = folder / ("config.json" if option == "--bundle" else "process.json")
    file.write_text(json.dumps(document))
    program = prepare.binaries("lab-tools")["lab-tools"]
    target = folder if option == "--bundle" else file
    done = subprocess.run([program, "runc", "create", option, target, "name"], capture_output=True, timeout=60)
    assert done.returncode == 1
    return json.loads(file.read_text())


@pytest.mark.parametrize("option", ["--bundle", "--process"])
def test_what_a_user_namespace_refuses_is_taken_out_of_containers_and_of_their_further_processes(tmp_path, option):
    process = {
        "oomScoreAdj": -999,
        "args": ["/agent"],
        "user": {"uid": 9007199254740993},
        "capabilities": {
            "bounding": ["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"],
            "effective": ["CAP_NET_ADMIN"],
            "ambient": [],
        },
    }
    document = {"process": process, "hostname": "pod"} if option == "--bundle" else process
    now = fitted(tmp_path, option, document)
    process = now["process"] if option == "--bundle" else now
    wanted = ["CAP_CHOWN", "CAP_SYS_ADMIN"]
    wanted += [
        name for name, number in (("CAP_SYS_RESOURCE", 24), ("CAP_BPF", 39), ("CAP_PERFMON", 38)) if held(number)
    ]
    assert process["capabilities"] == {"bounding": wanted, "effective": ["CAP_NET_ADMIN"], "ambient": []}
    assert "oomScoreAdj" not in process and process["user"]["uid"] == 9007199254740993
    assert option == "--process" or now["hostname"] == "pod"


def test_a_process_without_capabilities_gets_none(tmp_path):
    assert fitted(tmp_path, "--process", {"args": ["/hello"]}) == {"args": ["/hello"]}
