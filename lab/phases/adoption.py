"""A new state adopts a running cluster, and credentials that are about to expire are renewed."""

import json
import sys
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.credentials import kubeconfig
from core.credentials.signing import ADMIN, MASTERS, signed
from core.native.kubernetes import KUBECONFIG_SIGNED
from core.state import unwrap_secret
from lab.engine import Engine
from lab.rehearsal import Rehearsal
from lab.shown import see
from operations.adopt.state import KIND, secret

from . import texts
from .by_hand import drifted

SHORT = timedelta(days=10)
CREDENTIALS = ("talosconfig", "kubeconfig")


def adoption(rehearsal: Rehearsal) -> None:
    """An empty state adopts the running platform, by the secrets in a control plane's own config.

    The rehearsal continues with the new state, so that later phases show that it is as complete as the first.
    """
    before, starts = _pki(rehearsal.engine), {name: node["starts"] for name, node in rehearsal.lab.nodes().items()}
    bundle = _bundle(rehearsal)
    engine = Engine(
        rehearsal.lab,
        checkout=rehearsal.checkout,
        pulumi=rehearsal.binaries["pulumi"],
        stack=rehearsal.stack,
        environment=rehearsal.engine.environment,
        home=rehearsal.layout.directory / "adopted",
    )
    engine.write(rehearsal.platform)
    engine.init()
    output = rehearsal.lab.run(
        [sys.executable, "-m", "operations.adopt", rehearsal.stack, str(bundle), str(engine.file)],
        seconds=60,
        env=engine.environment,
        cwd=rehearsal.checkout,
    ).stdout
    bundle.unlink()
    rehearsal.times.say(f"  {output.splitlines()[0]}")
    first, rehearsal.engine = rehearsal.engine, engine
    run = rehearsal.update(seconds=600)
    see(texts.ADOPTS_ETCD in run.text, f"the up did not report that it adopted etcd: {run.text[-2000:]}")
    see(rehearsal.bootstraps() == 1, f"etcd was bootstrapped {rehearsal.bootstraps()} times, not once")
    see(_pki(engine) == before, "the platform has other secrets than before")
    now = {name: node["starts"] for name, node in rehearsal.lab.nodes().items()}
    see(now == starts, f"the up restarted machines: starts before: {starts}, after: {now}")
    see(drifted(rehearsal) == {}, f"machines differ from what was declared: {drifted(rehearsal)}")
    rehearsal.update("--expect-no-changes", seconds=180)
    resources = [{(one["type"], one["urn"].rpartition("::")[2]) for one in each.state()} for each in (first, engine)]
    see(resources[0] == resources[1], f"resources of only one of the two states: {sorted(resources[0] ^ resources[1])}")
    rehearsal.trust()
    rehearsal.times.fact("adopted", {"resources": len(resources[1]), "up_seconds": run.seconds})


def _bundle(rehearsal: Rehearsal) -> Path:
    """The secrets of the running cluster in a file, exported with nothing but a talosconfig."""
    bundle = rehearsal.layout.directory / "secrets.yaml"
    bundle.unlink(missing_ok=True)
    config = rehearsal.clients.talos(
        "get", "machineconfig", "v1alpha1", "--output=jsonpath={.spec}", "--nodes", rehearsal.first
    )
    rehearsal.clients.talos(
        "gen", "secrets", "--from-controlplane-config=/dev/stdin", f"--output-file={bundle}", stdin=config
    )
    return bundle


def _pki(engine: Engine) -> Any:
    [made] = [one for one in engine.state(secrets=True) if one["type"] == KIND]
    # The plugin stores a secret that does not exist as an empty text, or not at all.
    return {
        key: {name: value for name, value in part.items() if value}
        for key, part in unwrap_secret(made["outputs"]["machineSecrets"]).items()
    }


def renewal(rehearsal: Rehearsal) -> None:
    """Both client certificates expire within a month: `drift` reports it, and an `up` creates new ones, which work."""
    engine = rehearsal.engine
    _shorten(engine)
    drift = rehearsal.lab.run(
        [sys.executable, "-m", "operations.drift", rehearsal.stack],
        seconds=60,
        env=engine.environment,
        cwd=rehearsal.checkout,
        check=False,
    )
    see(
        drift.returncode == 7
        and all(f"{name}'s {texts.CERTIFICATE_EXPIRES} 9 days" in drift.stderr for name in CREDENTIALS),
        f"drift does not report that the certificates expire: {drift.returncode}, {drift.stderr[-500:]}",
    )
    old = _credentials(rehearsal)
    run = rehearsal.update(seconds=300)
    new, ends = _credentials(rehearsal), _ends(rehearsal)
    for name in CREDENTIALS:
        see(
            new[name] != old[name] and ends[name] > datetime.now(UTC) + timedelta(days=360),
            f"the {name} was not renewed: it ends on {ends[name]}",
        )
    rehearsal.trust()
    rehearsal.clients.talos("version", "--nodes", rehearsal.first)
    see(
        rehearsal.clients.ready() == {machine.name for machine in rehearsal.topology.machines},
        "with the new kubeconfig, not every node is Ready",
    )
    see(drifted(rehearsal) == {}, f"machines differ from what was declared: {drifted(rehearsal)}")
    rehearsal.update("--expect-no-changes", seconds=180)
    see(rehearsal.bootstraps() == 1, "new credentials bootstrapped etcd again")
    rehearsal.times.fact(
        "renewed", {"until": {name: f"{ends[name]:%Y-%m-%d}" for name in CREDENTIALS}, "up_seconds": run.seconds}
    )


def _shorten(engine: Engine) -> None:
    """Replace the client certificates in the state by certificates of the same authorities that expire soon."""
    exported = json.loads(engine.output("stack", "export", "--show-secrets"))
    token = KUBECONFIG_SIGNED.token
    outputs = {
        one["type"]: one["outputs"] for one in exported["deployment"]["resources"] if one["type"] in (KIND, token)
    }
    certs, now = unwrap_secret(outputs[KIND]["machineSecrets"])["certs"], datetime.now(UTC)
    outputs[KIND]["clientConfiguration"] = secret(signed(certs["os"], now, lifetime=SHORT))
    client = signed(certs["k8s"], now, organization=MASTERS, name=ADMIN, lifetime=SHORT)
    certificate, key = (b64decode(client[part]).decode() for part in ("clientCertificate", "clientKey"))
    held = kubeconfig.parse(unwrap_secret(outputs[token]["kubeconfig"]))
    outputs[token]["kubeconfig"] = secret(replace(held, certificate=certificate, key=key).text())
    engine.output("stack", "import", stdin=json.dumps(exported))


def _credentials(rehearsal: Rehearsal) -> dict[str, Any]:
    return dict(zip(CREDENTIALS, rehearsal.engine.credentials(), strict=True))


def _ends(rehearsal: Rehearsal) -> dict[str, datetime]:
    expires = json.loads(rehearsal.engine.output("stack", "output", "expires", "--json"))
    return {name: datetime.fromisoformat(expires[name]) for name in CREDENTIALS}
