"""The running cluster compared with the plan, where no update has recorded what the cluster was created with."""

from collections.abc import Mapping

from clients.talos.running import settings_of
from core.machineconfig import running
from core.native import Values
from core.printable import printable
from provider.framework import UserError
from provider.progress import Progress
from provider.talosclient import client_of


def require_same(inputs: Values, say: Progress) -> None:
    """Compare endpoint, issuer, pods and services with the control planes that run with a config of this platform.

    Raises UserError where one of them runs with others, and the stack file does not accept the change. Control planes
    that show no config that can be read are left out: in a new platform, none answers.
    """
    wanted, accepted = (_texts(inputs.get(key)) for key in ("network", "accepted"))
    planes = _texts(inputs.get("controlplanes"))
    if not wanted or not planes:
        return
    answers = settings_of(client_of(inputs), planes)
    found = {name: answer for name, answer in answers.items() if not isinstance(answer, str)}
    for name, settings in found.items():
        if problems := [problem for _, problem in running.changes(settings, wanted, accepted)]:
            raise UserError(printable(f"{name} runs with other settings, and nothing was changed: {problems[0]}", 2000))
    if found:
        say(f"endpoint, issuer and networks are those that {' and '.join(found)} run with")


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}
