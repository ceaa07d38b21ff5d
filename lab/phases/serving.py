"""Kubelets serve certificates that the cluster signed, and the API server verifies them."""

import json
import sys
from base64 import b64decode
from functools import partial
from typing import Any

import yaml

from core.facts.paths import CLUSTER_CA
from core.facts.ports import KUBELET
from core.manifests.approver import NAME, NAMESPACE
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

SIGNER = "kubernetes.io/kubelet-serving"
# A command that the API server's image contains, and that exits by itself.
COMMAND = ("/usr/local/bin/kube-apiserver", "--version")

# Prints a kubelet's certificate, and fails unless the cluster's authority (read from stdin) signed it for this address.
_LOOK = """
import json, socket, ssl, sys
trust = ssl.create_default_context(cadata=sys.stdin.read())
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as plain:
    with trust.wrap_socket(plain, server_hostname=sys.argv[1]) as shown:
        print(json.dumps(shown.getpeercert()))
"""


def enabled(rehearsal: Rehearsal) -> bool:
    """Whether the cluster signs the certificates of the stack's kubelets."""
    return bool(rehearsal.committed["talos"].get("extras", {}).get("serving_certificates", "cluster") == "cluster")


def shown(rehearsal: Rehearsal) -> None:
    """The cluster signed every kubelet's certificate, the API server verifies it, and exec and logs work."""
    facts: dict[str, Any] = {"requests": {}, "subject": {}}
    for machine in rehearsal.topology.machines:
        subject = wait_for(
            f"{machine.name}: a kubelet at {machine.address} with a certificate of the cluster",
            partial(_subject, rehearsal, machine.address),
            seconds=120,
            every=1,
        )
        see(subject == f"system:node:{machine.name}", f"the certificate of {machine.name}'s kubelet is for {subject}")
        facts["subject"][machine.name] = subject
    for request in _requests(rehearsal):
        kinds = [condition["type"] for condition in request["status"].get("conditions", [])]
        see(
            kinds == ["Approved"] and request["status"].get("certificate"),
            f"a kubelet's request is {kinds or 'pending'}: {request['metadata']['name']}",
        )
        facts["requests"].setdefault(request["spec"]["username"], []).append(request["metadata"]["name"])
    for machine in rehearsal.topology.machines:
        if machine.role == "controlplane":
            server = rehearsal.clients.get("pod", f"kube-apiserver-{machine.name}", "--namespace=kube-system")
            arguments = " ".join(
                json.dumps(server["spec"]["containers"][0].get(part, [])) for part in ("command", "args")
            )
            see(
                f"--kubelet-certificate-authority={CLUSTER_CA}" in arguments,
                f"the API server of {machine.name} does not verify kubelets' certificates",
            )
            see(
                "Kubernetes v" in _enter(rehearsal, machine.name),
                f"exec into the API server's pod on {machine.name} printed no version",
            )
    wait_for("the approver's log", lambda: _log(rehearsal), seconds=60)
    rehearsal.times.fact("kubelets_certificates", facts)


def without_approver(rehearsal: Rehearsal) -> None:
    """The approver is missing and a kubelet has lost its certificate: the node is Ready, and exec fails.

    With the approver back, exec works again.
    """
    machines = rehearsal.topology.machines
    node = next(machine for machine in machines if machine.address == rehearsal.first)
    approvers = min(2, sum(machine.role == "controlplane" for machine in machines))
    before = {request["metadata"]["name"] for request in _requests(rehearsal)}
    _scale(rehearsal, 0)
    for kept in (rehearsal.layout.node(node.name) / "volumes" / "var" / "lib" / "kubelet" / "pki").glob(
        "kubelet-server-*"
    ):
        kept.unlink()
    rehearsal.clients.talos("service", "kubelet", "restart", "--nodes", node.address)
    wait_for(
        f"{node.name} to ask for a certificate",
        lambda: [one for one in _requests(rehearsal) if one["metadata"]["name"] not in before],
        seconds=120,
        every=1,
    )
    wait_for(
        f"{node.name} Ready, with no certificate to serve",
        lambda: node.name in rehearsal.clients.ready(),
        seconds=120,
        every=1,
    )
    wait_for("exec to be refused", lambda: "tls: internal error" in _refusal(rehearsal, node.name), seconds=60, every=1)
    _scale(rehearsal, approvers)
    wait_for(
        "exec with the approver back", lambda: "Kubernetes v" in _enter(rehearsal, node.name), seconds=120, every=1
    )
    rehearsal.times.fact("without_approver", "the node was Ready, and exec was refused until the approver was back")


def _refusal(rehearsal: Rehearsal, machine: str) -> str:
    """The error of a command in a pod of the machine; empty if the command runs."""
    try:
        _enter(rehearsal, machine)
    except (OSError, RuntimeError) as error:
        return str(error)
    return ""


def _subject(rehearsal: Rehearsal, address: str) -> str:
    kubeconfig = yaml.safe_load((rehearsal.clients.home / "kubeconfig").read_text())
    authority = b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    certificate = json.loads(
        rehearsal.lab.run([sys.executable, "-c", _LOOK, address, str(KUBELET)], seconds=10, stdin=authority).stdout
    )
    return next(str(value) for part in certificate["subject"] for key, value in part if key == "commonName")


def _requests(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return [
        one
        for one in rehearsal.clients.get("certificatesigningrequests")["items"]
        if one["spec"]["signerName"] == SIGNER
    ]


def _enter(rehearsal: Rehearsal, machine: str) -> str:
    return rehearsal.clients.kube(
        "exec", "--namespace=kube-system", f"kube-apiserver-{machine}", "--", *COMMAND, seconds=10
    )


def _log(rehearsal: Rehearsal) -> str:
    return rehearsal.clients.kube("logs", f"--namespace={NAMESPACE}", f"deployment/{NAME}", "--tail=5", seconds=10)


def _scale(rehearsal: Rehearsal, replicas: int) -> None:
    rehearsal.clients.kube("scale", f"--namespace={NAMESPACE}", f"deployment/{NAME}", f"--replicas={replicas}")
    what = "pods", f"--namespace={NAMESPACE}", f"--selector=app.kubernetes.io/name={NAME}"
    wait_for(
        f"{replicas} approvers", lambda: len(rehearsal.clients.get(*what)["items"]) == replicas, seconds=60, every=1
    )
