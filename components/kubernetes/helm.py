"""What stands in a Helm release's way after a run that was killed, cleared before Helm is asked again."""

import asyncio
from collections.abc import Callable

import pulumi
from pulumi import Input, Output, ResourceHook, ResourceHookArgs, ResourceHookBinding

from clients import helm, kubernetes
from clients.kubernetes import Access


def unlocked(name: str, *, kubeconfig: Input[str], namespace: str, release: str, version: str) -> ResourceHookBinding:
    """Hooks for a Release: they run in an `up`, right before the release is made or changed, and never in a plan."""

    def hook(kind: str, clear: Callable[[Access], list[str]]) -> ResourceHook:
        async def before(args: ResourceHookArgs) -> None:
            text = await Output.from_input(kubeconfig).future()
            try:
                cleared = await asyncio.to_thread(clear, Access.parse(text or ""))
            except (OSError, ValueError, helm.Occupied, kubernetes.Refused) as error:
                # The engine shows what a hook raises; a traceback would come along.
                raise RuntimeError(f"{release}: Helm's records could not be looked at: {error}") from None
            for record in cleared:
                pulumi.log.info(f"cleared Helm's record {record} of a run that was cut short")

        return ResourceHook(f"{name}-{kind}", before)

    return ResourceHookBinding(
        before_create=[hook("before-install", lambda access: helm.before_install(access, namespace, release, version))],
        before_update=[hook("before-upgrade", lambda access: helm.before_upgrade(access, namespace, release))],
    )
