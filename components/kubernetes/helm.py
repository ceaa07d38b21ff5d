"""Clears the records that an interrupted run left of a Helm release, because Helm refuses to go on from them."""

import asyncio
from collections.abc import Callable

import pulumi
from pulumi import Input, Output, ResourceHook, ResourceHookArgs, ResourceHookBinding

from clients import helm, kubernetes
from clients.kubernetes import Access
from core.printable import printable


def clear_interrupted_release(
    name: str, *, kubeconfig: Input[str], namespace: str, release: str, version: str
) -> ResourceHookBinding:
    """Hooks for a Release: they run in an `up`, right before the release is created or updated, and in no plan."""

    async def before_install(args: ResourceHookArgs) -> None:
        await _clear(kubeconfig, release, lambda access: helm.before_install(access, namespace, release, version))

    async def before_upgrade(args: ResourceHookArgs) -> None:
        await _clear(kubeconfig, release, lambda access: helm.before_upgrade(access, namespace, release))

    return ResourceHookBinding(
        before_create=[ResourceHook(f"{name}-before-install", before_install)],
        before_update=[ResourceHook(f"{name}-before-upgrade", before_upgrade)],
    )


async def _clear(kubeconfig: Input[str], release: str, clear: Callable[[Access], list[str]]) -> None:
    text = await Output.from_input(kubeconfig).future()
    try:
        records = await asyncio.to_thread(clear, Access.parse(text or ""))
    except (OSError, ValueError, helm.ReleaseOccupied, kubernetes.CredentialsRefused) as error:
        # The engine shows what a hook raises; without `from None` a traceback would follow.
        raise RuntimeError(f"{release}: Helm's records can't be read: {printable(error, 1000)}") from None
    for record in records:
        pulumi.log.info(f"cleared Helm's record {record}, which an interrupted run left")
