"""Real PKI: made by an update, rendered by the real plugin in a plan, accepted by the real talosctl."""

import json
import os
import subprocess
from pathlib import Path

import grpc
import pytest
import yaml
from conftest import plain, stack_platform
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.platform import parse
from components.talos.documents import patches

pytestmark = pytest.mark.engine

# Providers are made whatever is targeted, and this one waits for an API that is not.
KNOWN_COMPLAINT = "kubernetes-provider' depends on"
SECRETS = ("--target", "**::talos-secrets", "--target", "**::talos", "--target", "**::metal")


def leaves(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


@pytest.fixture(params=["dev", "prod"])
def made(request, checkout):
    """A checkout whose stack has its PKI, and nothing more."""
    stack = request.param
    here = checkout(stack)
    for part in ("ca", "certificate", "key"):
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:matchbox.{part}", f"a {part}")
    for part in ("username", "password") if stack == "prod" else ():
        here.pulumi("config", "set", "--stack", stack, "--secret", "--path", f"bedplate:bmc.{part}", f"a {part}")
    done = here.pulumi("up", "--stack", stack, "--yes", "--skip-preview", *SECRETS, check=False)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
    assert errors and all(KNOWN_COMPLAINT in line for line in errors), done.stdout
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack, "--show-secrets").stdout)
    (secrets,) = [r for r in exported["deployment"]["resources"] if r["type"] == "talos:machine/secrets:Secrets"]
    return stack, here, opened(secrets["outputs"])


def opened(value):
    """The plain value of what `stack export --show-secrets` prints."""
    if isinstance(value, dict) and "plaintext" in value:
        return opened(json.loads(value["plaintext"]))
    if isinstance(value, dict):
        # Secrets inside a secret are told with the engine's own mark.
        return opened(value["value"]) if "value" in value and len(value) == 2 else {k: opened(v) for k, v in value.items()}
    return value


def test_the_real_plugin_renders_what_talosctl_accepts_and_nothing_of_it_leaks(made, tmp_path, talos_plugin):
    stack, here, pki = made
    plan = here.preview(stack, "--diff")
    assert "error" not in plan.stdout
    secret = {leaf for leaf in leaves(pki) if len(leaf) > 20 and not leaf.startswith("v1.")}
    assert len(secret) > 15
    shown = plan.stdout + plan.stderr + here.pulumi("preview", "--stack", stack, "--json").stdout
    state = "".join(p.read_text(encoding="utf-8") for p in tmp_path.glob("state/**/*.json"))
    # Certificates are public, and the CLI prints the cluster's id; keys and tokens must be nowhere.
    assert [s[:8] for s in secret if s in shown or s in state] == []

    platform = parse(stack_platform(stack))
    for name, machine in platform.machines.items():
        base = tmp_path / f"{name}-base.yaml"
        base.write_text(talos_plugin.configuration(platform, machine.role, pki["machineSecrets"]), encoding="utf-8")
        base.chmod(0o600)
        config = tmp_path / f"{name}.yaml"
        merge = [arg for patch in patches(platform, name) for arg in ("--patch", patch)]
        subprocess.run(["talosctl", "machineconfig", "patch", str(base), *merge, "-o", str(config)], check=True)
        judged = subprocess.run(
            ["talosctl", "validate", "--config", str(config), "--mode", "metal", "--strict"], capture_output=True, text=True
        )
        assert judged.returncode == 0, judged.stderr
        hostname, = [d["hostname"] for d in yaml.safe_load_all(config.read_text()) if d.get("kind") == "HostnameConfig"]
        assert hostname == name


class TalosPlugin:
    """The plugin that the engine runs, asked directly for what the engine keeps secret."""

    def __init__(self, port):
        self._stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self._stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True, acceptResources=True))

    def configuration(self, platform, role, secrets):
        args = struct_pb2.Struct()
        args.update(
            {
                "clusterName": platform.name,
                "clusterEndpoint": platform.api,
                "machineType": role,
                "machineSecrets": secrets,
                "talosVersion": platform.talos.contract,
                "kubernetesVersion": platform.talos.kubernetes,
                "docs": False,
                "examples": False,
            }
        )
        answer = self._stub.Invoke(
            provider_pb2.InvokeRequest(tok="talos:machine/getConfiguration:getConfiguration", args=args)
        )
        assert not answer.failures, answer.failures
        return plain(json_format.MessageToDict(getattr(answer, "return"))["machineConfiguration"])


@pytest.fixture
def talos_plugin():
    (binary,) = _plugin_folders()
    process = subprocess.Popen([str(binary)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield TalosPlugin(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _plugin_folders():
    return Path(os.environ["PULUMI_HOME"], "plugins").glob("resource-talos-v*/pulumi-resource-talos")
