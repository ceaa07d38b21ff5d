"""Gates: resources of our own provider that are made when something answers, and not before."""

from pulumi import CustomResource, Input, Output, ResourceOptions

# From bootstrap to an API that answers: images are pulled, etcd elects, static pods start.
API_TIMEOUT_SECONDS = 900


class ApiReady(CustomResource):
    """Waits until the API behind a kubeconfig answers and is ready, and yields that kubeconfig.

    The kubeconfig is there before the API is (terraform-provider-talos#290), and the Kubernetes provider gives
    up on an API that does not answer.
    """

    kubeconfig: Output[str]
    version: Output[str]

    def __init__(self, name: str, kubeconfig: Input[str], timeout_seconds: int, opts: ResourceOptions) -> None:
        props = {"kubeconfig": Output.secret(kubeconfig), "timeoutSeconds": timeout_seconds, "version": None}
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["kubeconfig"]))
        super().__init__("bedplate-native:kubernetes:ApiReady", name, props, opts)


# Images are pulled and, on a new machine, Talos is installed meanwhile.
NODE_TIMEOUT_SECONDS = 900


class NodeReady(CustomResource):
    """Waits until a node is Ready, and names it when it is not in time."""

    def __init__(self, name: str, node: str, kubeconfig: Input[str], opts: ResourceOptions) -> None:
        props = {"node": node, "kubeconfig": Output.secret(kubeconfig), "timeoutSeconds": NODE_TIMEOUT_SECONDS}
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["kubeconfig"]))
        super().__init__("bedplate-native:kubernetes:NodeReady", name, props, opts)
