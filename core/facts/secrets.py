"""How the engine marks a secret, and which inputs and outputs of the plugins' resources hold credentials.

Our own types say it in core/native.
"""

from collections.abc import Mapping

from . import tokens

# Source: pulumi/pulumi sdk/go/common/resource/sig/sig.go, Key and Secret.
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key of a value that is an envelope, with the kind of the envelope under it."""
# Source: the same.
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""The kind of a secret's envelope."""

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
