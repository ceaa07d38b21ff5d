"""Files that a part needs before it can be compiled, made from its own pinned modules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import ToolchainError
from .lock import Part


def module_folder(module: str, source: Path, go: Path, environment: Mapping[str, str]) -> Path:
    """The folder where Go keeps a module that the one in `source` requires. Raises ToolchainError if it has none."""
    listed = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", module],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
    )
    if not listed.stdout.strip():
        raise ToolchainError(f"{module}: go cannot find it: {listed.stderr.strip()}")
    return Path(listed.stdout.strip())


def kubernetes_schema(part: Part, source: Path, go: Path, environment: Mapping[str, str]) -> None:
    """Write the two documents that the Kubernetes plugin embeds, with the version that it must report."""
    module = "github.com/pulumi/pulumi-kubernetes/provider/v4"
    theirs = module_folder(module, source, go, environment) / "cmd" / "pulumi-resource-kubernetes"
    ours = source / "gen"
    ours.mkdir()
    schema = json.loads((theirs / "schema.json").read_text())
    schema["version"] = part.version
    (ours / "schema-embed.json").write_text(json.dumps(schema))
    mapping = (theirs / "terraform-mapping.json").read_bytes()
    (ours / "terraform-mapping-embed.json").write_bytes(mapping)


GENERATORS: Mapping[str, Callable[[Part, Path, Path, Mapping[str, str]], None]] = {
    "kubernetes_schema": kubernetes_schema,
}
