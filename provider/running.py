"""The running cluster compared with the plan, where no update has recorded what the cluster was created with."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from clients.talos import MACHINE_CONFIGS, Client, NoAnswer
from core.machineconfig import running
from core.machineconfig.differences import parse
from core.native import Values
from core.printable import printable
from provider.framework import UserError
from provider.progress import Progress
from provider.talosclient import client_of


def require_same(inputs: Values, say: Progress) -> None:
    """Compare endpoint, issuer, pods and services with the control planes that run with a config of this platform.

    Raises UserError where one of them runs with others, and the stack file does not accept the change. Control planes
    that don't answer are left out: in a new platform, none does.
    """
    wanted, accepted = (_texts(inputs.get(key)) for key in ("network", "accepted"))
    planes = _texts(inputs.get("controlplanes"))
    if not wanted or not planes:
        return
    client = client_of(inputs)
    with ThreadPoolExecutor(max_workers=len(planes)) as pool:
        found = dict(zip(planes, pool.map(lambda address: _settings(client, address), planes.values()), strict=True))
    for name, settings in found.items():
        if problems := [problem for _, problem in running.changes(settings, wanted, accepted)]:
            raise UserError(printable(f"{name} runs with other settings, and nothing was changed: {problems[0]}", 2000))
    if compared := [name for name, settings in found.items() if settings]:
        say(f"endpoint, issuer and networks are those that {' and '.join(compared)} run with")


def _settings(client: Client, address: str) -> dict[str, str]:
    """The settings that a machine runs with; none where it has no config of this platform."""
    try:
        text = client.resources(address, "config", MACHINE_CONFIGS).get("v1alpha1")
        return running.settings(parse(str(text)).documents.values()) if text else {}
    except (NoAnswer, ValueError):
        return {}


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}
