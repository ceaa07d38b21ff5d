"""The host beneath Kubernetes: kernel, watchdog, logs and trusted certificates."""

from collections.abc import Iterator

from core.model import MachineSpec, Platform

from .document import Document, by_documents, document


def host(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    """One machine's host settings; its own override those of all machines."""
    yield from _kernel(platform, machine)
    yield from _logs(platform, name)
    watchdog = machine.watchdog or platform.talos.watchdog
    if watchdog:
        yield document("WatchdogTimerConfig", device=watchdog.device, timeout=f"{watchdog.seconds}s")
    for root, certificates in platform.talos.trusted_roots.items():
        yield document("TrustedRootsConfig", name=root, certificates=certificates)


def _kernel(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    sysctls = {**platform.talos.sysctls, **machine.sysctls}
    modules = {**platform.talos.modules, **machine.modules}
    if by_documents(platform):
        if sysctls:
            yield document("SysctlConfig", params=sysctls)
        for module, parameters in modules.items():
            yield document("KernelModuleConfig", name=module, parameters=list(parameters))
        return
    if sysctls:
        yield {"machine": {"sysctls": sysctls}}
    if modules:
        yield {"machine": {"kernel": {"modules": [{"name": m, "parameters": list(p)} for m, p in modules.items()]}}}


def _logs(platform: Platform, name: str) -> Iterator[Document]:
    receivers = platform.talos.logs
    if receivers:
        # Log lines do not name the machine they come from.
        tags = {"cluster": platform.name, "node": name}
        to = [{"endpoint": url, "format": "json_lines", "extraTags": tags} for url in receivers]
        yield {"machine": {"logging": {"destinations": to}}}
    for url in receivers:
        yield document("KmsgLogConfig", name="kernel-" + "-".join(url.replace("://", ":").split(":")), url=url)
