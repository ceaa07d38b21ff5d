"""The contracts of the gates that query the Kubernetes API, and of what Helm installs there."""

import re

from core.facts.addresses import HTTPS
from core.facts.charts import CACHE

from . import shared
from .contract import Contract, Input, Output
from .types import ANY_TEXT, AUTHORITY, FLAG, KUBECONFIG, text, text_mapping, texts


def _node() -> Input:
    return Input(
        type=text("the name of a node", r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"),
        doc="The node's name.",
        why="the Kubernetes API looks the node up by its name",
        instead="write e.g. cp-1",
        replaces=True,
    )


_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"


def _flag(doc: str, *, ignored: bool = False) -> Input:
    return Input(
        type=FLAG,
        doc=doc,
        why="what may happen to the disk depends on it",
        instead="write true or false",
        ignored_in_diff=ignored,
    )


def _shown(what: str, instead: str) -> Input:
    return Input(
        type=text_mapping(0),
        doc=f"The {what} that the Node has to show, by key.",
        why=f"the scheduler, policies and people rely on the Node's {what}",
        instead=instead,
    )


KUBECONFIG_SIGNED = Contract(
    token="bedplate-native:kubernetes:Kubeconfig",
    doc="Signs the administrator's client certificate with Kubernetes' authority, and writes the kubeconfig.",
    inputs={
        "cluster": Input(
            type=text("a name", r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"),
            doc="The platform's name.",
            why="the kubeconfig names the cluster by it",
            instead="write the platform's name",
        ),
        "server": Input(
            type=text("an https address", r"https://[^\s/@]+"),
            doc="The address of the Kubernetes API.",
            why="the kubeconfig is for this API and no other",
            instead="write https://ADDRESS:6443",
        ),
        "authority": Input(
            type=AUTHORITY,
            doc="Kubernetes' authority: cert and key, each PEM in base64.",
            why="it signs the administrator's certificate",
            instead="take machineSecrets.certs.k8s of talos:machine:Secrets",
            secret=True,
        ),
    },
    outputs={"kubeconfig": Output(type=KUBECONFIG, doc="The administrator's kubeconfig.", secret=True)},
)

API_READY = Contract(
    token="bedplate-native:kubernetes:ApiReady",
    doc="Waits until the Kubernetes API reports that it is ready.",
    inputs={"kubeconfig": shared.kubeconfig(), "timeoutSeconds": shared.timeout()},
    outputs={"version": Output(type=text("a version"), doc="The version that the API reports.")},
)

NODE_READY = Contract(
    token="bedplate-native:kubernetes:NodeReady",
    doc="Waits until Kubernetes reports a node as Ready.",
    inputs={
        "node": _node(),
        "kubeconfig": shared.kubeconfig(),
        "timeoutSeconds": shared.timeout(),
    },
    outputs={},
)

NODE_SETTINGS = Contract(
    token="bedplate-native:kubernetes:NodeSettings",
    doc="Sets labels and taints that a worker's kubelet may not set, and waits until a Node shows what is declared.",
    inputs={
        "node": _node(),
        "labels": _shown("labels", "write key: value, or {}"),
        "taints": _shown("taints", "write key: value:effect, or {}"),
        "annotations": _shown("annotations", "write key: value, or {}"),
        "notByKubelet": Input(
            type=texts(0),
            doc="The keys of the labels that the API refuses from a worker's kubelet.",
            why="they are set with the platform's kubeconfig, and the others by Talos",
            instead="write a list of keys, or []",
        ),
        "kubeletMayTaint": Input(
            type=FLAG,
            doc="Whether Talos may change the Node's taints, as it may on a control plane.",
            why="it decides who changes the taints",
            instead="write true or false",
        ),
        "kubeconfig": shared.kubeconfig(ignored=True),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={},
)


def _of_disk(noun: str, doc: str, example: str, *, replaces: bool = False, pattern: str = ".+") -> Input:
    return Input(
        type=text(noun, pattern),
        doc=doc,
        why="messages name the disk by it, and a plan compares it with that of the last update",
        instead=f"write e.g. {example}",
        replaces=replaces,
    )


VM_DISK = Contract(
    token="bedplate-native:kubernetes:VmDisk",
    doc="Waits until CDI has filled a disk of a VM, and lets the disk grow.",
    inputs={
        "vm": _of_disk("a VM's name", "The VM.", "web", replaces=True),
        "disk": _of_disk("a disk's name", "The disk's name in the stack file, or root.", "root", replaces=True),
        "namespace": _of_disk("a namespace", "The namespace of the VM.", "vms", replaces=True, pattern=_LABEL),
        "claim": _of_disk("a claim's name", "The DataVolume, and its claim.", "web", replaces=True, pattern=_LABEL),
        "source": _of_disk("a source", "What the disk is filled from.", "blank", replaces=True),
        "reached": _of_disk("a way", "How CDI reaches what the disk is filled from.", "no login"),
        "volume": _of_disk("a class", "The class of volumes, and modes.", "local ReadWriteOnce", replaces=True),
        "size": _of_disk("a size", "What the guest sees.", "20Gi", pattern=r"[1-9][0-9]*(Mi|Gi|Ti)"),
        "bytes": _of_disk("a number", "The bytes of the claim.", "21474836480", pattern="[1-9][0-9]*"),
        "grows": _flag("Whether volumes of the class can grow."),
        "keep": _flag("Whether the disk's data are kept where its source changes.", ignored=True),
        "copied": Input(
            type=ANY_TEXT,
            doc="The claim that the disk is a copy of, as NAMESPACE/NAME; empty for any other source.",
            why="it is looked at while CDI does not begin",
            instead="write e.g. images/golden, or an empty text",
            ignored_in_diff=True,
        ),
        "unready": Input(
            type=ANY_TEXT,
            doc="Why a new disk could not be filled, as far as the stack file says; empty if it can.",
            why="a plan refuses what would wait for ever",
            instead="write an empty text",
            ignored_in_diff=True,
        ),
        "starts": _flag("Whether the VM runs, so that a volume that waits for it is made."),
        "kubeconfig": shared.kubeconfig(ignored=True),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={},
)

CHART = Contract(
    token="bedplate-native:kubernetes:Chart",
    doc="A packed Helm chart of a repository, compared with its digest before Helm reads it.",
    inputs={
        "url": Input(
            type=text("an https address", HTTPS),
            doc="The address of the packed chart.",
            why="what comes without TLS shows which platform fetches it, and a password in an address shows in plans",
            instead="write e.g. https://charts.example.com/cilium-1.19.6.tgz",
        ),
        "sha256": Input(
            type=text("a SHA-256 digest", r"[0-9a-f]{64}"),
            doc="The SHA-256 of the packed chart.",
            why="the chart runs with all rights in the cluster, and is compared with it",
            instead="write the 64 digits that sha256sum prints",
        ),
        "file": Input(
            type=text("a file of the cache for charts", rf"\./{re.escape(CACHE)}/[A-Za-z0-9][A-Za-z0-9._-]*\.tgz"),
            doc="The file that Helm reads, from the checkout on.",
            why="nothing else in the checkout is overwritten",
            instead=f"write ./{CACHE}/NAME.tgz",
        ),
        "kubeconfig": shared.kubeconfig(ignored=True),
    },
    outputs={},
)
"""Its kubeconfig is not used: Helm reads the chart as soon as that is known, in a plan too, so the chart is there."""
