"""Which inputs and outputs of the plugins' resources hold credentials. Our own types say it in core/native."""

from collections.abc import Mapping

from . import tokens

# Source: the schemas of the plugins. They mark only some leaves of these as secret, or none.
SECRET_INPUTS: Mapping[str, tuple[str, ...]] = {
    tokens.KUBERNETES_PROVIDER: ("kubeconfig",),
    tokens.MATCHBOX_PROVIDER: ("clientKey",),
}
"""Each token to the inputs that must be registered as secrets."""

# Source: the schemas of the plugins.
SECRET_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    tokens.SECRETS: ("clientConfiguration", "machineSecrets"),
}
"""Each token to the outputs that the state must encrypt: the additional_secret_outputs of its registration."""
