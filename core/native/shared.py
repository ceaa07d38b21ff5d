"""Inputs that several of our resource types have in common."""

from .contract import Input
from .types import FLAG, KUBECONFIG, TALOS_CLIENT, number, text, text_mapping, texts, whole


def machine() -> Input:
    """The name of the machine that a resource is about; another machine is another resource."""
    return Input(
        type=text("a machine's name"),
        doc="The machine's name in the stack file.",
        why="messages and the state name the machine by it",
        instead="write its name in the stack file",
        replaces=True,
    )


def node(*, name: str = "the machine's Talos API", ignored: bool = False) -> Input:
    """The address of a Talos API."""
    return Input(
        type=text("an address"),
        doc=f"The address of {name}.",
        why="the Talos API is queried at this address",
        instead="write the machine's address",
        ignored_in_diff=ignored,
    )


def talos_client(*, ignored: bool = False) -> Input:
    """The client certificate for the Talos API."""
    return Input(
        type=TALOS_CLIENT,
        doc="The client certificate for the Talos API.",
        why="the Talos API is queried with it",
        instead="take clientConfiguration of talos:machine:Secrets",
        secret=True,
        ignored_in_diff=ignored,
    )


def kubeconfig(*, ignored: bool = False) -> Input:
    """The kubeconfig of the cluster's administrator."""
    return Input(
        type=KUBECONFIG,
        doc="The kubeconfig of the cluster's administrator.",
        why="the Kubernetes API is queried with it",
        instead="take kubeconfig of bedplate-native:kubernetes:Kubeconfig",
        secret=True,
        ignored_in_diff=ignored,
    )


def timeout(most: int = 7200, *, example: int = 900, ignored: bool = False) -> Input:
    """The deadline of a wait, in seconds."""
    return Input(
        type=number(1, most),
        doc="Seconds until a wait fails.",
        why="every wait needs a deadline",
        instead=f"write e.g. {example}",
        ignored_in_diff=ignored,
    )


def generation(doc: str, why: str) -> Input:
    """How many installations of a machine were permitted."""
    return Input(type=whole(0), doc=doc, why=why, instead="write e.g. 1, or 0 for none")


def documents() -> Input:
    """The config documents of a machine without its PKI."""
    return Input(
        type=texts(0),
        doc="The machine's config patches as JSON texts, without the PKI. Secret: a patch may contain a secret.",
        why="a plan compares them with those of the last update",
        instead="write the patches as JSON texts",
        secret=True,
    )


def base() -> Input:
    """What Talos' generator writes for a machine, with which the documents of its config are compared."""
    return Input(
        type=texts(1),
        doc="What Talos' generator writes for the machine's role, without the PKI, as JSON texts. States of earlier "
        "releases have none.",
        why="a patch changes what differs from it, and only that can restart the machine",
        instead="write each document as one JSON text",
        required=False,
    )


def controlplane() -> Input:
    """Whether a machine is a control plane."""
    return Input(
        type=FLAG,
        doc="Whether the machine is a control plane.",
        why="control planes restart before workers, and only while etcd keeps its quorum",
        instead="write true or false",
    )


def version(of: str, *, ignored: bool = False) -> Input:
    """A version that is declared in the stack file."""
    return Input(
        type=text("a version"),
        doc=f"The declared version of {of}.",
        why="it is compared with the version that runs",
        instead="write e.g. v1.36.2",
        ignored_in_diff=ignored,
    )


def planes() -> Input:
    """The control planes, any of which can issue a kubeconfig."""
    return Input(
        type=text_mapping(1, "a mapping from one or more control planes to their addresses"),
        doc="The name of each control plane to its address.",
        why="a control plane issues the kubeconfig with which nodes are drained",
        instead="write name: address",
        ignored_in_diff=True,
    )
