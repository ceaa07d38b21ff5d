"""The type tokens of the plugins' resources that the program registers. Our own are in core/native."""

# Source: the schema of the Pulumi provider for Talos (pulumiverse/pulumi-talos).
SECRETS = "talos:machine/secrets:Secrets"
CONFIGURATION_APPLY = "talos:machine/configurationApply:ConfigurationApply"
KUBECONFIG = "talos:cluster/kubeconfig:Kubeconfig"

# Source: the engine's naming of provider resources, pulumi:providers:PACKAGE.
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"
TALOS_PROVIDER = "pulumi:providers:talos"
MATCHBOX_PROVIDER = "pulumi:providers:matchbox"
