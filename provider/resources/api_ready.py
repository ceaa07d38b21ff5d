"""The gate before the Kubernetes provider: an API that answers and says that it is ready."""

import json

from provider.framework import UNKNOWN, InputError, Progress, Values, in_thread
from provider.gate import Gate
from provider.kubeapi import Access, get, wrong_kubeconfig
from provider.waiting import wait_until, wrong_timeout


class ApiReady(Gate):
    """Created when the API is ready; yields the kubeconfig for who comes after, and the API's version."""

    token = "bedplate-native:kubernetes:ApiReady"
    secrets = frozenset({"kubeconfig"})

    def check(self, inputs: Values, before: Values | None = None) -> list[InputError]:
        return [*wrong_kubeconfig(inputs.get("kubeconfig")), *wrong_timeout(inputs.get("timeoutSeconds"))]

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "version": UNKNOWN}

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        access = Access.parse(inputs["kubeconfig"])
        version = await in_thread(wait, access, float(inputs["timeoutSeconds"]), say)
        return access.server, {**inputs, "version": version}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        return (await self.create(inputs, say))[1]


def wait(access: Access, seconds: float, say: Progress) -> str:
    """The API's version once /readyz says ok. Raises UserError with the last answer when the time is over."""
    with access.tls() as tls:

        def ask() -> tuple[bool, str]:
            answer = get(access, tls, "/readyz")
            return answer == "ok", answer

        instead = "look at the first control plane with: talosctl -n ADDRESS services, and run up again"
        wait_until(ask, f"{access.server}/readyz was not ok", seconds, instead, say)
        return str(json.loads(get(access, tls, "/version"))["gitVersion"])
