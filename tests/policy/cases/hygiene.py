"""Programs that do more than describe, and secrets that show."""

from tests.policy.support import Case, Shown

CLEAR = "is not marked secret, so it is plain in plans and in state"

CASES = (
    Case(
        "plan-runs-no-commands", "config", {"type": "command:local:Command"}, "it runs code whose effects no plan shows"
    ),
    Case(
        "plan-runs-no-commands",
        "config",
        {"type": "pulumi-python:dynamic:Resource"},
        "it runs code whose effects no plan shows",
    ),
    Case("credentials-are-marked-secret", "gate", Shown(kubeconfig="apiVersion: v1"), f"kubeconfig {CLEAR}"),
    Case("credentials-are-marked-secret", "provider", Shown(kubeconfig="apiVersion: v1"), f"kubeconfig {CLEAR}"),
    Case("secret-is-marked-secret", "secret", Shown(data={"a": "eA=="}), f"data {CLEAR}"),
    *(
        Case("talos-snapshots-stay-off-the-system", "snapshot", {"folder": folder}, says)
        for folder, says in (
            ("/etc/cron.d", "folder belongs to the system of a computer"),
            ("/var/lib/kubelet", "folder belongs to the system of a computer"),
            ("/", "folder is not a plain path"),
            ("/srv/../etc", "folder is not a plain path"),
            ("../../etc", "folder is not a plain path"),
            ("/srv/a\nb", "folder is not a plain path"),
        )
    ),
    Case(
        "provider-writes-no-files",
        "provider",
        {"renderYamlToDirectory": "out"},
        "renderYamlToDirectory writes every object, Secrets in plain text, to disk",
    ),
)
