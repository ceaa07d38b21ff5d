"""The contracts of the gates that query the Kubernetes API."""

from . import shared
from .contract import Contract, Input, Output
from .types import text

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
        "node": Input(
            type=text("the name of a node", r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"),
            doc="The node's name.",
            why="the Kubernetes API looks the node up by its name",
            instead="write e.g. cp-1",
            replaces=True,
        ),
        "kubeconfig": shared.kubeconfig(),
        "timeoutSeconds": shared.timeout(),
    },
    outputs={},
)
