"""The contracts of the resources that concern the cluster and its etcd."""

from dataclasses import replace

from . import shared
from .contract import Contract, Input, Output
from .types import ANY_TEXT, FLAG, mapping, text, text_mapping, texts

BOOTSTRAP = Contract(
    token="bedplate-native:talos:Bootstrap",
    doc="Bootstraps etcd on the first control plane, or takes over the etcd that runs. It never changes afterwards.",
    inputs={
        "machine": replace(shared.machine(), replaces=False, ignored_in_diff=True),
        "node": shared.node(ignored=True),
        "others": Input(
            type=text_mapping(0),
            doc="The name of each other control plane to its address.",
            why="another control plane may already run an etcd",
            instead="write name: address for each other control plane, or {}",
            ignored_in_diff=True,
        ),
        "clientConfiguration": shared.talos_client(ignored=True),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={
        "adopted": Output(
            type=FLAG, doc="Whether etcd was already running: then the control planes run workloads.", kept=True
        )
    },
)

ETCD_MEMBER = Contract(
    token="bedplate-native:talos:EtcdMember",
    doc="Waits until a control plane is a voting member of etcd and healthy with its config.",
    inputs={
        "machine": shared.machine(),
        "address": shared.node(),
        "node": shared.node(name="the Talos API that is queried for the members"),
        "config": Input(
            type=text("a digest"),
            doc="A digest of the machine's config patches. Secret, because a patch may contain a secret.",
            why="another config means that the machine must become healthy again before the next control plane changes",
            instead="write the digest of the patches",
            secret=True,
        ),
        "clientConfiguration": shared.talos_client(),
        "timeoutSeconds": shared.timeout(),
        "adopted": Input(
            type=FLAG,
            doc="Whether the machine was a member before it got its config: then it may be rebooting.",
            why="a machine that was a member before its config may be rebooting",
            instead="write true or false",
            required=False,
            ignored_in_diff=True,
        ),
    },
    outputs={},
)

CHANGE_GUARD = Contract(
    token="bedplate-native:talos:Guard",
    doc="Refuses in the plan what can't be undone: versions that skip or go back, machines that vanish, an endpoint.",
    inputs={
        "platform": Input(
            type=text("a platform's name"),
            doc="The platform's name.",
            why="the state names the guard by it",
            instead="write the platform's name",
        ),
        "contract": shared.version("the config contract"),
        "talos": shared.version("Talos"),
        "kubernetes": shared.version("Kubernetes"),
        "cilium": replace(shared.version("Cilium"), required=False),
        "kubevirt": replace(shared.version("KubeVirt; none if the platform has no KubeVirt"), required=False),
        "cdi": replace(shared.version("CDI; none if the platform has no CDI"), required=False),
        "controlplanes": Input(
            type=text_mapping(1, "a mapping from one or more control planes to their addresses"),
            doc="The name of each control plane to its address.",
            why="etcd must not lose more than one member at a time",
            instead="write name: address",
        ),
        "machines": Input(
            type=text_mapping(1, "a mapping from one or more machines to their roles"),
            doc="The name of each machine that stays to its role.",
            why="a machine that vanishes would keep the cluster's keys",
            instead="write name: role",
        ),
        "leaving": Input(
            type=mapping(),
            doc="The name of each machine that leaves and is still in the stack file, to its how, role and address.",
            why="a plan refuses to forget a machine that has not left",
            instead="write name: {how, role, address}, or {}",
        ),
        "network": Input(
            type=text_mapping(0),
            doc="The cluster's endpoint, issuer of tokens, pods and services, each to its text.",
            why="a running cluster keeps what it was created with",
            instead="write name: text",
            required=False,
        ),
        "accepted": Input(
            type=text_mapping(0),
            doc="Those of them whose change the stack file accepts, each to its new text.",
            why="such a change breaks what runs in the cluster",
            instead="write name: text, or {}",
            required=False,
            ignored_in_diff=True,
        ),
        "clientConfiguration": shared.talos_client(ignored=True),
    },
    outputs={},
)


def _file_part(doc: str, *, ignored: bool = False) -> Input:
    return Input(
        type=text(),
        doc=doc,
        why="it names the snapshot's file",
        instead="write it as in the stack file",
        ignored_in_diff=ignored,
    )


SNAPSHOT = Contract(
    token="bedplate-native:talos:Snapshot",
    doc="Saves etcd to a file before Talos, its schematic or Kubernetes is upgraded.",
    inputs={
        "platform": _file_part("The platform's name."),
        "talos": _file_part("The declared version of Talos."),
        "schematic": _file_part("The declared schematic."),
        "kubernetes": _file_part("The declared version of Kubernetes."),
        "nodes": Input(
            type=texts(1),
            doc="The addresses of the control planes, in the order in which they are queried.",
            why="a control plane provides the snapshot",
            instead="write the addresses of the control planes",
            ignored_in_diff=True,
        ),
        "clientConfiguration": shared.talos_client(ignored=True),
        "folder": _file_part("The folder for snapshots, absolute or in the checkout.", ignored=True),
        "wanted": Input(
            type=FLAG,
            doc="Whether etcd is saved before an upgrade.",
            why="it decides whether etcd is saved before an upgrade",
            instead="write true or false",
            ignored_in_diff=True,
        ),
        "timeoutSeconds": shared.timeout(ignored=True),
    },
    outputs={"file": Output(type=ANY_TEXT, doc="The file with the last snapshot; empty before the first.")},
)
