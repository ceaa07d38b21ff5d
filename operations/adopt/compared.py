"""Compare the stack file with the running cluster: what an `up` would change and pods would not survive."""

import base64
from collections.abc import Mapping

from clients.talos import Client
from clients.talos.running import settings_of
from core.machineconfig import running
from core.model import Platform
from core.native.types import CLIENT_PARTS
from core.printable import printable


class Differs(Exception):
    """The stack file does not describe the running cluster: one line per setting."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def compare(platform: Platform, credentials: Mapping[str, str]) -> str:
    """Compare with the control planes that answer. Raises Differs.

    credentials: a client certificate of the cluster, PEM in base64. Returns a line for the reader: what was compared,
    or why nothing could be.
    """
    client = Client(*(base64.b64decode(credentials[part]) for part in CLIENT_PARTS))
    wanted = running.declared(platform)
    addresses = {name: str(platform.machines[name].address) for name in platform.controlplanes}
    answers = settings_of(client, addresses)
    found = {name: answer for name, answer in answers.items() if not isinstance(answer, str)}
    if not found:
        why = "; ".join(f"{name} at {addresses[name]}: {answer}" for name, answer in answers.items())
        return (
            f"endpoint and networks were not compared with the running cluster, because no control plane answered "
            f"({why}); compare them before up: docs/runbooks/adopt.md"
        )
    lines = {line for name, settings in found.items() for line in different(wanted, settings, name)}
    if lines:
        raise Differs(sorted(lines))
    return f"endpoint, issuer and networks are those of the running cluster, as {' and '.join(found)} said"


def different(wanted: running.Settings, runs: running.Settings, name: str) -> list[str]:
    """A line for each setting that the machine of this name runs with another value than the stack file says."""
    lines = []
    for key in ("endpoint", "pods", "services"):
        is_, was = wanted.get(key, ""), runs.get(key, "")
        if not running.same(is_, was):
            lines.append(
                f"platform.network.{key}: is {running.short(is_)}, and {name} runs {printable(was)}; "
                f"write {printable(running.short(was))}"
            )
    # The endpoint's own issuer follows from it, and was compared with it.
    if runs.get("issuer") not in (runs.get("endpoint"), wanted.get("issuer")):
        lines.append(
            f"platform.talos.patches: {name} issues tokens as {printable(runs.get('issuer', ''))}, and the stack file "
            f"as {wanted.get('issuer')}; the API would refuse the tokens that pods have; set service-account-issuer "
            "of the API server to it in a patch"
        )
    return lines
