"""Virtual machines that really run in KubeVirt: their console, their cloud-init, and the ports that they open."""

import re
from base64 import b64decode
from functools import partial
from hashlib import sha256
from typing import Any

from core.manifests.cloud_init import secret_name
from core.manifests.kubevirt import NAMESPACE
from core.manifests.objects import LABEL
from lab.guest import MARK
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import asking

# The container of a machine's pod that prints its serial console.
# Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/services/serialconsolelog.go.
CONSOLE = "guest-console-log"
# The guest answers here on every port that it listens on.
PAGE = "cgi-bin/machine"


def there(rehearsal: Rehearsal) -> bool:
    """Whether the platform has virtual machines that run."""
    return rehearsal.virtual and bool(running(rehearsal))


def run(rehearsal: Rehearsal) -> None:
    """KubeVirt is deployed, and every machine boots, gets its cloud-init, and answers on a port that it opens."""
    phase = wait_for("KubeVirt to be deployed", partial(_deployed, rehearsal), seconds=120, every=2)
    found = {name: _one(rehearsal, name) for name in running(rehearsal)}
    rehearsal.times.fact("virtual_machines", {"kubevirt": phase, "machines": found})


def again(rehearsal: Rehearsal) -> None:
    """After all that happened to its node, every machine runs again."""
    found = {name: _one(rehearsal, name) for name in running(rehearsal)}
    rehearsal.times.fact("virtual_machines_again", found)


def console(rehearsal: Rehearsal, name: str) -> list[str]:
    """The guest's own lines on a machine's serial console, since its pod began."""
    namespace = machine(rehearsal, name)["namespace"]
    log = rehearsal.clients.kube(
        "logs", f"--namespace={namespace}", f"--selector={LABEL}={name}", f"--container={CONSOLE}", "--tail=-1"
    )
    return re.findall(rf"^{MARK} (.*?)\r?$", log, re.MULTILINE)


def machine(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    """A machine of the rehearsed stack with its namespace: field to value."""
    return {"namespace": "vms", **rehearsal.platform["vms"][name]}


def instance(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    """The machine that runs as KubeVirt reports it: field to value. Raises RuntimeError while there is none."""
    found: dict[str, Any] = rehearsal.clients.get(
        "virtualmachineinstance", name, f"--namespace={machine(rehearsal, name)['namespace']}"
    )
    return found


def ready(rehearsal: Rehearsal, name: str) -> dict[str, Any] | None:
    """The machine that runs and is Ready, field to value; None while it is not."""
    found = instance(rehearsal, name)
    kinds = {each["type"] for each in found["status"].get("conditions", []) if each["status"] == "True"}
    return found if found["status"].get("phase") == "Running" and "Ready" in kinds else None


def ask(rehearsal: Rehearsal, name: str, words: str = "") -> str:
    """What the guest answers on the first TCP port that it opens, asked by a pod. Raises RuntimeError."""
    namespace, ports = (machine(rehearsal, name).get(key) for key in ("namespace", "ports"))
    pods = rehearsal.clients.get("pods", f"--namespace={namespace}", f"--selector={LABEL}={name}")["items"]
    address = next(pod["status"]["podIP"] for pod in pods if pod["status"]["phase"] == "Running")
    port = next((port for port in ports or () if isinstance(port, int)), 80)
    url = f"http://{address}:{port}/{PAGE}" + (f"?{words}" if words else "")
    return asking.got(rehearsal, url)


def answers(rehearsal: Rehearsal, name: str) -> dict[str, str]:
    """What the guest says of itself: each name, of boots, marker, uptime, start and memory, to its value."""
    return dict(word.split("=", 1) for word in ask(rehearsal, name).split() if "=" in word)


def running(rehearsal: Rehearsal) -> list[str]:
    """The names of the machines that the rehearsed stack runs."""
    vms = (rehearsal.platform or rehearsal.committed).get("vms") or {}
    return [name for name, vm in vms.items() if vm.get("running", True)]


def boots(rehearsal: Rehearsal, name: str) -> str:
    """The guest's line about its own disk, once the machine runs and answers."""
    _one(rehearsal, name)
    return _line(rehearsal, name, "BOOTS")


def _deployed(rehearsal: Rehearsal) -> str:
    status = rehearsal.clients.get("kubevirt", "kubevirt", f"--namespace={NAMESPACE}").get("status", {})
    return str(status["phase"]) if status.get("phase") == "Deployed" else ""


def _one(rehearsal: Rehearsal, name: str) -> dict[str, str]:
    found = wait_for(f"the virtual machine {name} to run", partial(ready, rehearsal, name), seconds=300, every=2)
    up = wait_for(f"{name} to boot", partial(_line, rehearsal, name, "UP"), seconds=180, every=2)
    data = rehearsal.clients.get("secret", secret_name(name), f"--namespace={machine(rehearsal, name)['namespace']}")
    given = sha256(b64decode(data["data"]["userdata"])).hexdigest()
    got = _line(rehearsal, name, "USER-DATA").removeprefix("USER-DATA ")
    see(got == given, f"{name} got other cloud-init than its Secret has: {got or 'none'}, and not {given}")
    answer = wait_for(f"an answer of {name}", partial(ask, rehearsal, name), seconds=60, every=1)
    rehearsal.times.say(f"  {name} on {found['status']['nodeName']}: {up}; {answer}")
    return {"node": found["status"]["nodeName"], "console": up, "answer": answer}


def _line(rehearsal: Rehearsal, name: str, word: str) -> str:
    """The last line of the console that begins with a word; empty while there is none."""
    return next((line for line in reversed(console(rehearsal, name)) if line.startswith(word)), "")
