"""A real PKI: created by an `up`, rendered as the real plugin renders it, and accepted by the real talosctl."""

import json
import subprocess

import pytest
import yaml
from conftest import stack_platform
from talosplugin import KNOWN_COMPLAINT, SECRETS, leaves, rendered

from core.machineconfig.documents import patches
from core.machineconfig.merge import Documents, merge
from core.machineconfig.whole import formerly_merged
from core.model import parse

pytestmark = pytest.mark.engine


@pytest.fixture(params=["dev", "prod"])
def stack_with_pki(request, checkout):
    """A checkout whose stack has only its PKI."""
    stack = request.param
    here = checkout(stack)
    for part in ("ca", "certificate", "key"):
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:matchbox.{part}", f"a {part}")
    here.pulumi(
        "config",
        "set",
        "--stack",
        stack,
        "--secret",
        "--path",
        "bedplate:matchbox.hosts",
        f"matchbox.{stack}.example.com",
    )
    login = {"username": "a user", "password": "a password", "hosts": "*.bmc.prod.example.com"}
    for part, text in login.items() if stack == "prod" else ():
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:bmc.{part}", text)
    done = here.pulumi("up", "--stack", stack, "--yes", "--skip-preview", *SECRETS, check=False)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
    assert errors and all(KNOWN_COMPLAINT in line for line in errors), done.stdout
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout)
    (secrets,) = [r for r in exported["deployment"]["resources"] if r["type"] == "talos:machine/secrets:Secrets"]
    return stack, here, opened(secrets["outputs"])


def merged_text(config: str) -> Documents:
    """The documents of a whole config."""
    return merge(yaml.safe_load_all(config)).documents


def opened(value):
    """The plain value of what `stack export --show-secrets` prints."""
    if isinstance(value, dict) and "plaintext" in value:
        return opened(json.loads(value["plaintext"]))
    if isinstance(value, dict):
        # A secret inside a secret has the engine's own marker.
        return (
            opened(value["value"]) if "value" in value and len(value) == 2 else {k: opened(v) for k, v in value.items()}
        )
    return value


def test_talosctl_accepts_what_the_real_plugin_renders_and_no_secret_is_shown(stack_with_pki, tmp_path, talos_plugin):
    stack, here, pki = stack_with_pki
    plan = here.preview(stack, "--diff")
    assert "error" not in plan.stdout
    secret = {leaf for leaf in leaves(pki) if len(leaf) > 20 and not leaf.startswith("v1.")}
    assert len(secret) > 15
    shown = plan.stdout + plan.stderr + here.pulumi("preview", "--stack", stack, "--json").stdout
    state = "".join(p.read_text(encoding="utf-8") for p in tmp_path.glob("state/**/*.json"))
    # Certificates are public, and the CLI prints the cluster's id; keys and tokens must never be shown.
    assert [s[:8] for s in secret if s in shown or s in state] == []

    platform = parse(stack_platform(stack))
    for name, machine in platform.machines.items():
        generated = talos_plugin.configuration(platform, machine.role, pki["machineSecrets"])
        ours = rendered(platform, name, pki["machineSecrets"])
        # A state with the plugin's generated config is taken over without sending it again.
        assert merged_text(ours) == formerly_merged(generated, patches(platform, name)), name
        config = tmp_path / f"{name}.yaml"
        config.write_text(ours, encoding="utf-8")
        config.chmod(0o600)
        judged = subprocess.run(
            ["talosctl", "validate", "--config", str(config), "--mode", "metal", "--strict"],
            capture_output=True,
            text=True,
        )
        assert judged.returncode == 0, judged.stderr
        (hostname,) = [
            d["hostname"] for d in yaml.safe_load_all(config.read_text()) if d.get("kind") == "HostnameConfig"
        ]
        assert hostname == name
