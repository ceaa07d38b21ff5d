"""The administrator's kubeconfig: its certificate is signed here, and no machine is queried."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

from core.credentials import kubeconfig, signing
from core.credentials.expiry import RENEWAL
from core.credentials.kubeconfig import KubeconfigRefused
from core.native import InputError, Unknown, Values
from core.native.kubernetes import KUBECONFIG_SIGNED
from provider.progress import Progress
from provider.resource import Resource

# The output of the resource of the Talos plugin, whose states this resource takes over.
_FORMER_OUTPUT = "kubeconfigRaw"


class Kubeconfig(Resource):
    """Writes a kubeconfig from the server, the authority and a client certificate, and from nothing else.

    A certificate that is still good is kept, whoever's resource it was: then the plan knows the kubeconfig.
    """

    contract = KUBECONFIG_SIGNED

    def own_errors(self, inputs: Values, before: Values | None) -> Iterable[InputError]:
        """An authority that can't sign."""
        if not _known(inputs) or self.contract.errors(inputs):
            return
        authority = inputs["authority"]
        try:
            expired = signing.ends(_text(authority["cert"])) <= now()
            signing.private_key(base64.b64decode(authority["key"]))
        except ValueError:
            yield InputError("authority", self.contract.inputs["authority"].reason(authority))
            return
        if expired:
            yield InputError(
                "authority", "has expired; no client trusts what it signs; rotate it first: talosctl rotate-ca"
            )

    def outdated(self, inputs: Values, state: Values) -> list[str]:
        """The kubeconfig, if it must be written again although no input changed."""
        return ["kubeconfig"] if _known(inputs) and self._written(inputs, state) != state.get("kubeconfig") else []

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        """The outputs by name: the kubeconfig is known in a plan if its certificate is kept."""
        written = self._written(inputs, state or {}) if _known(inputs) else None
        return {**self.contract.planned(inputs, state), **({"kubeconfig": written} if written else {})}

    def describe_change(self, inputs: Values, state: Values | None = None) -> str | None:
        """Why the kubeconfig is rewritten, or its certificate renewed."""
        if state is None or not _known(inputs):
            return None
        if why := _renewed_because(inputs, state):
            return f"the administrator's certificate is renewed, because {why}"
        if _FORMER_OUTPUT in state:
            return "takes over the kubeconfig that a control plane issued; its certificate stays"
        changed = [name for name in ("cluster", "server", "authority") if inputs[name] != state.get(name)]
        why = f"{' and '.join(changed)} changed" if changed else "the one in the state was changed"
        return f"the kubeconfig is rewritten, because {why}; its certificate stays"

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        """Sign a certificate. Returns the cluster's name, and the outputs by name."""
        return str(inputs["cluster"]), {**inputs, "kubeconfig": _sign(inputs)}

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        """Write the kubeconfig, with another certificate if that is due. Returns the outputs by name."""
        return {**inputs, "kubeconfig": self._written(inputs, state) or _sign(inputs)}

    def _written(self, inputs: Values, state: Values) -> str | None:
        """The kubeconfig with the certificate of the state; None if another must be signed."""
        if _renewed_because(inputs, state):
            return None
        return _write(inputs, *_pair(state))


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _known(inputs: Values) -> bool:
    authority = inputs.get("authority")
    parts = [inputs.get("cluster"), inputs.get("server"), authority]
    parts += list(authority.values()) if isinstance(authority, dict) else []
    return not any(isinstance(part, Unknown) for part in parts)


def _text(encoded: str) -> str:
    """PEM text from base64."""
    return base64.b64decode(encoded).decode("ascii")


def _pair(state: Values) -> tuple[str, str]:
    """The client certificate and its key in the state's kubeconfig. Raises KubeconfigRefused."""
    held = kubeconfig.parse(state.get("kubeconfig") or state.get(_FORMER_OUTPUT))
    return held.certificate, held.key


def _renewed_because(inputs: Values, state: Values) -> str:
    """Why the state's certificate is not kept; empty if it is."""
    authority = _text(inputs["authority"]["cert"])
    try:
        certificate, key = _pair(state)
    except KubeconfigRefused as refused:
        return f"the kubeconfig in the state {refused}"
    if not signing.administers(certificate, key, authority):
        return "the one in the state is not an administrator's of this authority"
    end, today = signing.ends(certificate), now()
    # Another certificate may not outlive the authority, so that one of its last month is signed once.
    lasts = min(today + signing.LIFETIME, signing.ends(authority))
    return f"it expires on {end:%Y-%m-%d}" if end - today < RENEWAL and end < lasts else ""


def _sign(inputs: Values) -> str:
    made = signing.signed(inputs["authority"], now(), organization=signing.MASTERS, name=signing.ADMIN)
    return _write(inputs, _text(made["clientCertificate"]), _text(made["clientKey"]))


def _write(inputs: Values, certificate: str, key: str) -> str:
    authority = _text(inputs["authority"]["cert"])
    return kubeconfig.Kubeconfig(inputs["cluster"], inputs["server"], authority, certificate, key).text()
