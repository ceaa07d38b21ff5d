"""Gates: resources that are created when an API answers."""

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource
from core.native.kubernetes import API_READY, NODE_READY

# From the bootstrap to an API that answers: images are pulled, etcd elects a leader, static pods start.
API_TIMEOUT_SECONDS = 900
# Images are pulled and, on a new machine, Talos is installed meanwhile.
NODE_TIMEOUT_SECONDS = 900


class ApiReady(ContractResource):
    """Waits until the API behind a kubeconfig is ready, and outputs that kubeconfig.

    The kubeconfig exists before the API does (terraform-provider-talos#290), and the Kubernetes provider fails on an
    API that does not answer.
    """

    kubeconfig: Output[str]
    version: Output[str]

    def __init__(self, name: str, kubeconfig: Input[str], timeout_seconds: int, opts: ResourceOptions) -> None:
        super().__init__(API_READY, name, {"kubeconfig": kubeconfig, "timeoutSeconds": timeout_seconds}, opts)


class NodeReady(ContractResource):
    """Waits until a node is Ready; a failure names the node."""

    def __init__(self, name: str, node: str, kubeconfig: Input[str], opts: ResourceOptions) -> None:
        values = {"node": node, "kubeconfig": kubeconfig, "timeoutSeconds": NODE_TIMEOUT_SECONDS}
        super().__init__(NODE_READY, name, values, opts)
