"""Names that everything about scheduled snapshots of etcd agrees on."""

NAMESPACE = "etcd-snapshots"
"""The only namespace whose pods may use the Talos API. Source: chosen by Bedplate."""

NAME = "etcd-snapshots"
"""The CronJob, the account, the volume and the claim. Source: chosen by Bedplate."""

ROLE = "os:etcd:backup"
"""The Talos role that may take snapshots of etcd and nothing else. Source: Talos documentation, RBAC."""

USER = 65532
"""The user and group id that the jobs run as and that owns the snapshots. Source: the distroless images' "nonroot"."""
