"""A chart of a repository, as a file that Helm reads."""

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource
from core.native.kubernetes import CHART


class Chart(ContractResource):
    """A packed chart that was compared with its digest."""

    file: Output[str]
    """The file's path from the checkout on; known in a plan."""

    def __init__(
        self, name: str, *, url: str, sha256: str, file: str, kubeconfig: Input[str], opts: ResourceOptions
    ) -> None:
        values = {"url": url, "sha256": sha256, "file": file, "kubeconfig": kubeconfig}
        super().__init__(CHART, name, values, opts)
