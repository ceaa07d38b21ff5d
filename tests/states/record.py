"""Turn an exported state of a rehearsal into a recorded one: `python -m tests.states.record EXPORT STACKFILE NAME LAB`.

EXPORT is what `pulumi stack export --show-secrets` printed, LAB the lab's folder. Recorded are NAME.json.gz, encrypted
with the passphrase of these tests, and NAME.yaml, the stack file. Paths become placeholders, positions in source files
go, and client certificates are signed again for a hundred years: else the Talos provider would renew them in a plan.
The secrets are those of a lab that ended.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from core.credentials.kubeconfig import parse

FOLDER = Path(__file__).parent
PASSPHRASE = "the passphrase of the recorded states"
LAB = "/srv/bedplate-lab"
_POSITIONS = ("sourcePosition", "stackTrace")


def main(export: Path, stack_file: Path, name: str, lab: str) -> None:
    """Write both files."""
    text = export.read_text(encoding="utf-8").replace(lab, LAB)
    recorded = json.loads(text)
    resources = recorded["deployment"]["resources"]
    for resource in resources:
        for key in _POSITIONS:
            resource.pop(key, None)
    for before, after in _renewed(resources).items():
        recorded = json.loads(json.dumps(recorded).replace(before, after))
    encrypted = json.dumps(_encrypted(recorded), indent=1)
    (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(encrypted.encode(), mtime=0))
    lines = stack_file.read_text(encoding="utf-8").replace(lab, LAB).splitlines(keepends=True)
    (FOLDER / f"{name}.yaml").write_text("".join(line for line in lines if "encryptionsalt" not in line))


def _renewed(resources: list[dict[str, Any]]) -> dict[str, str]:
    """Client certificate to the one that replaces it, both as base64 of PEM."""
    by_type = {resource["type"]: resource.get("outputs") or {} for resource in resources}
    pki = by_type["talos:machine/secrets:Secrets"]
    certs = _plain(pki["machineSecrets"])["certs"]
    renewed = dict([_signed(_plain(pki["clientConfiguration"])["clientCertificate"], certs["os"])])
    if access := by_type.get("bedplate-native:kubernetes:Kubeconfig"):
        certificate = parse(_plain(access["kubeconfig"])).certificate
        renewed |= dict([_signed(base64.b64encode(certificate.encode()).decode(), certs["k8s"])])
    return renewed


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "plaintext" in value:
        return _plain(json.loads(value["plaintext"]))
    if isinstance(value, dict) and len(value) == 2 and "value" in value:
        return _plain(value["value"])
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _signed(certificate: str, authority: dict[str, str]) -> tuple[str, str]:
    before = x509.load_pem_x509_certificate(base64.b64decode(certificate))
    pem = base64.b64decode(authority["key"]).replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY")
    key: Any = serialization.load_pem_private_key(pem, password=None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(before.subject)
        .issuer_name(before.issuer)
        .public_key(before.public_key())
        .serial_number(before.serial_number)
        .not_valid_before(before.not_valid_before_utc)
        .not_valid_after(before.not_valid_before_utc + timedelta(days=36500))
    )
    for extension in before.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    digest = None if before.signature_hash_algorithm is None else hashes.SHA256()
    after = builder.sign(key, digest).public_bytes(serialization.Encoding.PEM)
    return certificate, base64.b64encode(after).decode()


def _encrypted(recorded: dict[str, Any]) -> dict[str, Any]:
    """The same state under the passphrase of these tests."""
    stack = recorded["deployment"]["resources"][0]["urn"].split("::")[0].rpartition(":")[2]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Pulumi.yaml").write_text("name: bedplate\nruntime: python\n")
        environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{folder}", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)

        def pulumi(*arguments: str, stdin: str | None = None) -> str:
            command = ["pulumi", *arguments, "--stack", stack, "--cwd", folder]
            return subprocess.run(
                command, input=stdin, env=environment, text=True, check=True, stdout=subprocess.PIPE
            ).stdout

        subprocess.run(["pulumi", "stack", "init", stack, "--cwd", folder], env=environment, check=True)
        empty = json.loads(pulumi("stack", "export"))["deployment"]
        recorded["deployment"]["secrets_providers"] = empty["secrets_providers"]
        pulumi("stack", "import", stdin=json.dumps(recorded))
        exported: dict[str, Any] = json.loads(pulumi("stack", "export"))
    return exported


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
