"""The type tokens of the plugins' resources that the program registers. Our own are in core/native."""

# Source: the schema of the Pulumi provider for Talos (pulumiverse/pulumi-talos).
SECRETS = "talos:machine/secrets:Secrets"
# Source: the same schema. States of older releases have it; the program registers core.native.machine.MACHINE_CONFIG.
CONFIGURATION_APPLY = "talos:machine/configurationApply:ConfigurationApply"
# Source: the same schema. States of older releases have it; the program registers
# core.native.kubernetes.KUBECONFIG_SIGNED.
KUBECONFIG = "talos:cluster/kubeconfig:Kubeconfig"
# Source: the same schema. The program never registers it.
BOOTSTRAP = "talos:machine/bootstrap:Bootstrap"

# Source: the engine's naming of provider resources, pulumi:providers:PACKAGE.
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"
# Source: the same naming.
TALOS_PROVIDER = "pulumi:providers:talos"
# Source: the same naming.
MATCHBOX_PROVIDER = "pulumi:providers:matchbox"
