"""The gate before the Kubernetes provider: an API that answers and reports that it is ready."""

from core.native import Values
from core.native.kubernetes import API_READY
from provider.framework import in_thread
from provider.kubeapi import Access, get, read
from provider.progress import Progress
from provider.resource import Resource
from provider.waiting import wait_until


class ApiReady(Resource):
    """Created when the API is ready; its outputs are the kubeconfig for its dependents, and the API's version."""

    contract = API_READY

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Wait until the API is ready. Returns the server's address, and the outputs by name."""
        access = Access.parse(inputs["kubeconfig"])
        version = await in_thread(wait, access, float(inputs["timeoutSeconds"]), say)
        return access.server, {**inputs, "version": version}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Wait again: dependents use the new kubeconfig. Returns the outputs by name."""
        return (await self.create(inputs, say))[1]


def wait(access: Access, seconds: float, say: Progress) -> str:
    """The API's version once /readyz returns ok. Raises UserError with the last response after `seconds`."""
    with access.tls() as tls:

        def ask() -> tuple[bool, str]:
            response = get(access, tls, "/readyz")
            return response == "ok", response

        instead = "look at the first control plane with: talosctl -n ADDRESS services, and run up again"
        wait_until(ask, f"{access.server}/readyz was not ok", seconds, instead, say)
        return str(read(access, tls, "/version").get("gitVersion", ""))
